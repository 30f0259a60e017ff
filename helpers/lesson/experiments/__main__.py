"""`python -m helpers.lesson.experiments` writes the table of the wrong proofs, WRONG_PROOFS.md beside this module."""

from pathlib import Path

from helpers.lesson.experiments.wrong_proofs import WRONG_PROOFS

__all__ = ["PAGE", "as_markdown"]

PAGE = Path(__file__).with_name("WRONG_PROOFS.md")
_HEAD = """\
# Wrong proofs

Nineteen ways to get a proof of possession wrong, and what DPS says to each. The notebook
`08_gallery_of_wrong_proofs` sends them all; so do the tests, which hold the local DPS, OpenSSL and the examiner against
this table. It is written from `wrong_proofs.py`, by `python -m helpers.lesson.experiments`.

*Seen at Azure* names a public thread in which Microsoft's service gave that answer. An *assumption* is what the local DPS
has chosen, for nobody outside of Microsoft has reported what Azure says.

| name | what is wrong | who signed what | answer | code | seen at Azure | the reason | the fix |
|---|---|---|---|---|---|---|---|
"""


def as_markdown() -> str:
    """The page, a row for each wrong proof."""
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
    PAGE.write_text(as_markdown())
