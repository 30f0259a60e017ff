"""Forms, questions and exercises for the page of components, as an export shows them: without their controls."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from helpers import lesson
from helpers.certificates import Check
from helpers.lesson import figures
from helpers.lesson.course.exercises.exercise import EXERCISES, ExerciseCard
from helpers.lesson.course.final_test.exam import FinalTest, draw_questions, with_object
from helpers.lesson.course.questions.predictions import predict
from helpers.lesson.course.questions.question import QuestionCard
from helpers.lesson.course.questions.recall import recall
from helpers.lesson.forms.form import Form
from helpers.notebook import Notebook
from helpers.workspace import Workspace

__all__ = ["exported_form", "of_questions"]


def of_questions() -> Iterator[tuple[str, figures.Picture]]:
    """Yield pictures of a prediction, an exercise in each of its states, recall, and some questions of the final test."""
    with TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "workspace")
        yield "Prediction", _answered(predict(workspace, "stale_etag"))
        exercise = EXERCISES[Notebook.CREATE_CA]
        yield "Exercise: not tried", ExerciseCard(exercise.title, None, "Edit the cell, and run it.")
        yield "Exercise: with hints", ExerciseCard(exercise.title, False, "It is not the issuer.", exercise.hints)
        failed = (
            Check("Signed by the CA", "Another key signed it.", "Sign it with the CA's private key."),
            Check("Dates of the proof", "Expired (2026-01-01 00:00 to 2026-01-02 00:00 UTC).", "Sign the code again."),
        )
        said = "Your verification certificate does not pass 2 of 7 checks."
        yield "Exercise: several faults", ExerciseCard(exercise.title, False, said, exercise.hints[:1], failed)
        yield "Exercise: solved", ExerciseCard(exercise.title, True, "A signature tells, and a name does not.")
        yield "Recall", _answered(recall(workspace, Notebook.WHEN_ACCESS_ENDS))
        drawn = sorted(draw_questions(), key=lambda question: not question.about)[:3]
        yield "FinalTest", _answered(FinalTest(workspace, [with_object(each) for each in drawn]))


def exported_form() -> str:
    """Return a form as an export shows it."""
    html: str = Form(lesson.CreateCa, {})._repr_mimebundle_()["text/html"]
    return html


def _answered(card: QuestionCard) -> QuestionCard:
    """Choose the first answer to the first question."""
    first, *_ = card.asked
    first.control.index = 0
    return card
