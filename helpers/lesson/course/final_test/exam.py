"""One final test: twelve questions of the bank, a button that finishes it, and the result."""

import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import ipywidgets as widgets
from markupsafe import Markup

from helpers.lesson.course.final_test import (  # noqa: F401 - they fill MAKERS
    card_objects,
    chain_objects,
    file_objects,
    proof_objects,
    wire_objects,
)
from helpers.lesson.course.final_test.objects import MAKERS
from helpers.lesson.course.questions.bank import read_bank
from helpers.lesson.course.questions.question import Ask, Choice, Question, QuestionCard
from helpers.lesson.figures import Picture
from helpers.lesson.figures.picture import Kind, card, joined, pill
from helpers.notebook import Notebook
from helpers.workspace import Workspace

__all__ = ["PASS_MARK", "QUESTIONS_ASKED", "FinalTest", "TestResult", "draw_questions", "draw_test", "with_object"]

QUESTIONS_ASKED = 12
PASS_MARK = 10
_COVERED = tuple(Notebook)[1:-2]
"""The notebooks of which each test has at least one question: 01 to 09."""


@dataclass(frozen=True, repr=False)
class TestResult(Picture):
    """The state of a test, or its result.

    Attributes:
        answers: for each question, whether its answer is right; None while it has none.
        explained: for each question, the explanation in plain text; empty while a question is open.
        times: how often a test has been finished in this workspace. best: the best score so far.
    """

    __test__ = False  # its name begins like a test's

    answers: Sequence[bool | None]
    explained: Sequence[str] = ()
    times: int = 0
    best: int = 0

    @property
    def score(self) -> int | None:
        """The number of right answers; None while a question is open."""
        return None if None in self.answers else sum(map(bool, self.answers))

    @property
    def passed(self) -> bool:
        """Whether the score reaches the pass mark."""
        return self.score is not None and self.score >= PASS_MARK

    def html(self) -> Markup:
        return card(
            self._score(), *self._chips(), Markup("<p>{}</p>").format(self._says()), kind=self._kind, word=self._word()
        )

    def short(self) -> Markup:
        """Return the score on one line, for the end of the test itself."""
        said = self._says() if self.score is None else "Each question now shows its explanation."
        return Markup("<p>{} {}. {}</p>").format(pill(self._kind, self._word()), self._score(), said)

    def text(self) -> str:
        return "\n".join(
            [f"{self._word().capitalize()}: {self._score()}. {self._says()}", *(f"  {line}" for line in self.explained)]
        )

    @property
    def _kind(self) -> Kind:
        return "note" if self.score is None else "accepted" if self.passed else "rejected"

    def _word(self) -> str:
        if self.score is None:
            return "not finished"
        return "passed" if self.passed else "not passed yet"

    def _score(self) -> str:
        asked = len(self.answers)
        if self.score is None:
            return f"{asked - self.answers.count(None)} of {asked} answered"
        return f"{self.score} of {asked} right"

    def _says(self) -> str:
        if self.score is None:
            still = [str(number) for number, right in enumerate(self.answers, 1) if right is None]
            return f"Still open: {', '.join(still)}. Your answers stay. Answer the others, and finish again."
        tests = "1 test" if self.times == 1 else f"{self.times} tests"
        said = f"The pass mark is {PASS_MARK}. {tests} finished; best score {self.best} of {len(self.answers)}."
        return said if self.passed else f"{said} Run the cell of the test again for other questions."

    def _chips(self) -> list[Markup]:
        """Return for each question its number, and whether the answer is right; nothing while a question is open."""
        if self.score is None:
            return []
        chips = (
            (pill("accepted", f"✔ {number}") if right else pill("rejected", f"✘ {number}"),)
            for number, right in enumerate(self.answers, 1)
        )
        return [Markup("<p>{}</p>").format(joined("{} ", chips))]


class FinalTest(QuestionCard):
    """The test on the screen."""

    def __init__(self, workspace: Workspace, questions: Sequence[tuple[Question, Picture | None]]) -> None:
        self._workspace = workspace
        self._finished: TestResult | None = None
        self._finish = widgets.Button(description="Finish", button_style="primary", tooltip="Judge your answers")
        self._finish.on_click(lambda _button: self.result())
        self._said = widgets.HTML()
        asked = [
            Ask(question, about=about, place=(number, len(questions)))
            for number, (question, about) in enumerate(questions, 1)
        ]
        super().__init__(f"The final test: {len(asked)} questions", asked, self._finish, self._said)

    def result(self) -> TestResult:
        """Judge the answers, as the button does, and note the score in the workspace.

        While a question is open, nothing is judged or noted, and no explanation is shown. A finished test can't be changed.
        """
        if self._finished is None:
            answers = [None if ask.choice is None else ask.choice == ask.question.right for ask in self.asked]
            result = TestResult(answers)
            if result.score is not None:
                result = self._finished = self._judged(result)
            self._said.value = Picture.framed(Markup("<div role='status'>{}</div>").format(result.short()))
            return result
        return self._finished

    def _judged(self, result: TestResult) -> TestResult:
        self._finish.disabled = True
        for ask in self.asked:
            ask.control.disabled = True
            ask.judge(ask.question.right)
            ask.show(ask.explanation())
        score = result.score or 0
        best, times = self._workspace.finish_test(score)
        if score >= PASS_MARK:
            self._workspace.solve(Notebook.FINAL_TEST)
        explained = [
            f"{number}. {ask.question.asks} {ask.explanation().striptags()}" for number, ask in enumerate(self.asked, 1)
        ]
        return replace(result, explained=explained, times=times, best=best)


def draw_test(workspace: Workspace) -> FinalTest:
    """Return a new test, and note its questions, so that the next one asks others."""
    drawn = draw_questions(workspace.facts.test_questions)
    workspace.update(test_questions=tuple(question.name for question in drawn))
    return FinalTest(workspace, [with_object(question) for question in drawn])


def draw_questions(last: Sequence[str] = ()) -> list[Question]:
    """Draw questions in the order of the course: one of each notebook from 01 to 09, and others at random.

    Args:
        last: the names of the questions of the last test, none of which is drawn if its notebook has others.
    """
    bank = read_bank("final_test")
    drawn: list[str] = []
    for notebook in _COVERED:
        own = [name for name, (taught_in, _) in bank.items() if taught_in == notebook]
        drawn.append(secrets.choice([name for name in own if name not in last] or own))
    others = [name for name in bank if name not in drawn and name not in last]
    drawn += random.sample(others, QUESTIONS_ASKED - len(drawn))
    return [question for name, (_, question) in bank.items() if name in drawn]


def with_object(question: Question) -> tuple[Question, Picture | None]:
    """Return a question with its choices in another order, and its object, which is new; None if it has none."""
    choices = random.sample(sorted(question.choices.items()), len(question.choices))
    if not question.about:
        return replace(question, choices=dict(choices)), None
    shown = MAKERS[question.about]()
    return _filled_in(question, choices, shown.names), shown.picture


def _filled_in(question: Question, choices: Sequence[tuple[str, Choice]], names: Mapping[str, str]) -> Question:
    filled = {key: Choice(each.says.format_map(names), each.why.format_map(names)) for key, each in choices}
    return replace(question, asks=question.asks.format_map(names), choices=filled)
