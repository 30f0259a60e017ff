"""The one kind of error that a learner reads: what happened, why, and what to do next."""

from helpers.urls import mask_keys

__all__ = ["Interrupted", "Problem"]


class Problem(Exception):
    """Something a person can mend. Keys in URLs are masked, for notebooks and logs store what an error says.

    Args:
        what: what happened, one sentence.
        why: the reason.
        next_step: what to do about it.
    """

    def __init__(self, what: str, why: str, next_step: str) -> None:
        self.what, self.why, self.next_step = map(mask_keys, (what, why, next_step))
        super().__init__(self.what, self.why, self.next_step)

    def __str__(self) -> str:
        return f"{self.what}\n  Why: {self.why}\n  Next: {self.next_step}"

    def _render_traceback_(self) -> list[str]:
        """In a notebook the three sentences stand alone: a stack of our own frames would hide them (IPython's hook)."""
        return str(self).splitlines()


class Interrupted(KeyboardInterrupt):
    """The user has stopped something that can be resumed.

    Args:
        progress: how far it came, without a full stop: “137 of 400 devices are registered”.
    """

    def __init__(self, progress: str) -> None:
        super().__init__(progress)
        self.progress = progress

    def __str__(self) -> str:
        return f"{self.progress}; run it again to go on."

    def _render_traceback_(self) -> list[str]:
        return [f"{self.progress}; run the cell again to go on."]
