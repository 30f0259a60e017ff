"""The steps of 03 and 04: the verification code is signed, and the proof is sent."""

from dataclasses import replace
from datetime import UTC, datetime

from cryptography import x509

from helpers.certificates import (
    CertificateAuthority,
    Examination,
    VerificationCertificate,
    certificate_pem,
    describe,
    examine_proof,
    export_certificate,
    read_certificates,
)
from helpers.dps import ProvisioningService, RegisteredCertificate, read_and_change
from helpers.files import make_private_folder, read_bytes
from helpers.lesson.inputs import AskForCode, VerifyCa
from helpers.lesson.portal import Portal, Service
from helpers.lesson.steps.order import run_first
from helpers.lesson.steps.registration import registered_certificate, registered_now
from helpers.workspace import Workspace

__all__ = ["ask_for_code", "examine_kept_proof", "prove", "sign_kept_code", "verify_with_kept_proof"]


def ask_for_code(workspace: Workspace, dps: Service, inputs: AskForCode) -> RegisteredCertificate:
    """The registered CA with a verification code: the one that waits already, or a new one.

    A verified CA gets no code: the local DPS would make the CA unverified again, and Azure might (it is not documented).

    Raises:
        Problem: no CA is registered (run 02_upload_ca).
        YourTurn: the target is portal, and the code has not been pasted yet.
    """
    facts = workspace.facts
    if isinstance(dps, Portal):
        now = registered_now(workspace, dps)
        if not now.verified:
            code = dps.verification_code(inputs.verification_code or facts.verification_code or "")
            workspace.update(verification_code=code)
            now = replace(now, verification_code=code)
        return now

    def with_waiting_code(now: RegisteredCertificate) -> RegisteredCertificate:
        if now.verified or (facts.verification_code and facts.etags[-1][1] == now.etag):
            return now
        return dps.certificates.generate_verification_code(now)

    with dps.wire.chapter("code"):
        with_code = read_and_change(lambda: registered_now(workspace, dps), with_waiting_code)
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
    """The examiner's verdicts about the kept proof.

    After the verification the code that was used is the measure, and a day on which the proof was good: it has done its work.
    """
    facts, authority, content = workspace.facts, registered_certificate(workspace), _kept_proof(workspace)
    if facts.verified and facts.verification_code is None:
        used = describe(read_certificates(content, workspace.proof_file.name)[0])
        return examine_proof(content, authority, facts.used_code or "", at=min(datetime.now(UTC), used.not_after))
    return examine_proof(content, authority, facts.verification_code or "")


def verify_with_kept_proof(workspace: Workspace, dps: Service, inputs: VerifyCa) -> RegisteredCertificate:
    """Send the proof, unless the CA is verified already. The proof is examined before anything is sent.

    Raises:
        Problem: there is no proof (run 03_sign_verification_code), or the examiner says that it would be refused.
        DpsError: the service refuses it.
        YourTurn: the target is portal, and nobody has said that it is done.
    """
    content = _kept_proof(workspace)
    if isinstance(dps, Portal):
        examine_kept_proof(workspace).require()
        name = registered_now(workspace, dps).name
        now = dps.verify(name, registered_certificate(workspace), done=inputs.done_in_portal)
        _write_down_verified(workspace)
        return now

    def verified(now: RegisteredCertificate) -> RegisteredCertificate:
        if now.verified:
            return now
        examine_kept_proof(workspace).require()
        return dps.certificates.verify(now, content)

    with dps.wire.chapter("verify"):
        now = read_and_change(lambda: registered_now(workspace, dps), verified)
    facts = workspace.facts
    if not facts.verified:
        etags = facts.etags if facts.etags[-1][1] == now.etag else (*facts.etags, ("verification", now.etag))
        _write_down_verified(workspace, etags=etags)
    return now


def _write_down_verified(workspace: Workspace, **also: object) -> None:
    facts = workspace.facts
    if not facts.verified:
        workspace.update(verified=True, verification_code=None, used_code=facts.verification_code, **also)


def prove(dps: ProvisioningService, name: str, authority: CertificateAuthority) -> RegisteredCertificate:
    """A CA registered under that name and proved, as in 02 to 04; what is done already is not done again."""
    dps.certificates.upload(name, certificate_pem(authority.certificate))

    def verified(now: RegisteredCertificate) -> RegisteredCertificate:
        if now.verified:
            return now
        with_code = dps.certificates.generate_verification_code(now)
        proof = authority.sign_verification_code(str(with_code.verification_code))
        return dps.certificates.verify(with_code, certificate_pem(proof.certificate))

    return read_and_change(lambda: dps.certificates.get(name), verified)


def _kept_proof(workspace: Workspace) -> bytes:
    if not workspace.proof_file.exists():
        raise run_first("03_sign_verification_code", "This workspace holds no verification certificate.")
    return read_bytes(workspace.proof_file)
