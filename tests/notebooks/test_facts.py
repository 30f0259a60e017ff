"""Numbers and names in the prose agree with their sources."""

import re
from pathlib import Path

import pytest

from helpers import walkthrough
from helpers.lesson.course.exercises.exercise import EXERCISES
from helpers.lesson.course.expectations import EXPECTATIONS
from helpers.lesson.course.journey import JOURNEY
from helpers.notebook import Notebook

PROJECT = walkthrough.PROJECT
SHOWN = [
    *(PROJECT / "notebooks").glob("*.ipynb"),
    *(PROJECT / "notebooks").glob("*.md"),
    *(PROJECT / "helpers" / "lesson" / "recipes" / "templates").iterdir(),
    PROJECT / "README.md",
]
SPELLED_OUT = {8: "eight", 9: "nine", 10: "ten", 11: "eleven", 12: "twelve"}


def test_every_list_of_the_notebooks_names_the_same_ones_in_the_same_order() -> None:
    names = list(Notebook)
    assert [file.stem for file in walkthrough.NOTEBOOKS] == names
    assert [stop.notebook for stop in JOURNEY] == names
    assert list(EXPECTATIONS) == names
    assert list(EXERCISES) == [name for name in names if name != Notebook.FINAL_TEST], "the test is its exercise"


@pytest.mark.parametrize("file", [file for file in SHOWN if file.is_file()], ids=lambda file: file.name)
def test_only_notebooks_that_exist_are_named(file: Path) -> None:
    assert set(re.findall(r"\b[01]\d_[a-z]\w+", file.read_text())) <= set(Notebook)


@pytest.mark.parametrize("folder", ["lesson", "notebooks", "record"])
def test_no_test_names_the_clean_up_by_its_number(folder: str) -> None:
    """A new notebook takes that number."""
    number, files = f'"{Notebook.CLEAN_UP[:2]}"', (PROJECT / "tests" / folder).glob("*.py")
    assert [file.name for file in files if number in file.read_text()] == []


def test_the_prose_counts_the_common_mistakes() -> None:
    page = (PROJECT / "notebooks" / "what_people_trip_over.md").read_text()
    count = SPELLED_OUT[len(re.findall(r"^\| \d+ \|", page, re.MULTILINE))]
    assert f"{count} things" in page.lower()
    assert f"{count} most common mistakes" in (PROJECT / "README.md").read_text()
