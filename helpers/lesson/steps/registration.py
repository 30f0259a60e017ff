"""The steps of 02: the CA's public part goes to DPS."""

from cryptography import x509

from helpers.certificates import read_certificates
from helpers.dps import RegisteredCertificate
from helpers.files import read_bytes
from helpers.lesson.inputs import UploadCa
from helpers.lesson.portal import Portal, Service
from helpers.lesson.steps.order import run_first
from helpers.problem import Problem
from helpers.workspace import Role, Workspace

__all__ = ["known_certificates", "register_authority", "registered_certificate", "registered_now"]


def register_authority(workspace: Workspace, dps: Service, inputs: UploadCa) -> RegisteredCertificate:
    """Upload a CA's public part, unless it is registered already.

    Raises:
        Problem: there is no such CA (run 01_create_ca), or the walkthrough has registered another.
        YourTurn: the target is portal, and nobody has said that it is done.
    """
    facts = workspace.facts
    if facts.certificate_name and (facts.registered_role, facts.certificate_name) != (
        inputs.register_ca,
        inputs.certificate_name,
    ):
        raise Problem(
            f"This walkthrough has registered the {facts.registered_role} as “{facts.certificate_name}” already.",
            "One walkthrough proves one CA.",
            f"Put {facts.registered_role} and “{facts.certificate_name}” back, or run 10_clean_up first.",
        )
    _require_authority(workspace, inputs.register_ca)
    public_part = workspace.public_part(inputs.register_ca)
    name, content = inputs.certificate_name, read_bytes(public_part)
    with dps.wire.chapter("upload"):
        if isinstance(dps, Portal):
            (certificate,) = read_certificates(content, public_part.name)
            registered = dps.upload(name, inputs.register_ca, certificate, done=inputs.done_in_portal)
            if facts.certificate_name is None:
                workspace.update(registered_role=inputs.register_ca, certificate_name=name)
            return registered
        registered = dps.certificates.upload(name, content, source=public_part.name)
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
    return workspace.authority_certificate(role)


def registered_now(workspace: Workspace, dps: Service) -> RegisteredCertificate:
    """The registered CA as the service has it, with its present ETag."""
    name = workspace.facts.certificate_name
    if name is None:
        raise run_first("02_upload_ca", "No CA is registered with DPS in this workspace.")
    if isinstance(dps, Portal):
        return dps.registered(name, registered_certificate(workspace))
    return dps.certificates.get(name)


def known_certificates(workspace: Workspace, dps: Service) -> list[RegisteredCertificate]:
    """The CA certificates that the service has; of a portal only the walkthrough's own is known."""
    if isinstance(dps, Portal):
        return [registered_now(workspace, dps)] if workspace.facts.certificate_name else []
    return dps.certificates.list()


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
