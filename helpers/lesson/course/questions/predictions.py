"""The prediction before an experiment, and what happened beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from helpers.dps import DpsError
from helpers.lesson.course.questions.bank import read_bank
from helpers.lesson.course.questions.question import Ask, Choice, Question, QuestionCard, is_answering
from helpers.lesson.figures.picture import Kind, Picture, card, fold, ours, pill
from helpers.notebook import Notebook
from helpers.problem import look_up
from helpers.workspace import Workspace

__all__ = ["Compared", "PredictionCard", "predict", "right_predictions"]


@dataclass(frozen=True, repr=False)
class Compared(Picture):
    """The result of an experiment, beside what the learner predicted.

    Attributes:
        predicted: None if the learner made no prediction; then the result is folded.
        happened: the choice that came true.
        title: whose prediction it is.
    """

    result: Picture
    predicted: Choice | None
    happened: Choice
    title: str

    @property
    def is_right(self) -> bool:
        """Whether the prediction came true."""
        return self.predicted is self.happened

    def html(self) -> Markup:
        if self.predicted is None:
            return card(
                "No prediction yet",
                fold("Show the outcome anyway", self.result.html()),
                ours(f"<p>{_DECIDE_FIRST}</p>"),
            )
        kind: Kind = "accepted" if self.is_right else "error"
        rows = Markup("<p>{} {}</p><p>{}</p>").format(pill(kind, self._word()), self.predicted.says, self.predicted.why)
        if not self.is_right:
            rows += Markup("<p><b>{} {}</b></p><p>{}</p>").format(_CAME_TRUE, self.happened.says, self.happened.why)
        return Markup("{}{}").format(self.result.html(), card(self.title, rows, kind=kind))

    def text(self) -> str:
        if self.predicted is None:
            return f"{_DECIDE_FIRST}\n{self.result.text()}"
        lines = [f"{self.title}: {self.predicted.says} ({self._word()})", f"  {self.predicted.why}"]
        if not self.is_right:
            lines += [f"  {_CAME_TRUE} {self.happened.says}", f"  {self.happened.why}"]
        return "\n".join([self.result.text(), *lines])

    def _word(self) -> str:
        return "as predicted" if self.is_right else "not what happened"


_DECIDE_FIRST = "Choose an answer above, and run this cell again: a wrong guess helps you remember, too."
_CAME_TRUE = "What happened:"


class PredictionCard(QuestionCard):
    """The question before an experiment. The first prediction counts, because it is the only one made before the outcome."""

    def __init__(self, question: Question, workspace: Workspace) -> None:
        self._workspace = workspace
        asked = Ask(question)
        if (first := self._first(question)) and asked.choice is None:
            asked.control.value = first
        super().__init__("Decide first", [asked])

    def beside(self, result: Picture) -> Compared:
        """Show the result of the experiment beside the first prediction, and store both in the workspace."""
        (asked,) = self.asked
        question, chosen = asked.question, asked.choice
        predicted = self._first(question) or chosen
        happened = _HAPPENED[question.name](result)
        asked.control.value = predicted
        asked.judge(happened)
        if predicted is not None:
            self._workspace.predict(question.name, predicted, happened)
        title = _EXAMPLE if is_answering() else _YOURS if predicted == chosen else _FIRST
        choices = question.choices
        return Compared(result, None if predicted is None else choices[predicted], choices[happened], title)

    def _first(self, question: Question) -> str | None:
        """Return the learner's first prediction. An older course may have offered other choices."""
        predicted, _ = self._workspace.facts.predictions.get(question.name, (None, None))
        return predicted if predicted in question.choices else None


_YOURS = "Your prediction"
_FIRST = "Your first prediction, which counts"
_EXAMPLE = "An example of a prediction"  # in a headless run


def predict(workspace: Workspace, name: str) -> PredictionCard:
    """Return the question before an experiment.

    Raises:
        Problem: no prediction has that name.
    """
    _, question = look_up(read_bank("predictions"), name, "prediction", "A prediction has the name of its experiment.")
    return PredictionCard(question, workspace)


def right_predictions(workspace: Workspace, notebook: str) -> tuple[int, int]:
    """Return how many of a notebook's predictions came true, and how many it asks for.

    In 08 the learner's function decides instead: its decisions count, once it was compared with DPS.
    """
    if notebook == Notebook.YOU_ARE_DPS:
        right, of = workspace.outcomes(notebook).get("right_decisions", (0, 0))
        return right, of
    names = [name for name, (asked_in, _) in read_bank("predictions").items() if asked_in == notebook]
    made = workspace.facts.predictions
    return sum(name in made and made[name][0] == made[name][1] for name in names), len(names)


def _each(card: Any) -> str:
    """Return a letter for each device on an access card: A for accepted, R for rejected."""
    return "".join("A" if accepted else "R" for accepted in card.accepted)


def _one(card: Any) -> str:
    return "accepted" if card.accepted == [True] else "rejected"


def _refused(card: Any) -> str:
    return "rejected" if isinstance(card.refusal, DpsError) else "accepted"


_HAPPENED: Mapping[str, Callable[[Any], str]] = {
    "signatures": lambda outcomes: "".join("A" if valid else "R" for valid in outcomes.results.values()),
    "stale_etag": lambda result: str(result.refusal.status),
    "self_attestation": lambda ways: "only the word" if ways.attested.verified else "neither",
    "own_device": lambda card: "assigned" if card.registration.assigned_hub else "unknown",
    "leaf_below_intermediate": _one,
    "leaf_below_root": _one,
    "another_name": _one,
    "unverified_ca": _one,
    "unknown_device": _refused,
    "revoked": _each,
    "disabled": _each,
    "two_cas": _each,
    "next_alone": _each,
    "deleted_group": _each,
    "ca_deleted": _one,
    "mallory_proves": _refused,
    "mallory_attests": lambda card: "verified" if card.registered.verified else "rejected",
    "pump_lured": _one,
    "mallorys_devices": _each,
    "owner_notices": lambda view: "nothing" if view.is_unchanged else "record",
}
"""For each prediction, the key of the choice that came true, read from the picture of the experiment's result."""
