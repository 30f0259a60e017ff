"""How long a notebook takes: a formula over its words and its tasks."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from helpers.lesson.course.exercises.exercise import EXERCISES
from helpers.lesson.course.final_test import QUESTIONS_ASKED
from helpers.lesson.course.questions.bank import read_bank

__all__ = ["minutes", "visible_words"]

_NOTEBOOKS = Path(__file__).resolve().parents[3] / "notebooks"
WORDS_PER_MINUTE = 200  # technical text for an adult, read once
MINUTES_PER_CELL = 0.2  # run it, and look at what it shows; folded cells are for the curious
MINUTES_PER_QUESTION = 0.4  # about 80 words with the choices and the explanation


@cache
def minutes(notebook: str) -> int:
    """Return the minutes for a Python developer who is new to X.509, reads everything, and does the exercise."""
    cells = _cells(notebook)
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    shown = [cell for cell in code if not cell["metadata"].get("jupyter", {}).get("source_hidden")]
    questions = sum(asked_in == notebook for asked_in, _ in read_bank("predictions").values())
    questions += 2 * sum("walkthrough.recall(" in _source(cell) for cell in code)
    questions += QUESTIONS_ASKED * sum("walkthrough.final_test(" in _source(cell) for cell in code)
    exercise = EXERCISES[notebook].minutes if notebook in EXERCISES else 0
    reading = visible_words(notebook) / WORDS_PER_MINUTE
    return max(1, round(reading + MINUTES_PER_CELL * len(shown) + MINUTES_PER_QUESTION * questions + exercise))


def visible_words(notebook: str) -> int:
    """Return the number of words in a notebook's texts."""
    return sum(len(_source(cell).split()) for cell in _cells(notebook) if cell["cell_type"] == "markdown")


def _source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def _cells(notebook: str) -> list[dict[str, Any]]:
    # nbformat would take a second to import, in every kernel.
    text = (_NOTEBOOKS / f"{notebook}.ipynb").read_text(encoding="utf-8")
    cells: list[dict[str, Any]] = json.loads(text)["cells"]
    return cells
