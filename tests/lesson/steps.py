"""The steps behind the notebooks' cells, from 00 to 05, in order."""

from collections.abc import Callable
from typing import Any

from helpers import lesson
from helpers.dps import ProvisioningService
from helpers.workspace import Workspace

Step = Callable[[Workspace, ProvisioningService, str], Any]


def upload(workspace: Workspace, dps: ProvisioningService, name: str, role: str = "intermediate") -> Any:
    return lesson.register_authority(workspace, dps, lesson.UploadCa(register_ca=role, certificate_name=name))


def bind(workspace: Workspace, dps: ProvisioningService, name: str) -> Any:
    return lesson.bind_enrollment_group(workspace, dps, lesson.CreateEnrollmentGroup(enrollment_group_id=name))


STEPS: dict[str, Step] = {
    "00": lambda workspace, dps, name: lesson.choose_target(workspace, lesson.StartHere()),
    "01": lambda workspace, dps, name: lesson.create_authorities(workspace, lesson.CreateCa(), None),
    "02": upload,
    "03 ask": lambda workspace, dps, name: lesson.ask_for_code(workspace, dps, lesson.AskForCode()),
    "03 sign": lambda workspace, dps, name: lesson.sign_kept_code(workspace, None),
    "04": lambda workspace, dps, name: lesson.verify_with_kept_proof(workspace, dps, lesson.VerifyCa()),
    "05": bind,
}


def walk(workspace: Workspace, dps: ProvisioningService, name: str, *, last: str = "05") -> None:
    for step, take in STEPS.items():
        take(workspace, dps, name)
        if step == last:
            return
