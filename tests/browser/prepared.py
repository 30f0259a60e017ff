"""A workspace in the state that the earlier notebooks leave, made by the same calls, so that a form's test need not run them."""

from pathlib import Path

from helpers import lesson
from helpers.certificates import CertificateAuthority
from helpers.dps import CaReference, EnrollmentGroup
from helpers.workspace import Workspace

__all__ = ["ready_for"]


def ready_for(notebook: str, folder: Path, *, passphrase: str | None = None) -> Workspace:
    """Return the workspace of a learner who opens this notebook next; the local DPS runs, and all has its usual name.

    Args:
        passphrase: for the CAs' keys.
    """
    walkthrough = lesson.open(folder)
    walkthrough.choose(lesson.StartHere())
    dps = walkthrough.dps
    if passphrase:
        secret = walkthrough.form(lesson.CreateCa, {}).secret
        assert secret is not None
        secret.control.value = passphrase
    if notebook > "01_create_ca":
        root = CertificateAuthority.create_root("Walkthrough Root CA")
        intermediate = root.create_intermediate("Walkthrough Intermediate CA")
        walkthrough.store("root", root)
        walkthrough.store("intermediate", intermediate)
    if notebook > "02_upload_ca":
        registered = dps.certificates.upload("walkthrough-ca", intermediate.certificate)
    if notebook > "03_sign_verification_code":
        registered = dps.certificates.generate_verification_code(registered)
        code = walkthrough.store("code", registered.verification_code)
        proof = walkthrough.store("proof", intermediate.sign_verification_code(code))
    if notebook > "04_verify_ca":
        dps.certificates.verify(registered, proof)
    if notebook > "05_create_enrollment_group":
        dps.enrollment_groups.create(EnrollmentGroup("walkthrough-devices", CaReference("walkthrough-ca")))
    dps.close()
    return walkthrough.workspace
