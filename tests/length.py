"""How much the longest tests do: enough on each change, all of it once a week (`make weekly`)."""

import os

__all__ = ["LONG"]

LONG = os.environ.get("TEST_LENGTH") == "long"
