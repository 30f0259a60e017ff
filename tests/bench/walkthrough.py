"""The walkthrough beside papermill on as many empty notebooks, and the import that each of its kernels makes."""

import subprocess
import sys
import time

from tests.bench.report import Figure
from tests.bench.size import Size

__all__ = ["imports", "walkthrough"]

_IMPORTS = 9
_BARE = "import ipywidgets, pydantic, cryptography.x509"


def walkthrough(size: Size) -> Figure:
    """Run the whole walkthrough, including kernels, local DPS and HTML, from the start of the process to its end."""
    number = str(size.notebooks)
    pairs = [
        (_seconds("-m", "tests.bench.run_notebooks", number), _seconds("-m", "tests.bench.empty_notebooks", number))
        for _ in range(size.rounds)
    ]
    ours, theirs = zip(*pairs, strict=True)
    return Figure(
        f"the walkthrough, {size.notebooks} notebooks",
        "s",
        ours,
        "papermill on as many empty notebooks",
        theirs,
        goal=1.2,
        goal_of_ratio=True,
    )


def imports(size: Size) -> Figure:
    """`import helpers.lesson`, beside the libraries that it can't do without; the start of Python is left out."""
    pairs = []
    for _ in range(_IMPORTS if size.rounds > 1 else 1):
        start = _seconds("-c", "pass")
        pairs.append((_seconds("-c", "import helpers.lesson") - start, _seconds("-c", _BARE) - start))
    ours, theirs = zip(*pairs, strict=True)
    return Figure("import helpers.lesson", "s", ours, _BARE, theirs, goal=0.45)


def _seconds(*arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True)
    return time.perf_counter() - began
