"""The steps of 02: the CA's public part goes to DPS."""

from cryptography import x509

from helpers.certificates import read_certificates
from helpers.dps import ProvisioningService, RegisteredCertificate
from helpers.files import read_bytes
from helpers.lesson.inputs import UploadCa
from helpers.lesson.steps.order import run_first
from helpers.problem import Problem
from helpers.workspace import Role, Workspace

__all__ = ["register_authority", "registered_certificate", "registered_now"]


def register_authority(workspace: Workspace, dps: ProvisioningService, inputs: UploadCa) -> RegisteredCertificate:
    """Upload a CA's public part, unless it is registered already.

    Raises:
        Problem: there is no such CA (run 01_create_ca), or the walkthrough has registered another.
    """
    facts = workspace.facts
    if facts.certificate_name and (facts.registered_role, facts.certificate_name) != (
        inputs.register_ca,
        inputs.certificate_name,
    ):
        raise Problem(
            f"This walkthrough has registered the {facts.registered_role} as “{facts.certificate_name}” already.",
            "One walkthrough proves one CA.",
            "Run 10_clean_up first, or use another workspace.",
        )
    _require_authority(workspace, inputs.register_ca)
    public_part = workspace.public_part(inputs.register_ca)
    registered = dps.certificates.upload(inputs.certificate_name, read_bytes(public_part), source=public_part.name)
    if not facts.etags or facts.etags[-1][1] != registered.etag:
        workspace.update(
            registered_role=inputs.register_ca,
            certificate_name=registered.name,
            etags=(("upload", registered.etag),),
            verification_code=None,
            verified=registered.verified,
        )
    return registered


def registered_certificate(workspace: Workspace) -> x509.Certificate:
    """The public part of the CA that is registered.

    Raises:
        Problem: none is (run 02_upload_ca).
    """
    role = workspace.facts.registered_role
    if role is None:
        raise run_first("02_upload_ca", "No CA is registered with DPS in this workspace.")
    return read_certificates(read_bytes(workspace.public_part(role)), f"{role}.cer")[0]


def registered_now(workspace: Workspace, dps: ProvisioningService) -> RegisteredCertificate:
    """The registered CA as the service has it, with its present ETag."""
    name = workspace.facts.certificate_name
    if name is None:
        raise run_first("02_upload_ca", "No CA is registered with DPS in this workspace.")
    return dps.certificates.get(name)


def _require_authority(workspace: Workspace, role: Role) -> None:
    kept = workspace.authority_roles()
    if not kept:
        raise run_first("01_create_ca", "This workspace holds no CA.")
    if role not in kept:
        raise Problem(
            f"This workspace holds no {role} CA with its key.",
            f"It holds the {kept[0]}.",
            f"Set register_ca to {kept[0]}.",
        )
