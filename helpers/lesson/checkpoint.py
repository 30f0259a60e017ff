"""A checkpoint at a notebook's end: named expectations, and a loud failure if one is not met."""

from dataclasses import dataclass
from html import escape

from helpers.problem import Problem

__all__ = ["Checkpoint", "Expectation", "checkpoint"]


@dataclass(frozen=True)
class Expectation:
    """Something that holds if the notebook's step worked.

    Attributes:
        hint: what to do when it does not hold.
    """

    statement: str
    holds: bool
    hint: str


@dataclass(frozen=True)
class Checkpoint:
    """All expectations, met. `next_notebook` says where to go on."""

    expectations: tuple[Expectation, ...]
    next_notebook: str

    def __repr__(self) -> str:
        return "\n".join([*(f"✔ {each.statement}" for each in self.expectations), f"Next: {self.next_notebook}"])

    def _repr_html_(self) -> str:
        items = "".join(f"<li>✔ {escape(each.statement)}</li>" for each in self.expectations)
        return f"<ul style='list-style:none;padding:0'>{items}</ul><p>Next: <b>{escape(self.next_notebook)}</b></p>"


def checkpoint(*expectations: Expectation, next_notebook: str) -> Checkpoint:
    """The checkpoint, if all hold.

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
    return Checkpoint(expectations, next_notebook)
