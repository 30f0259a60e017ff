"""What a learner sees: forms, pictures, checkpoints, and the steps of the walkthrough behind the notebooks' cells."""

from helpers.lesson.checkpoint import Expectation, checkpoint
from helpers.lesson.figures import (
    CertificateCard,
    ChainCard,
    EtagTrail,
    FleetChart,
    GroupCard,
    RefusalCard,
    RegistrationCard,
    ServiceCard,
    Verdicts,
    show_certificate,
    show_chain,
)
from helpers.lesson.forms import Form
from helpers.lesson.inputs import CleanUp, CreateCa, CreateEnrollmentGroup, ProvisionDevices, StartHere, UploadCa
from helpers.lesson.passphrase import Passphrase
from helpers.lesson.provisioning import issue_device, provision_device, provision_fleet, provision_stranger
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
    "ChainCard",
    "CleanUp",
    "CreateCa",
    "CreateEnrollmentGroup",
    "EtagTrail",
    "Expectation",
    "FleetChart",
    "Form",
    "GroupCard",
    "Passphrase",
    "ProvisionDevices",
    "RefusalCard",
    "RegistrationCard",
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
    "issue_device",
    "provision_device",
    "provision_fleet",
    "provision_stranger",
    "register_authority",
    "registered_certificate",
    "show_certificate",
    "show_chain",
    "sign_kept_code",
    "verify_with_kept_proof",
]
