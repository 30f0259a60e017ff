"""`python -m helpers.lesson.experiments` writes the table of the wrong proofs, WRONG_PROOFS.md beside this module."""

from pathlib import Path

from helpers.lesson.experiments.wrong_proofs import WRONG_PROOFS
from helpers.notebook import Notebook

__all__ = ["PAGE", "as_markdown"]

PAGE = Path(__file__).with_name("WRONG_PROOFS.md")
_HEAD = f"""\
# Wrong proofs

Here are {len(WRONG_PROOFS)} ways to get a proof of possession wrong, each with the answer of DPS. The notebook
`{Notebook.YOU_ARE_DPS}` sends them all, among good ones. The tests send them too, and compare the verdicts of the local DPS,
OpenSSL and the examiner with this table. `python -m helpers.lesson.experiments` writes it from `wrong_proofs.py`.

*Seen at Azure* names a public thread in which Microsoft's service gave that answer. An *assumption* is the answer of the
local DPS where no public thread reports the answer of Azure.

| name | what is wrong | who signed what | answer | code | seen at Azure | the reason | the fix |
|---|---|---|---|---|---|---|---|
"""


def as_markdown() -> str:
    """Return the page, with a row for each wrong proof."""
    rows = (
        (
            f"`{each.name}`",
            each.title,
            each.drawing,
            str(each.answer.status),
            each.answer.code,
            each.seen or "*assumption*",
            each.reason,
            each.fix,
        )
        for each in WRONG_PROOFS.values()
    )
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(as_markdown(), encoding="utf-8", newline="\n")
