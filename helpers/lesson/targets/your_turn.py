"""The error with which a cell stops because a person has to do something outside the notebook."""

from helpers.lesson.figures import Checklist
from helpers.problem import Problem

__all__ = ["YourTurn"]


class YourTurn(Problem):
    """An error that asks a person to do a step outside the notebook. It shows what to do there.

    Args:
        where: the place of the step, as in “in the portal”; "" for none.
        why: the reason why the notebook can't do it.
    """

    def __init__(self, checklist: Checklist, *, where: str, why: str) -> None:
        place = f" {where}" if where else ""
        super().__init__(
            f"It is your turn{place}: {checklist.heading}.",
            why,
            f"Follow the list; then {checklist.then}",
        )
        self.checklist = checklist
        self._is_shown = False

    def __str__(self) -> str:
        """Return the sentences and the list, for a terminal, which shows no picture."""
        return f"{super().__str__()}\n{self.checklist.text()}"

    def _render_traceback_(self) -> list[str]:
        from IPython.display import display

        if not self._is_shown:  # IPython renders an error twice: once for the notebook, and once for its history
            display(self.checklist)  # type: ignore[no-untyped-call]  # the list as a picture, above the error's sentences
        self._is_shown = True
        return super().__str__().splitlines()

    def _repr_html_(self) -> str:
        return self.checklist._repr_html_()
