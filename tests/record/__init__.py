"""Records of what users get from a walkthrough: its requests, its files, the state at the service, the commands' output.

`python -m tests.record` runs the scenarios and prints each difference from the committed records. To accept a change, run
`python -m tests.record --write`, and give the reason for each difference in the commit message.
"""
