"""A checkpoint at a notebook's end: named expectations, and a loud failure if one is not met."""

from dataclasses import dataclass

from markupsafe import Markup

from helpers.lesson.figures import Picture
from helpers.lesson.figures.picture import joined, mark
from helpers.lesson.journey import next_stop
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["Checkpoint", "Expect", "checkpoint"]

_TOLD = "With the target portal nobody can ask your service from here: what is said of it is what you have told."


@dataclass(frozen=True)
class Expect:
    """Something that holds if the notebook's step worked.

    Attributes:
        hint: what to do when it does not hold.
    """

    statement: str
    holds: bool
    hint: str = "Run this notebook again."


@dataclass(frozen=True, repr=False)
class Checkpoint(Picture):
    """All expectations, met.

    Attributes:
        next_notebook: where to go on. told: what is said of the service is what a person has told.
    """

    expectations: tuple[Expect, ...]
    next_notebook: str
    told: bool = False

    def html(self) -> Markup:
        items = joined("<li>{} {}</li>", ((mark(True), each.statement) for each in self.expectations))
        return Markup(
            "<div class='card'><h4>Checkpoint reached</h4><ul style='list-style:none;padding:0'>{}</ul>{}"
            "<p>Next: <b><a href='{}.ipynb'>{}</a></b></p></div>"
        ).format(items, Markup("<p>{}</p>").format(_TOLD) if self.told else "", self.next_notebook, self.next_notebook)

    def text(self) -> str:
        told = [_TOLD] if self.told else []
        return "\n".join([*(f"✔ {each.statement}" for each in self.expectations), *told, f"Next: {self.next_notebook}"])


def checkpoint(workspace: Workspace, notebook: str, *expectations: Expect) -> Checkpoint:
    """The checkpoint of a notebook, if all hold; the map of the journey then has it as done.

    Raises:
        Problem: one does not; each of those is named with its hint.
    """
    failed = [each for each in expectations if not each.holds]
    if failed:
        raise Problem(
            f"The checkpoint is not reached: {len(failed)} of {len(expectations)} expectations are not met.",
            "Not so: " + "; ".join(each.statement for each in failed) + ".",
            " ".join(dict.fromkeys(each.hint for each in failed)),
        )
    workspace.reach(notebook)
    return Checkpoint(expectations, next_stop(notebook), told=workspace.facts.target == "portal")
