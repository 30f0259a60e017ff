"""The permission bits of a file."""

import stat
import sys
from pathlib import Path


def has_mode(path: Path, mode: int) -> bool:
    """Whether a file has these permission bits. Windows has none: there, the access list of the folder protects it."""
    return sys.platform == "win32" or stat.S_IMODE(path.stat().st_mode) == mode
