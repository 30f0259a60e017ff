"""The steps of the walkthrough: each finds what is there already and goes on, or says which notebook to run first.

A notebook's cell calls one of these and shows what it returns; CI calls the same.
"""

import platform
import sys
from collections.abc import Callable
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cryptography import x509

from helpers.certificates import (
    CertificateAuthority,
    Examination,
    VerificationCertificate,
    describe,
    examine_proof,
    export_certificate,
    load_authority,
    read_certificates,
)
from helpers.dps import (
    CaReference,
    DpsError,
    EnrollmentGroup,
    ProvisioningService,
    RegisteredCertificate,
    connect_azure,
    connect_local,
    read_and_change,
    start_local_dps,
    stop_local_dps,
)
from helpers.files import make_private_folder, read_bytes
from helpers.lesson.checkpoint import Expectation
from helpers.lesson.inputs import CleanUp, CreateCa, CreateEnrollmentGroup, StartHere, UploadCa
from helpers.problem import Problem
from helpers.workspace import Role, Workspace

__all__ = [
    "ask_for_code",
    "bind_enrollment_group",
    "check_this_machine",
    "choose_target",
    "clean_up",
    "connect",
    "create_authorities",
    "examine_kept_proof",
    "register_authority",
    "registered_certificate",
    "run_first",
    "sign_kept_code",
    "verify_with_kept_proof",
]


# --- 00 ---------------------------------------------------------------------------------------------------------------


def check_this_machine(workspace: Workspace) -> tuple[Expectation, ...]:
    """What the walkthrough needs of this machine."""
    private = not workspace.folder.stat().st_mode & 0o077
    return (
        Expectation(
            f"Python {platform.python_version()} is 3.11 or newer",
            sys.version_info >= (3, 11),
            "Install a newer Python.",
        ),
        Expectation(
            f"cryptography {version('cryptography')} is 50 or newer",
            int(version("cryptography").split(".")[0]) >= 50,
            "Run make tutorial, which installs it.",
        ),
        Expectation(
            "The workspace may be entered by you alone",
            private,
            f"Run: chmod 700 {workspace.folder.name} in its parent.",
        ),
    )


def choose_target(workspace: Workspace, inputs: StartHere) -> None:
    """Remember the target. A walkthrough that has begun with one can't go on with another.

    Raises:
        Problem: a CA is registered with another target already.
    """
    facts = workspace.facts
    begun = facts.certificate_name is not None
    chosen = inputs.model_dump()
    if begun and any(getattr(facts, name) != value for name, value in chosen.items()):
        raise Problem(
            f"This walkthrough has begun with the target {facts.target}.",
            f"The CA is registered there as “{facts.certificate_name}”.",
            "Run 10_clean_up first, or use another workspace.",
        )
    workspace.update(**chosen)


def connect(workspace: Workspace) -> ProvisioningService:
    """The provisioning service of this walkthrough; a local DPS is started if it does not run.

    Raises:
        Problem: no target was chosen yet (run 00_start_here), or it can't be reached.
    """
    facts = workspace.facts
    match facts.target:
        case "local":
            return connect_local(start_local_dps(workspace.local_dps_folder))
        case "azure":
            return connect_azure(
                subscription_id=facts.subscription_id,
                resource_group=facts.resource_group,
                provisioning_service=facts.provisioning_service,
            )
        case None:
            raise run_first("00_start_here", "No target has been chosen in this workspace.")


# --- 01 ---------------------------------------------------------------------------------------------------------------


def create_authorities(
    workspace: Workspace, inputs: CreateCa, passphrase: str | None
) -> dict[Role, CertificateAuthority]:
    """The walkthrough's CAs, topmost first: those that are here already, or new ones.

    With a CA of one's own (`own_ca_certificate`, `own_ca_key`): a self-signed one takes the root's place and, if its path
    length allows it, an intermediate is created below it; another takes the intermediate's place.
    """
    own = _own_authority(inputs, passphrase)
    kept = {role: workspace.authority(role, passphrase=passphrase) for role in workspace.authority_roles()}
    if own and kept and own.certificate not in [authority.certificate for authority in kept.values()]:
        raise Problem(
            f"“{describe(own.certificate).common_name}” was not taken.",
            f"This workspace has the CA “{describe(next(iter(kept.values())).certificate).common_name}” already.",
            "Leave the fields of your own CA empty, run 10_clean_up with the keys deleted, or use another workspace.",
        )
    if "intermediate" not in kept:
        _create_missing(workspace, inputs, kept.get("root") or own, passphrase)
    for role in workspace.authority_roles():
        workspace.public_part(role)
    return {role: workspace.authority(role, passphrase=passphrase) for role in workspace.authority_roles()}


