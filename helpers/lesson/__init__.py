"""The lesson: `walkthrough = lesson.open(workspace)`, the values of its forms, and the pictures that notebooks use by name."""

from pathlib import Path

from helpers.lesson.course.answers import Unsolved
from helpers.lesson.figures import AnswerCard, CodeCard, Outcomes, RegistrationCard
from helpers.lesson.forms.values import (
    CleanUp,
    Completion,
    CreateCa,
    CreateEnrollmentGroup,
    EndAccess,
    ProvisionDevices,
    SignCode,
    StartHere,
    UploadCa,
    VerifyCa,
)
from helpers.lesson.targets import YourTurn
from helpers.lesson.walkthrough import Walkthrough
from helpers.lesson.walkthrough.kernel import prepare_kernel
from helpers.lesson.walkthrough.showing import show_values
from helpers.workspace import Workspace

__all__ = [
    "AnswerCard",
    "CleanUp",
    "CodeCard",
    "Completion",
    "CreateCa",
    "CreateEnrollmentGroup",
    "EndAccess",
    "Outcomes",
    "ProvisionDevices",
    "RegistrationCard",
    "SignCode",
    "StartHere",
    "Unsolved",
    "UploadCa",
    "VerifyCa",
    "Walkthrough",
    "YourTurn",
    "open",
]

prepare_kernel()


def open(workspace: str | Path) -> Walkthrough:  # noqa: A001 - read as lesson.open
    """Open the walkthrough of a workspace, or begin one.

    Args:
        workspace: the workspace's folder; created if it does not exist.

    Raises:
        Problem: the folder holds other files but no workspace, or its file of facts is damaged.
    """
    walkthrough = Walkthrough(Workspace(workspace))
    show_values(walkthrough)
    return walkthrough
