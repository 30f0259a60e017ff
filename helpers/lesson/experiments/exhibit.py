"""An exhibit of the gallery: a wrong proof, the learner's prediction, and the answer of DPS behind a button."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as widgets
from markupsafe import Markup
from pydantic import Field

from helpers.certificates import Examination
from helpers.dps import DpsError
from helpers.lesson.experiments.wrong_proofs import Answer, WrongProof
from helpers.lesson.figures import Picture, Verdicts
from helpers.lesson.figures.picture import fold, joined, mark, ours, plain, table
from helpers.lesson.forms import Form, Inputs

__all__ = ["DpsAnswer", "Exhibit", "Prediction", "Reveal", "Score"]


class Prediction(Inputs):
    """A learner's prediction of the answer of DPS."""

    prediction: Answer | None = Field(None, title="Your prediction")


@dataclass(frozen=True, repr=False)
class DpsAnswer(Picture):
    """The answer of DPS to a wrong proof.

    Attributes:
        refusal: the answer of the service. verdicts: the examiner's findings, made before the proof is sent.
    """

    wrong: WrongProof
    refusal: DpsError
    verdicts: Examination

    def html(self) -> Markup:
        examiner = fold("The examiner's findings, before the proof is sent", Verdicts(self.verdicts).html())
        return Markup("{}{}").format(table(self._rows()), examiner)

    def text(self) -> str:
        return "\n".join(f"  {name}: {text}" for name, text in self._rows())

    def _rows(self) -> list[tuple[str, str]]:
        source = "assumed: no public thread reports the answer of Azure"
        if self.wrong.seen:
            source = f"seen at Azure: {self.wrong.seen}"
        rows = [
            ("The answer", f"{self.wrong.answer}. {self.refusal.status}, code {self.refusal.code} ({source})"),
            ("In its own words", self.refusal.says),
            ("The reason", self.wrong.reason),
            ("The fix", self.wrong.fix),
        ]
        status, code = self.wrong.answer.status, self.wrong.answer.code
        if (self.refusal.status, self.refusal.code) != (status, code):
            surprise = f"The local DPS answers {status}, code {code}. Your service differs: rely on its answer."
            rows.insert(1, ("A surprise", surprise))
        return rows


@dataclass(frozen=True, repr=False)
class Reveal(Picture):
    """The answer of DPS, and whether the learner predicted it.

    Attributes:
        prediction: None if the learner made none.
        first: the prediction from before the learner saw the answer, if it differs from `prediction`.
    """

    prediction: Answer | None
    answer: DpsAnswer
    first: Answer | None = None

    @property
    def is_right(self) -> bool:
        """Whether the prediction names a fault of the proof: the one that DPS reports, or another one."""
        wrong = self.answer.wrong
        return self.prediction is not None and self.prediction in (wrong.answer, wrong.also)

    @property
    def sign(self) -> Markup:
        """✔ or ✘ for a prediction, or a dot if there is none."""
        return Markup("·") if self.prediction is None else mark(self.is_right)

    def html(self) -> Markup:
        return Markup("<div class='card'><p>{} {}</p>{}</div>").format(self.sign, self._said(), self.answer.html())

    def text(self) -> str:
        return f"  {plain(self.sign)} {self._said()}\n{self.answer.text()}"

    def _said(self) -> str:
        if self.prediction is None:
            return "You made no prediction. Make one next time: a wrong guess helps you remember the answer."
        if self.prediction is self.answer.wrong.answer:
            verdict = "That is right."
        elif self.is_right:
            verdict = "The proof has that fault, too, but DPS reports another one first."
        elif Answer.ACCEPTED in (self.prediction, self.answer.wrong.answer):
            verdict = "In fact, DPS rejects it."
        else:
            verdict = "DPS rejects it, but for another reason."
        counts = f" (Your first prediction counts: {self.first}.)" if self.first else ""
        return f"You predicted: {self.prediction}. {verdict}{counts}"


class Exhibit(Picture):
    """One wrong proof: the request, a form for the prediction, and the answer behind a button."""

    def __init__(self, drawing: Picture, facts: Sequence[tuple[str, str]], answer: DpsAnswer) -> None:
        """
        Args:
            drawing: who signed what. facts: about the request.
        """
        self.wrong = answer.wrong
        self.answer = answer
        self._drawing, self._facts = drawing, facts
        self._first: Reveal | None = None
        self.form = Form(Prediction, {})
        self.button = widgets.Button(description="Open DPS's answer", button_style="primary")
        self.button.on_click(lambda _button: self._show_answer())
        self.shown = widgets.HTML().add_class("dps-done")
        self.box = widgets.VBox([self.form.box, self.button, self.shown]).add_class("dps-form")

    def first_prediction(self) -> Reveal:
        """The prediction from before the learner saw the answer, or the form's present one if there is none."""
        opened = self._open()
        return self._first or opened

    def _show_answer(self) -> None:
        self.shown.value = Markup("<div role='status'>{}</div>").format(ours(self._open()._repr_html_()))

    def _open(self) -> Reveal:
        prediction = self.form.value.prediction
        first = self._first.prediction if self._first else None
        reveal = Reveal(prediction, self.answer, first if first is not prediction else None)
        if prediction is not None and self._first is None:
            self._first = reveal
        return reveal

    def html(self) -> Markup:
        folded = fold("How does DPS answer? Decide first, then open this.", self.answer.html())
        return Markup("{}<div class='card'>{}</div>").format(self._story(), folded)

    def text(self) -> str:
        facts = (f"  {name}: {plain(text)}" for name, text in self._facts)
        return "\n".join([self.wrong.title, self._drawing.text(), *facts, self.answer.text()])

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """Show the form if the front end supports widgets; otherwise the answer is folded."""
        told = widgets.HTML(Picture.framed(self._story()))
        live: dict[str, Any] = widgets.VBox([told, self.box])._repr_mimebundle_(**options) or {}
        return {**live, "text/plain": self.text(), "text/html": self._repr_html_()}

    def _story(self) -> Markup:
        facts = table(self._facts)
        return Markup("<div class='card'><h4>{}</h4>{}{}</div>").format(self.wrong.title, self._drawing.html(), facts)


@dataclass(frozen=True, repr=False)
class Score(Picture):
    """How many predictions were right.

    Attributes:
        reveals: one for each exhibit that was shown.
    """

    reveals: Sequence[Reveal]

    def html(self) -> Markup:
        lines = joined(
            "<tr><td>{}</td><th scope='row'>{}</th><td>{}</td><td>{}</td></tr>",
            (
                (each.sign, each.answer.wrong.title, each.prediction or "no prediction", each.answer.wrong.answer)
                for each in self.reveals
            ),
        )
        return Markup(
            "<div class='card'><h4>{}</h4><table><thead><tr><td></td><th scope='col'>Wrong proof</th>"
            "<th scope='col'>You predicted</th><th scope='col'>The answer</th></tr></thead><tbody>{}</tbody></table></div>"
        ).format(self._title(), lines)

    def text(self) -> str:
        lines = [f"  {plain(each.sign)} {each.answer.wrong.title}: {each.answer.wrong.answer}" for each in self.reveals]
        return "\n".join([self._title(), *lines])

    def _title(self) -> str:
        predicted = [each for each in self.reveals if each.prediction]
        right = sum(each.is_right for each in predicted)
        return f"{len(self.reveals)} wrong proofs, {len(predicted)} predictions, {right} of them right"
