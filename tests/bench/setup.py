"""The creation of the environment, in a fresh copy of the tree."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.report import Figure
from tests.bench.size import Size

__all__ = ["setup"]

_PROJECT = Path(__file__).resolve().parents[2]
_ROUNDS = 2  # each takes pip a minute


def setup(size: Size) -> Figure:
    """`make .venv/.ready` with uv and, in turn, with pip."""
    pairs = [(_seconds(), _seconds("UV=") if size.with_pip else None) for _ in range(_ROUNDS if size.with_pip else 1)]
    theirs = [each for _, each in pairs if each is not None]
    return Figure(
        "the environment of the walkthrough", "s", [each for each, _ in pairs], "by pip" if theirs else "", theirs
    )


def _seconds(*options: str) -> float:
    with TemporaryDirectory() as folder:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=_PROJECT, capture_output=True, text=True, check=True)
        for name in filter(None, listed.stdout.split("\0")):
            if (_PROJECT / name).exists():
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(_PROJECT / name, Path(folder) / name)
        began = time.perf_counter()
        command = ["make", "--silent", f"PYTHON={sys.executable}", *options, ".venv/.ready"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return time.perf_counter() - began
