"""Questions with choices, where they are kept, and the two places in a notebook that ask them: recall and predictions."""
