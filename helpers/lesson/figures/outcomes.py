"""The outcomes of several checks, one line for each."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from helpers.lesson.figures.picture import Kind, Picture, card, pill, table

__all__ = ["Outcomes"]


@dataclass(frozen=True, repr=False)
class Outcomes(Picture):
    """What was checked, and whether the check succeeded."""

    results: Mapping[str, bool]

    def html(self) -> Markup:
        rows = ((name, pill(*_WORDS[succeeded])) for name, succeeded in self.results.items())
        return card("The checks", table(rows))

    def text(self) -> str:
        return "\n".join(["The checks", *(f"  {_WORDS[each][1]:8} {name}" for name, each in self.results.items())])


_WORDS: dict[bool, tuple[Kind, str]] = {True: ("accepted", "succeeds"), False: ("rejected", "fails")}
