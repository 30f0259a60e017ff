"""The files of the project, without those that npm installs among them."""

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["sources"]


def sources(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder. Folders that npm or Python fill are not entered: npm's have thousands of files."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - {"node_modules", "__pycache__"})
        yield from (Path(parent, file) for file in sorted(files))
