"""Check that JupyterLab can write to its own folders; `python -m helpers.jupyter_folders` names a folder that it can't."""

import sys
import tempfile
from pathlib import Path

from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir, jupyter_runtime_dir

from helpers.problem import Problem

__all__ = ["require_jupyter_folders"]


def require_jupyter_folders() -> None:
    """Create the folders in which JupyterLab stores its own files, as JupyterLab would, and try to write to them.

    Raises:
        Problem: a folder can't be created or written, for example because the home folder is read-only.
    """
    for folder in map(Path, (jupyter_config_dir(), jupyter_data_dir(), jupyter_runtime_dir())):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise Problem(
                "JupyterLab can't start.",
                f"It stores its own files in the folder {folder} and can't write there: {error.strerror}.",
                f"Give yourself permission to write to that folder, or {_other_folders()}",
            ) from error


def _other_folders() -> str:
    if sys.platform == "win32":
        return "set JUPYTER_CONFIG_DIR, JUPYTER_DATA_DIR and JUPYTER_RUNTIME_DIR to other folders."
    return "use another home folder: HOME=$(mktemp -d) make lab"


if __name__ == "__main__":
    try:
        require_jupyter_folders()
    except Problem as problem:
        sys.exit(str(problem))
