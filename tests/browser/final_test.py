"""The final test on the screen: which question is asked, and its right and wrong answers."""

import re
from itertools import permutations

from playwright.sync_api import Locator

from helpers.lesson.course.questions.bank import read_bank
from helpers.lesson.course.questions.question import Question

__all__ = ["answer_final_test", "choose"]

BANK = [question for _, question in read_bank("final_test").values()]


def answer_final_test(test: Locator, *, right: bool) -> None:
    """Answer all questions of a test."""
    for asked in test.locator(".dps-question").all():
        choose(asked, right=right)


def choose(asked: Locator, *, right: bool) -> None:
    """Choose the right answer to a question on the screen, or a wrong one."""
    labels = [
        each.strip()
        for each in asked.locator(".widget-radio-box label, .jupyter-widget-radio-box label").all_inner_texts()
    ]
    question, keys = next((each, keys) for each in BANK if (keys := keys_of(each, labels)))
    wanted = next(at for at, key in enumerate(keys) if (key == question.right) == right)
    asked.locator("input[type=radio]").nth(wanted).check()


def keys_of(question: Question, labels: list[str]) -> list[str]:
    """Return the key of each label; [] if the labels are another question's. A name that varies may fit several choices."""
    says = {
        key: re.compile(re.sub(r"\\\{\w+\\\}", ".+", re.escape(choice.says)))
        for key, choice in question.choices.items()
    }
    for keys in permutations(says):
        if len(keys) == len(labels) and all(
            says[key].fullmatch(label) for key, label in zip(keys, labels, strict=True)
        ):
            return list(keys)
    return []
