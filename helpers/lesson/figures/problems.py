"""A refusal by the service: the refused action, the reason, and what to do next."""

import re
from dataclasses import dataclass

from markupsafe import Markup

from helpers.dps import DpsError
from helpers.lesson.figures.picture import Row, Table, card, table
from helpers.lesson.figures.requests import status_words
from helpers.problem import Problem

__all__ = ["AnswerCard"]

_REJECTED = re.compile(r"Could not (?P<request>(?P<verb>\w+).*): the service rejected the request")
_TITLES = {"verify": "DPS rejects the proof", "upload": "DPS rejects the upload"}
"""For the first word of a rejected request, the title."""


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
        title, facts = self.refusal.what.removesuffix("."), list[Row]()
        if asked := _REJECTED.match(self.refusal.what):
            title = _TITLES.get(asked["verb"], "DPS rejects the request")
            facts.append(("The request", asked["request"]))
        if isinstance(self.refusal, DpsError) and self.refusal.status:
            code = f", code {self.refusal.code}" if self.refusal.code else ""
            facts.append(("The answer", f"{status_words(self.refusal.status)}{code}"))
        return card(title, table([*facts, *self.rows()]), kind="rejected", word="rejected")

    def rows(self) -> list[Row]:
        fix = f"If the {self.owned} is yours" if self.owned else "What helps"
        return [("Why", self.refusal.why), (fix, self.refusal.next_step)]
