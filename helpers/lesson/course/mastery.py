"""What a learner has mastered of each notebook: it ran, its exercise is solved, and how many predictions came true."""

from dataclasses import dataclass

from helpers.lesson.course.questions.predictions import right_predictions
from helpers.notebook import Notebook
from helpers.workspace import Workspace

__all__ = ["Marks", "marks", "next_step"]


@dataclass(frozen=True)
class Marks:
    """The three marks of a notebook.

    Attributes:
        ran: its checkpoint was reached. right: the predictions that came true. asked: the predictions that it asks for.
    """

    notebook: Notebook
    ran: bool
    solved: bool
    right: int
    asked: int

    @property
    def is_done(self) -> bool:
        """Whether the notebook is done: it ran, and its exercise is solved. Of the final test: it is passed."""
        return self.ran and self.solved

    @property
    def left(self) -> str:
        """What is left to do in the notebook; "" if it is done."""
        if not self.ran:
            return f"Run {self.notebook}."
        if not self.solved:
            is_test = self.notebook is Notebook.FINAL_TEST
            return f"Pass {self.notebook}." if is_test else f"Solve the exercise of {self.notebook}."
        return ""

    @property
    def predictions(self) -> str:
        """The right predictions of all, as in "2 of 3"; "" if there are none."""
        return f"{self.right} of {self.asked}" if self.asked else ""


def marks(workspace: Workspace) -> list[Marks]:
    """Return the marks of every notebook, in the order of the journey."""
    facts = workspace.facts
    return [
        Marks(notebook, notebook in facts.reached, notebook in facts.solved, *right_predictions(workspace, notebook))
        for notebook in Notebook
    ]


def next_step(made: list[Marks]) -> str:
    """Return what to do next, in one sentence; "" if the course is complete."""
    return next((each.left for each in made if each.left), "")
