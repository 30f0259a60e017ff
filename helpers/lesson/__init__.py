"""What a learner sees: forms, pictures, checkpoints, and the steps of the walkthrough behind the notebooks' cells."""

from helpers.lesson.checkpoint import Expectation, checkpoint
from helpers.lesson.figures import CertificateCard, EtagTrail, GroupCard, ServiceCard, Verdicts, show_certificate
from helpers.lesson.forms import Form
from helpers.lesson.inputs import CleanUp, CreateCa, CreateEnrollmentGroup, StartHere, UploadCa
from helpers.lesson.passphrase import Passphrase
from helpers.lesson.steps import (
    ask_for_code,
    bind_enrollment_group,
    check_this_machine,
    choose_target,
    clean_up,
    connect,
    create_authorities,
    examine_kept_proof,
    register_authority,
    registered_certificate,
    sign_kept_code,
    verify_with_kept_proof,
)
from helpers.workspace import Workspace

__all__ = [
    "CertificateCard",
    "CleanUp",
    "CreateCa",
    "CreateEnrollmentGroup",
    "EtagTrail",
    "Expectation",
    "Form",
    "GroupCard",
    "Passphrase",
    "ServiceCard",
    "StartHere",
    "UploadCa",
    "Verdicts",
    "Workspace",
    "ask_for_code",
    "bind_enrollment_group",
    "check_this_machine",
    "checkpoint",
    "choose_target",
    "clean_up",
    "connect",
    "create_authorities",
    "examine_kept_proof",
    "register_authority",
    "registered_certificate",
    "show_certificate",
    "sign_kept_code",
    "verify_with_kept_proof",
]
