"""The checkpoint at the end of a notebook: named expectations, and an error if one of them is not met."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from helpers.lesson.course.expectations import EXPECTATIONS, Expect
from helpers.lesson.course.journey import COMPLETE, Stop, next_stop
from helpers.lesson.course.mastery import marks, next_step
from helpers.lesson.figures import Picture
from helpers.lesson.figures.picture import joined, mark, pill
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
        following: the notebook to continue with; None after the last one.
        left: what is left to do in this notebook, and after the last one in the whole course; "" for nothing.
        told: the statements about the service repeat what a person entered.
    """

    expectations: tuple[Expect, ...]
    following: Stop | None
    told: bool = False
    left: str = ""

    def html(self) -> Markup:
        items = joined("<li>{}<span>{}</span></li>", ((mark(True), each.statement) for each in self.expectations))
        title = "Course complete" if self._ends_the_course() else "Checkpoint reached"
        return Markup(
            "<div class='card accepted moment'>{}<div><h2>{}{}</h2><ul class='checks'>{}</ul>{}{}</div></div>"
        ).format(
            icon("done"),
            title,
            "" if self.left else Markup(" {}").format(pill("accepted", "all done")),
            items,
            Markup("<p>{}</p>").format(_TOLD) if self.told else "",
            self._onward(),
        )

    def text(self) -> str:
        told = [_TOLD] if self.told else []
        left = [f"○ {self.left}"] if self.left else []
        onward = [f"Next: {self.following.notebook}"] if self.following else [_LAST]
        if self._ends_the_course():
            onward = [f"{COMPLETE}."]
        return "\n".join([*(f"✔ {each.statement}" for each in self.expectations), *told, *left, *onward])

    def _ends_the_course(self) -> bool:
        return self.following is None and not self.left

    def _onward(self) -> Markup:
        left = Markup("<p>{} {}</p>").format(pill("note", "still open"), self.left) if self.left else Markup()
        if self.following is None:
            return Markup("{}<p>{}</p>").format(left, _LAST)
        return Markup("{}<p class='onward'><a href='{}.ipynb'>Next: {}</a></p>").format(
            left, self.following.notebook, self.following.heading
        )


_LAST = "This was the last notebook."


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
    following = next_stop(notebook)
    made = marks(workspace)
    left = next(each.left for each in made if each.notebook == notebook) or ("" if following else next_step(made))
    return Checkpoint(judged, following, told=workspace.facts.target == "portal", left=left)
