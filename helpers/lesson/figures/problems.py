"""What went wrong, why, and what to do: a refusal of the service, or an error of one's own."""

from dataclasses import dataclass

from helpers.lesson.figures.picture import Row, Table
from helpers.problem import Problem

__all__ = ["ProblemCard", "RefusalCard", "problem_card"]


@dataclass(frozen=True, repr=False)
class ProblemCard(Table):
    """An error in place of a result."""

    problem: Problem

    def title(self) -> str:
        return f"✘ {self.problem.what}"

    def rows(self) -> list[Row]:
        return [("Why", self.problem.why), ("Next", self.problem.next_step)]


def problem_card(problem: Problem) -> ProblemCard:
    """The card of an error."""
    return ProblemCard(problem)


@dataclass(frozen=True, repr=False)
class RefusalCard(Table):
    """A refusal of the service, its reason and the way out.

    Attributes:
        owned: what the rightful owner has, where the refusal meets somebody else: "device", "CA". The way out is the owner's.
    """

    refusal: Problem
    owned: str = ""

    def title(self) -> str:
        return self.refusal.what

    def rows(self) -> list[Row]:
        return [("Why", self.refusal.why), (self._way_out(), self.refusal.next_step)]

    def _way_out(self) -> str:
        return f"If the {self.owned} is yours" if self.owned else "What would help"
