"""How long a notebook takes: a formula over its words and its tasks."""

from functools import cache
from pathlib import Path

import nbformat

from helpers.lesson.course.bank import read_bank
from helpers.lesson.course.exercises import EXERCISES

__all__ = ["minutes", "visible_words"]

_NOTEBOOKS = Path(__file__).resolve().parents[3] / "notebooks"
WORDS_PER_MINUTE = 180  # a technical text in which many terms are new
MINUTES_PER_CELL = 0.25  # run it, and look at what it shows
MINUTES_PER_QUESTION = 0.5  # choose, and compare with what happened


@cache
def minutes(notebook: str) -> int:
    """Return the minutes for a Python developer who is new to X.509, reads everything, and does the exercise."""
    cells = _cells(notebook)
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    questions = sum(asked_in == notebook for asked_in, _ in read_bank("predictions").values())
    questions += 2 * sum("walkthrough.recall(" in source for source in code)
    exercise = EXERCISES[notebook].minutes if notebook in EXERCISES else 0
    reading = visible_words(notebook) / WORDS_PER_MINUTE
    return max(1, round(reading + MINUTES_PER_CELL * len(code) + MINUTES_PER_QUESTION * questions + exercise))


def visible_words(notebook: str) -> int:
    """Return the number of words in a notebook's texts."""
    return sum(len(cell.source.split()) for cell in _cells(notebook) if cell.cell_type == "markdown")


def _cells(notebook: str) -> list[nbformat.NotebookNode]:
    return list(nbformat.read(_NOTEBOOKS / f"{notebook}.ipynb", as_version=4).cells)
