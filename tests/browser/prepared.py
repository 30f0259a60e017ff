"""A workspace as the notebooks before have left it, by the lesson's own steps: a form's test need not walk there."""

from pathlib import Path

from helpers import lesson
from helpers.dps import ProvisioningService
from helpers.workspace import Workspace

__all__ = ["ready_for"]


def ready_for(notebook: str, folder: Path, *, passphrase: str | None = None) -> Workspace:
    """The workspace of a learner who opens this notebook next; the local DPS runs, and all has its usual name.

    Args:
        passphrase: for the CAs' keys.
    """
    kept = Workspace(folder)
    lesson.choose_target(kept, lesson.StartHere())
    dps = lesson.connect(kept)
    assert isinstance(dps, ProvisioningService)
    if notebook > "01_create_ca":
        lesson.create_authorities(kept, lesson.CreateCa(), passphrase)
    if notebook > "02_upload_ca":
        lesson.register_authority(kept, dps, lesson.UploadCa())
    if notebook > "03_sign_verification_code":
        lesson.ask_for_code(kept, dps, lesson.AskForCode())
        lesson.sign_kept_code(kept, passphrase)
    if notebook > "04_verify_ca":
        lesson.verify_with_kept_proof(kept, dps, lesson.VerifyCa())
    if notebook > "05_create_enrollment_group":
        lesson.bind_enrollment_group(kept, dps, lesson.CreateEnrollmentGroup())
    dps.close()
    return kept