def _own_authority(inputs: CreateCa, passphrase: str | None) -> CertificateAuthority | None:
    if not inputs.own_ca_certificate and not inputs.own_ca_key:
        return None
    if not inputs.own_ca_certificate or not inputs.own_ca_key:
        missing = "own_ca_key" if inputs.own_ca_certificate else "own_ca_certificate"
        raise Problem(
            f"{missing} is missing.",
            "A CA of your own is two files: its certificate and its private key.",
            "Give both.",
        )
    return load_authority(Path(inputs.own_ca_certificate), Path(inputs.own_ca_key), passphrase=passphrase)


def _create_missing(
    workspace: Workspace, inputs: CreateCa, top: CertificateAuthority | None, passphrase: str | None
) -> None:
    """What is missing of a root and an intermediate below it, starting from the topmost CA if there is one."""
    made: Any = {"key_algorithm": inputs.key_algorithm, "lifetime": timedelta(days=inputs.lifetime_days)}
    if top is None:
        top = CertificateAuthority.create_root(inputs.root_name, **made)
    elif not describe(top.certificate).is_self_signed:
        workspace.save_authority("intermediate", top, passphrase=passphrase)
        return
    below = None
    if describe(top.certificate).path_length != 0:
        below = top.create_intermediate(inputs.intermediate_name, **made)
    if "root" not in workspace.authority_roles():
        workspace.save_authority("root", top, passphrase=passphrase)
    if below is not None:
        workspace.save_authority("intermediate", below, passphrase=passphrase)


# --- 02 ---------------------------------------------------------------------------------------------------------------


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


# --- 03 ---------------------------------------------------------------------------------------------------------------


def ask_for_code(workspace: Workspace, dps: ProvisioningService) -> RegisteredCertificate:
    """The registered CA with a verification code: the one that waits already, or a new one.

    A CA that is verified gets none: a new code would make it unverified again.
    """
    facts = workspace.facts

    def with_waiting_code(now: RegisteredCertificate) -> RegisteredCertificate:
        if now.verified or (facts.verification_code and facts.etags[-1][1] == now.etag):
            return now
        return dps.certificates.generate_verification_code(now)

    with_code = read_and_change(lambda: _registered_now(workspace, dps), with_waiting_code)
    if with_code.verification_code is None:
        return with_code
    workspace.update(
        etags=(*facts.etags, ("verification code", with_code.etag)), verification_code=with_code.verification_code
    )
    return with_code


def sign_kept_code(workspace: Workspace, passphrase: str | None) -> x509.Certificate:
    """The verification certificate for the code that waits, kept as .pem and as .cer.

    Raises:
        Problem: no code waits (run the cell before), or the CA's key can't be opened.
    """
    facts = workspace.facts
    if facts.verified and workspace.proof_file.exists():
        return read_certificates(read_bytes(workspace.proof_file), workspace.proof_file.name)[0]
    if facts.verification_code is None or facts.registered_role is None:
        raise run_first("03_sign_verification_code", "No verification code is waiting in this workspace.")
    authority = workspace.authority(facts.registered_role, passphrase=passphrase)
    proof: VerificationCertificate = authority.sign_verification_code(facts.verification_code)
    make_private_folder(workspace.proof_file.parent)
    export_certificate(proof.certificate, workspace.proof_file)
    export_certificate(proof.certificate, workspace.proof_file.with_suffix(".cer"))
    return proof.certificate


def examine_kept_proof(workspace: Workspace) -> Examination:
    """The examiner's verdicts about the kept proof. After the verification the code in the proof itself is the measure."""
    authority, content = registered_certificate(workspace), _kept_proof(workspace)
    code = workspace.facts.verification_code
    if code is None and workspace.facts.verified:
        code = describe(read_certificates(content, workspace.proof_file.name)[0]).common_name
    return examine_proof(content, authority, code or "")


# --- 04 ---------------------------------------------------------------------------------------------------------------


def verify_with_kept_proof(workspace: Workspace, dps: ProvisioningService) -> RegisteredCertificate:
    """Send the proof, unless the CA is verified already. The proof is examined before anything is sent.

    Raises:
        Problem: there is no proof (run 03_sign_verification_code), or the examiner says that it would be refused.
        DpsError: the service refuses it.
    """
    content = _kept_proof(workspace)

    def verified(now: RegisteredCertificate) -> RegisteredCertificate:
        if now.verified:
            return now
        examine_kept_proof(workspace).require()
        return dps.certificates.verify(now, content)

    now = read_and_change(lambda: _registered_now(workspace, dps), verified)
    facts = workspace.facts
    if not facts.verified:
        etags = facts.etags if facts.etags[-1][1] == now.etag else (*facts.etags, ("verification", now.etag))
        workspace.update(etags=etags, verification_code=None, verified=True)
    return now


