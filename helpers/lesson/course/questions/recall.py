"""Questions that are explained as soon as they are answered: two about earlier notebooks, or one in its place."""

import random
from collections.abc import Sequence

from helpers.lesson.course.questions.bank import read_bank
from helpers.lesson.course.questions.question import Ask, Question, QuestionCard
from helpers.notebook import Notebook
from helpers.workspace import Workspace

__all__ = ["ask", "recall"]


def recall(workspace: Workspace, notebook: str) -> QuestionCard:
    """Return two questions that earlier notebooks have answered, never those that this notebook asked last time.

    Questions that no notebook has asked yet come first.
    """
    recalled = workspace.facts.recalled
    pool = [each for each in _earlier(notebook) if each.name not in recalled.get(notebook, ())]
    random.shuffle(pool)
    asked = {name for names in recalled.values() for name in names}
    chosen = sorted(pool, key=lambda each: each.name in asked)[:2]
    workspace.recall(notebook, tuple(question.name for question in chosen))
    return _explained("Do you remember?", chosen)


def ask(name: str) -> QuestionCard:
    """Return the question of that name."""
    _, question = read_bank("decisions")[name]
    return _explained("You decide", [question])


def _explained(title: str, questions: Sequence[Question]) -> QuestionCard:
    asked = [Ask(question) for question in questions]
    for each in asked:
        each.explain_at_once()
    return QuestionCard(title, asked)


def _earlier(notebook: str) -> list[Question]:
    order = list(Notebook)
    position = order.index(Notebook(notebook))
    return [question for taught_in, question in read_bank("recall").values() if order.index(taught_in) < position]
