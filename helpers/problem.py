"""The errors that a learner reads: what happened, why, and what to do next."""

from collections.abc import Mapping
from typing import TypeVar

from helpers.urls import mask_keys

__all__ = ["Interrupted", "Problem", "look_up"]

_Named = TypeVar("_Named")


class Problem(Exception):
    """An error that a person can fix. Keys in URLs are masked, because notebooks and logs store an error's text.

    Args:
        what: what happened, in one sentence.
        why: the reason.
        next_step: what the person can do about it.
    """

    def __init__(self, what: str, why: str, next_step: str) -> None:
        self.what, self.why, self.next_step = map(mask_keys, (what, why, next_step))
        super().__init__(self.what, self.why, self.next_step)

    def __str__(self) -> str:
        return f"{self.what}\n  Why: {self.why}\n  Next: {self.next_step}"

    def _render_traceback_(self) -> list[str]:
        """Show only the three parts in a notebook (IPython's hook): a stack of internal frames would hide them."""
        return str(self).splitlines()


def look_up(named: Mapping[str, _Named], name: str, kind: str, why: str) -> _Named:
    """Return what has a name.

    Args:
        kind: what the names are names of, such as "exercise".
        why: how such a thing gets its name, in one sentence.

    Raises:
        Problem: nothing has that name. It says which names there are.
    """
    if name not in named:
        raise Problem(f"There is no {kind} {name!r}.", why, f"Choose one of {', '.join(named)}.")
    return named[name]


class Interrupted(KeyboardInterrupt):
    """The user has interrupted work that can be resumed.

    Args:
        progress: how far the work has got, without a full stop: “137 of 400 devices are registered”.
    """

    def __init__(self, progress: str) -> None:
        super().__init__(progress)
        self.progress = progress

    def __str__(self) -> str:
        return f"{self.progress}; run it again to continue."

    def _render_traceback_(self) -> list[str]:
        return [f"{self.progress}; run the cell again to continue."]
