"""The command `local-dps`, as `python -m local_dps`."""

import sys

from .command_line import main

__all__: list[str] = []

sys.exit(main())
