"""A question with a few choices, and the one control with which every notebook asks it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
from markupsafe import Markup

from helpers.lesson.figures.picture import Picture, card, joined, pill
from helpers.lesson.forms.own_keys import OwnKeys

__all__ = ["Ask", "Choice", "Question", "QuestionCard", "answer_from_solutions", "is_answering"]


@dataclass(frozen=True)
class Choice:
    """One answer to a question.

    Attributes:
        says: the answer. why: the explanation of why it is right, or of the misconception behind it.
    """

    says: str
    why: str


@dataclass(frozen=True)
class Question:
    """A question with two to four choices, each of which is plausible.

    Attributes:
        name: unique among all questions of its kind; the workspace stores answers by it.
        choices: by a short key. right: the key of the right one.
        about: the name of the function that makes the object of the question; "" if it has none.
    """

    name: str
    asks: str
    choices: Mapping[str, Choice]
    right: str
    about: str = ""

    def __post_init__(self) -> None:
        assert self.right in self.choices, self.name
        assert 2 <= len(self.choices) <= 4, self.name


_is_answering = False


def answer_from_solutions() -> None:
    """From now on, let each question answer itself, because no learner is present: papermill runs the notebooks."""
    global _is_answering
    _is_answering = True


def is_answering() -> bool:
    """Return whether each question answers itself."""
    return _is_answering


class Ask:
    """One question on the screen. The learner chooses an answer with the mouse or the arrow keys."""

    def __init__(
        self, question: Question, *, about: Picture | None = None, place: tuple[int, int] | None = None
    ) -> None:
        """
        Args:
            about: the object that the question is about, shown above it.
            place: the question's number among several, and how many they are.
        """
        self.question = question
        self._place = place
        self._about = about
        options = [(choice.says, key) for key, choice in question.choices.items()]
        self.control = widgets.RadioButtons(options=options, index=None, layout=widgets.Layout(width="auto"))
        asked = widgets.HTML(Picture.framed(self._asked()))
        self._feedback = widgets.HTML()
        self._marked = ""
        self.box = widgets.VBox([asked, self.control, self._feedback]).add_class("dps-question")
        if _is_answering:
            self.control.value = question.right

    @property
    def choice(self) -> str | None:
        """The key of the chosen answer; None before a choice."""
        value: str | None = self.control.value
        return value

    def explain_at_once(self) -> None:
        """From now on, show below the question whether the chosen answer is right, and why. After a wrong one, ask again."""
        self.control.observe(lambda _change: self._explain(), names="value")
        if self.choice is not None:
            self._explain()

    def _explain(self) -> None:
        chosen = self.question.choices[str(self.choice)]
        if self.choice == self.question.right:
            self.judge(self.question.right)
            self.show(self.explanation())
        else:
            self.show(Markup("<p>{} {} {}</p>").format(_wrong(), chosen.why, "Choose again."))

    def judge(self, right: str) -> None:
        """Mark the right answer, which has this key, and a wrong choice. Before a choice, mark nothing."""
        self.box.remove_class(self._marked)
        if self.choice is not None:
            # The widget has no means to mark a choice, so the class has the number of the right one.
            self._marked = f"dps-right-{list(self.question.choices).index(right) + 1}"
            self.box.add_class("dps-judged").add_class(self._marked)

    def explanation(self) -> Markup:
        """Return whether the chosen answer is right, and why."""
        if self.choice is None:
            return Markup()
        chosen, right = self.question.choices[self.choice], self.question.choices[self.question.right]
        if chosen is right:
            return Markup("<p>{} {}</p>").format(pill("accepted", "right"), chosen.why)
        return Markup("<p>{} {}</p><p><b>{}</b> {}</p>").format(_wrong(), chosen.why, right.says, right.why)

    def show(self, feedback: Markup) -> None:
        """Show something below the question; screen readers announce it."""
        self._feedback.value = Picture.framed(Markup("<div role='status'>{}</div>").format(feedback))

    def html(self) -> Markup:
        """Return the question without its control, for exports."""
        items = joined(
            "<li class='{}'>{} {}</li>",
            (
                ("chosen" if key == self.choice else "", self._sign(key), choice.says)
                for key, choice in self.question.choices.items()
            ),
        )
        return Markup("{}<ul class='choices'>{}</ul>").format(self._asked(), items)

    def text(self) -> str:
        """Return the question as plain text."""
        number = f"{self._place[0]}. " if self._place else ""
        lines = (f"  {self._sign(key)} {choice.says}" for key, choice in self.question.choices.items())
        return "\n".join([*([self._about.text()] if self._about else []), f"{number}{self.question.asks}", *lines])

    def _asked(self) -> Markup:
        about = self._about.html() if self._about else Markup()
        number = (
            Markup("<p class='place'>Question {} <span>of {}</span></p>").format(*self._place) if self._place else ""
        )
        return Markup("{}{}<p class='asked'>{}</p>").format(number, about, self.question.asks)

    def _sign(self, key: str) -> str:
        return "●" if key == self.choice else "○"


def _wrong() -> Markup:
    return pill("rejected", "not right")


class QuestionCard(Picture):
    """Questions on one card: with their controls in JupyterLab, and without them in an export."""

    def __init__(self, title: str, asked: Sequence[Ask], *below: widgets.Widget) -> None:
        """
        Args:
            below: further widgets, below the questions.
        """
        self.title, self.asked = title, tuple(asked)
        heading = widgets.HTML(Picture.framed(Markup("<h2>{}</h2>").format(title)))
        parts = [heading, OwnKeys(), *(ask.box for ask in asked), *below]  # the arrow keys move between the choices
        self.box = widgets.VBox(parts).add_class("dps-form").add_class("dps-questions")

    def html(self) -> Markup:
        return card(self.title, *(Markup("<div class='question'>{}</div>").format(ask.html()) for ask in self.asked))

    def text(self) -> str:
        return "\n".join([self.title, *(ask.text() for ask in self.asked)])

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        live: dict[str, Any] = self.box._repr_mimebundle_(**options) or {}
        return {**live, "text/plain": self.text(), "text/html": self._repr_html_()}
