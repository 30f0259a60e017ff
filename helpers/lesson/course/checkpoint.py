"""The checkpoint at the end of a notebook: named expectations, and an error if one of them is not met."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from helpers.lesson.course.expectations import EXPECTATIONS, Expect
from helpers.lesson.course.journey import next_stop
from helpers.lesson.figures import Picture
from helpers.lesson.figures.picture import joined, mark
from helpers.lesson.figures.shapes import icon
from helpers.problem import Problem
from helpers.workspace import Workspace

if TYPE_CHECKING:
    from helpers.lesson.walkthrough import Walkthrough

__all__ = ["Checkpoint", "checkpoint", "require"]

_TOLD = "With the target portal, the notebook can't ask your service. Its statements about the service repeat what you entered."


@dataclass(frozen=True, repr=False)
class Checkpoint(Picture):
    """A checkpoint that is reached: all its expectations are met.

    Attributes:
        next_notebook: the notebook to continue with.
        told: the statements about the service repeat what a person entered.
    """

    expectations: tuple[Expect, ...]
    next_notebook: str
    told: bool = False

    def html(self) -> Markup:
        items = joined("<li>{}<span>{}</span></li>", ((mark(True), each.statement) for each in self.expectations))
        return Markup(
            "<div class='card accepted moment'>{}<div><h2>Checkpoint reached</h2><ul class='checks'>{}</ul>{}"
            "<p class='onward'><a href='{}.ipynb'>Next: {}</a></p></div></div>"
        ).format(
            icon("done"),
            items,
            Markup("<p>{}</p>").format(_TOLD) if self.told else "",
            self.next_notebook,
            self.next_notebook,
        )

    def text(self) -> str:
        told = [_TOLD] if self.told else []
        return "\n".join([*(f"✔ {each.statement}" for each in self.expectations), *told, f"Next: {self.next_notebook}"])


def checkpoint(walkthrough: "Walkthrough", notebook: str) -> Checkpoint:
    """Return the checkpoint of a notebook, judged by the present content of the workspace and the service.

    Raises:
        Problem: an expectation is not met, or an earlier notebook has not run.
    """
    return require(walkthrough.workspace, notebook, EXPECTATIONS[notebook](walkthrough))


def require(workspace: Workspace, notebook: str, expectations: Iterable[Expect]) -> Checkpoint:
    """Return the checkpoint of a notebook if all expectations are met, and mark the notebook as done.

    Raises:
        Problem: some are not met; the error names each of them with its hint.
    """
    judged = tuple(expectations)
    failed = [each for each in judged if not each.holds]
    if failed:
        raise Problem(
            f"You have not reached the checkpoint: {len(failed)} of {len(judged)} expectations are not met.",
            "Not met: " + "; ".join(each.statement for each in failed) + ".",
            " ".join(dict.fromkeys(each.hint for each in failed)),
        )
    workspace.reach(notebook)
    return Checkpoint(judged, next_stop(notebook), told=workspace.facts.target == "portal")
