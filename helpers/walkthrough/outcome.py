"""What a run says of each notebook."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Outcome"]


@dataclass(frozen=True)
class Outcome:
    """How one notebook ended.

    Attributes:
        executed: the executed copy, which keeps each cell's time; html: the same for a browser.
        failure: None, or which cell failed and why.
    """

    name: str
    seconds: float
    executed: Path
    html: Path
    failure: str | None
