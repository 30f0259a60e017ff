"""The environment that `make test` creates for the package: the wheel, pytest and Azure's device SDK, and nothing else."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SOURCE = PROJECT / "helpers" / "local_dps"
BUILT = PROJECT / "build" / "package"
_FOLDER = PROJECT / ".venv-package" / ("Scripts" if os.name == "nt" else "bin")


def installed(program: str) -> Path:
    """The path of a program in that environment."""
    path = _FOLDER / program
    assert path.exists(), "The package is not built: `make test` builds and installs it."
    return path


def run(*command: str | Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user of the package does: in another folder, and with nothing of this project in the environment."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON", "LOCAL_DPS"))}
    own |= {"PATH": f"{_FOLDER}{os.pathsep}{os.environ['PATH']}", **environment}
    return subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, timeout=300, check=False)


def modules() -> Iterator[str]:
    """Return the package's files in the tree, relative to its folder."""
    for file in SOURCE.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file.relative_to(SOURCE).as_posix()
