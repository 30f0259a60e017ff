"""A refusal by the service: the refused action, the reason, and what to do next."""

from dataclasses import dataclass

from markupsafe import Markup

from helpers.lesson.figures.picture import Row, Table, card, table
from helpers.problem import Problem

__all__ = ["AnswerCard"]


@dataclass(frozen=True, repr=False)
class AnswerCard(Table):
    """How DPS answered a request that it rejected: its reason, and the fix.

    Attributes:
        owned: "device" or "CA" if that may not be the reader's own. The fix is then addressed to the owner only.
    """

    refusal: Problem
    owned: str = ""

    def title(self) -> str:
        return self.refusal.what

    def html(self) -> Markup:
        return card(self.title(), table(self.rows()), kind="rejected", word="rejected")

    def rows(self) -> list[Row]:
        fix = f"If the {self.owned} is yours" if self.owned else "What helps"
        return [("Why", self.refusal.why), (fix, self.refusal.next_step)]
