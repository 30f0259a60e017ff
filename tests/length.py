"""The size of the longest tests: reduced on each change, full once a week (`make weekly`)."""

import os

__all__ = ["LONG"]

LONG = os.environ.get("TEST_LENGTH") == "long"