# --- 05 ---------------------------------------------------------------------------------------------------------------


def bind_enrollment_group(
    workspace: Workspace, dps: ProvisioningService, inputs: CreateEnrollmentGroup
) -> EnrollmentGroup:
    """The enrollment group bound to the verified CA: the one that this walkthrough made, or a new one.

    Raises:
        Problem: the CA is not verified yet (run 04_verify_ca).
        DpsError: a group of that name exists that is bound to something else (409).
    """
    facts = workspace.facts
    if not facts.verified or facts.certificate_name is None:
        raise run_first("04_verify_ca", "No verified CA is known in this workspace.")
    if facts.enrollment_group_id not in (None, inputs.enrollment_group_id):
        raise Problem(
            f"This walkthrough has created the enrollment group “{facts.enrollment_group_id}” already.",
            "One walkthrough has one group.",
            "Keep that name, or run 10_clean_up first.",
        )
    if facts.enrollment_group_id is not None:
        return dps.enrollment_groups.get(inputs.enrollment_group_id)
    wanted = EnrollmentGroup(inputs.enrollment_group_id, CaReference(facts.certificate_name))
    try:
        group = dps.enrollment_groups.create(wanted)
    except DpsError as error:
        if error.status != 409:
            raise
        group = dps.enrollment_groups.get(wanted.group_id)
        if group.attestation != wanted.attestation:  # else a run that was interrupted before it could write it down
            raise
    workspace.update(enrollment_group_id=group.group_id)
    return group


# --- 10 ---------------------------------------------------------------------------------------------------------------


def clean_up(workspace: Workspace, inputs: CleanUp) -> list[str]:
    """Remove from the service what this walkthrough made there, and its CAs here if asked to. Says what was removed.

    Run again, it finds nothing to do.
    """
    done: list[str] = []
    facts = workspace.facts
    if facts.enrollment_group_id or facts.certificate_name:
        dps = connect(workspace)
        if facts.enrollment_group_id and _is_gone(lambda: _delete_group(dps, str(facts.enrollment_group_id))):
            done.append(f"The enrollment group “{facts.enrollment_group_id}” is deleted.")
        if facts.certificate_name and _is_gone(lambda: _delete_certificate(dps, str(facts.certificate_name))):
            done.append(f"The CA certificate “{facts.certificate_name}” is deleted at DPS.")
        dps.close()
        workspace.update(
            enrollment_group_id=None,
            certificate_name=None,
            registered_role=None,
            etags=(),
            verification_code=None,
            verified=False,
        )
        workspace.delete_proof()
    if facts.target == "local" and stop_local_dps(workspace.local_dps_folder):
        done.append("The local DPS is stopped.")
    if inputs.delete_keys:
        done += [f"{name} is deleted here." for name in workspace.delete_certificates()]
    return done


# --- inside -----------------------------------------------------------------------------------------------------------


def _registered_now(workspace: Workspace, dps: ProvisioningService) -> RegisteredCertificate:
    """The registered CA as the service has it, with its present ETag."""
    name = workspace.facts.certificate_name
    if name is None:
        raise run_first("02_upload_ca", "No CA is registered with DPS in this workspace.")
    return dps.certificates.get(name)


def _kept_proof(workspace: Workspace) -> bytes:
    if not workspace.proof_file.exists():
        raise run_first("03_sign_verification_code", "This workspace holds no verification certificate.")
    return read_bytes(workspace.proof_file)


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


def run_first(notebook: str, reason: str) -> Problem:
    """What a step says that comes too early."""
    return Problem("This notebook needs another to be run first.", reason, f"Run {notebook}, then this one again.")


def _delete_group(dps: ProvisioningService, group_id: str) -> None:
    """The group, and the records of the devices that came through it: they would outlive it."""
    for record in dps.devices.records(group_id):
        dps.devices.forget(record.registration_id)
    read_and_change(lambda: dps.enrollment_groups.get(group_id), dps.enrollment_groups.delete)


def _delete_certificate(dps: ProvisioningService, name: str) -> None:
    read_and_change(lambda: dps.certificates.get(name), dps.certificates.delete)


def _is_gone(delete: Callable[[], None]) -> bool:
    """Whether this call removed it; somebody may have done so before."""
    try:
        delete()
    except DpsError as error:
        if error.status == 404:
            return False
        raise
    return True
