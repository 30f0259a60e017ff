"""The result of running one notebook."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["NotebookRun"]


@dataclass(frozen=True)
class NotebookRun:
    """The result of running one notebook.

    Attributes:
        executed: the executed copy, with the time that each cell took. html: the same as HTML.
        failure: None, or a text that says which cell failed and why.
    """

    name: str
    seconds: float
    executed: Path
    html: Path
    failure: str | None
