"""Runs of the notebooks, kernels that are used for many of them, and the content of the executed copies."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import nbformat
from jupyter_client.manager import AsyncKernelManager

from helpers import walkthrough
from helpers.walkthrough.kernels import StandbyKernels
from helpers.workspace import Workspace

__all__ = ["STEPS", "ReusedKernels", "cells", "go", "notebook", "outputs", "run", "shown"]

_CANCELLING_SECONDS = 1.0
STEPS = [each.stem for each in walkthrough.NOTEBOOKS]


class ReusedKernels:
    """In place of StandbyKernels, where a test is not about what one notebook leaves to the next: a kernel is used again.

    Its names are deleted between two notebooks, and its environment is made this process's.
    """

    def __init__(self) -> None:
        self._standby = StandbyKernels(walkthrough.PROJECT / "notebooks")
        self._free: list[AsyncKernelManager] = []

    def __call__(self, cwd: Path) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: the next run needs the kernels."""

    def take(self) -> AsyncKernelManager:
        kernel = self._free.pop() if self._free else self._standby.take()
        asyncio.run(
            _execute(kernel, f"%reset -f\nimport os; os.environ.clear(); os.environ.update({dict(os.environ)})")
        )
        return kernel

    def discard(self, kernel: AsyncKernelManager) -> None:
        self._free.append(kernel)

    def close(self) -> None:
        self._standby.close()


async def _execute(kernel: AsyncKernelManager, code: str) -> None:
    client = kernel.client()
    client.start_channels()
    try:
        await client.wait_for_ready(60)
        reply = await client.execute(code, reply=True, timeout=60)
        if reply["content"]["status"] == "aborted":  # a cell of the test before has failed just now
            await asyncio.sleep(_CANCELLING_SECONDS)
            reply = await client.execute(code, reply=True, timeout=60)
        assert reply["content"]["status"] == "ok", reply
    finally:
        client.stop_channels()


def notebook(step: str) -> Path:
    """The notebook whose name begins with a number."""
    (found,) = (each for each in walkthrough.NOTEBOOKS if each.stem.startswith(step))
    return found


def go(workspace: Workspace, notebooks: list[Path], **parameters: Any) -> list[walkthrough.NotebookRun]:
    """Run notebooks, whether or not they succeed."""
    return walkthrough.run(workspace, parameters, notebooks=notebooks)


def run(workspace: Workspace, *steps: str, **parameters: Any) -> list[walkthrough.NotebookRun]:
    """Run the notebooks with these numbers, by default all, each to the end of its last cell."""
    outcomes = go(workspace, [notebook(step) for step in steps or [each[:2] for each in STEPS]], **parameters)
    failures = [outcome.failure for outcome in outcomes]
    assert failures == [None] * (len(steps) or len(STEPS)), failures
    for outcome in outcomes:
        *_, last = (cell for cell in cells(outcome) if cell.cell_type == "code")
        assert last.execution_count, f"{outcome.name} was not run to its end"
    return outcomes


def cells(outcome: walkthrough.NotebookRun) -> list[Any]:
    """The cells of an executed copy."""
    return list(nbformat.read(outcome.executed, as_version=4).cells)


def outputs(outcome: walkthrough.NotebookRun) -> Iterator[Any]:
    """The outputs of an executed copy's cells."""
    for cell in cells(outcome):
        yield from cell.get("outputs", [])


def shown(outcome: walkthrough.NotebookRun) -> str:
    """Everything that the executed copy shows and stores."""
    return outcome.executed.read_text()
