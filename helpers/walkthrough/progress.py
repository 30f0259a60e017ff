"""A run's progress: a line for each notebook that has ended, and on a terminal also a live line."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress as LiveLine
from rich.progress import TextColumn

from helpers.walkthrough.notebook_run import NotebookRun
from helpers.walkthrough.notebooks import NOTEBOOKS

__all__ = ["Progress"]


class Progress:
    """Prints the progress of a run of all notebooks to standard output."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._live = LiveLine(
            TextColumn("{task.completed:.0f} of {task.total:.0f} done, {task.elapsed:.0f} s: {task.description}"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._line = self._live.add_task("starting", total=len(NOTEBOOKS))
        self._running: dict[str, str] = {}
        self._begun = time.monotonic()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._live.stop()
        if kind is None:
            self._console.print(f"total   {'':30}  {time.monotonic() - self._begun:5.1f} s")

    def on_cell(self, notebook: str, cell: int) -> None:
        """Show the cell that now starts in the live line."""
        self._running[notebook] = f"{notebook} [{cell}]"
        self._show()

    def on_end(self, outcome: NotebookRun) -> None:
        """Print the line of a notebook that has ended."""
        verdict = "FAILED" if outcome.failure else "ok"
        self._console.print(f"{verdict:6}  {outcome.name:30}  {outcome.seconds:5.1f} s", markup=False)
        self._running.pop(outcome.name, None)
        self._live.advance(self._line)
        self._show()

    def _show(self) -> None:
        # In rich's markup, square brackets set a style unless a backslash precedes them.
        running = ", ".join(list(self._running.values())).replace("[", "\\[")
        self._live.update(self._line, description=running)
