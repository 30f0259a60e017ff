"""Two questions about earlier notebooks, at the beginning of each notebook from 02 on."""

import random

from helpers.lesson.course.bank import read_bank
from helpers.lesson.course.questions import Ask, Question, QuestionCard
from helpers.notebook import Notebook
from helpers.workspace import Workspace

__all__ = ["recall"]


def recall(workspace: Workspace, notebook: str) -> QuestionCard:
    """Return two questions that earlier notebooks have answered, never those that this notebook asked last time."""
    last = workspace.facts.recalled.get(notebook, ())
    pool = [each for each in _earlier(notebook) if each.name not in last]
    chosen = random.sample(pool, 2)
    workspace.recall(notebook, tuple(question.name for question in chosen))
    asked = [Ask(question) for question in chosen]
    for ask in asked:
        ask.explain_at_once()
    return QuestionCard("Do you remember?", asked)


def _earlier(notebook: str) -> list[Question]:
    order = list(Notebook)
    position = order.index(Notebook(notebook))
    return [question for taught_in, question in read_bank("recall").values() if order.index(taught_in) < position]
