"""The folders that JupyterLab needs: `python -m helpers.jupyter_folders` says so if one of them can't be written."""

import sys
import tempfile
from pathlib import Path

from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir, jupyter_runtime_dir

from helpers.problem import Problem

__all__ = ["require_jupyter_folders"]


def require_jupyter_folders() -> None:
    """Create the folders in which JupyterLab keeps its own files, as it would, and try to write there.

    Raises:
        Problem: one can't be created or written, as with a read-only home.
    """
    for folder in map(Path, (jupyter_config_dir(), jupyter_data_dir(), jupyter_runtime_dir())):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise Problem(
                "JupyterLab can't start.",
                f"It needs the folder {folder} for its own files and can't write there: {error.strerror}.",
                "Make the folder writable for you. Or use another home: HOME=$(mktemp -d) make lab",
            ) from error


if __name__ == "__main__":
    try:
        require_jupyter_folders()
    except Problem as problem:
        sys.exit(str(problem))
