"""The page that says where a learner meets each of the ten mistakes: its references are right."""

import re

import nbformat
import pytest

from helpers import walkthrough

NOTEBOOKS = walkthrough.PROJECT / "notebooks"
PAGE = NOTEBOOKS / "what_people_trip_over.md"
ROWS = [line for line in PAGE.read_text().splitlines() if re.match(r"\| \d+ \|", line)]


def text_of(name: str) -> str:
    """All prose of a notebook, and the titles of what it shows."""
    return "\n".join(cell.source for cell in nbformat.read(NOTEBOOKS / name, as_version=4).cells)


def test_there_are_ten() -> None:
    assert [int(row.split("|")[1]) for row in ROWS] == list(range(1, 11))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_each_is_met_where_the_page_says(row: str) -> None:
    met_in, how = row.split("|")[4:6]
    places = re.findall(r"\]\(([\w.]+\.ipynb)\)", met_in)
    if not places:
        assert "every form" in met_in
        places = [each.name for each in walkthrough.NOTEBOOKS]
    prose = "\n".join(map(text_of, places))
    for quoted in re.findall(r"“([^”]+)”", how):
        known = quoted == "What just happened" and "what_just_happened" in prose
        assert known or quoted in prose, quoted
    for link in re.findall(r"\]\(([^)]+)\)", met_in):
        assert (NOTEBOOKS / link).exists()


def test_the_readme_leads_to_it() -> None:
    assert "notebooks/what_people_trip_over.md" in (walkthrough.PROJECT / "README.md").read_text()
