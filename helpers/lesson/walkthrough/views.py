"""Pictures of the workspace's content, with the service's view of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from helpers.certificates import (
    DeviceCredential,
    Examination,
    describe,
    examine_proof,
    is_issued_by,
    read_certificates,
)
from helpers.dps import RegisteredCertificate
from helpers.files import read_bytes
from helpers.lesson.course.journey import run_first
from helpers.lesson.figures import (
    CertificatesPage,
    ChainTree,
    PageLine,
    ProofSequence,
    show_tree,
    status_at_dps,
)
from helpers.notebook import Notebook
from helpers.workspace import Workspace

__all__ = ["examine_stored_proof", "proof_so_far", "show_all_certificates", "show_authorities", "show_chain"]

_DEVICES_SHOWN = 12


def show_authorities(workspace: Workspace, caption: str) -> ChainTree:
    """Return a tree of the workspace's CAs, which shows who signed whom."""
    return show_tree(caption, _authorities(workspace))


def show_chain(workspace: Workspace, device: DeviceCredential, known: Sequence[RegisteredCertificate]) -> ChainTree:
    """Return a tree of a device and its CAs, which shows what the device sends in its handshake and which CAs DPS has."""
    sent = device.chain()
    notes = dict.fromkeys(sent, "sent by the device")
    caption = f"The chain of {device.registration_id}"
    return show_tree(caption, [*_authorities(workspace), *sent], known=known, notes=notes)


def show_all_certificates(workspace: Workspace, registered: Sequence[RegisteredCertificate]) -> CertificatesPage:
    """Return a page with the certificates in the workspace: CAs, the proof, and devices (only the first if there are many)."""
    known = {each.thumbprint.upper(): each for each in registered}
    own = [workspace.authority_certificate(role) for role in workspace.authority_roles()]
    devices = sorted(workspace.devices_folder.glob("*.pem"), key=lambda file: file.stem)
    is_ours = {file: any(is_issued_by(_first(file), each) for each in own) for file in devices}
    files = {
        "CAs": sorted((workspace.folder / "ca").glob("*.cer")),
        "The proof": [workspace.proof_file] if workspace.proof_file.exists() else [],
        **_first_of("Devices", [file for file in devices if is_ours[file]]),
        **_first_of("Devices of other CAs", [file for file in devices if not is_ours[file]]),
    }

    def line(file: Path) -> PageLine:
        certificate = _first(file)
        facts = describe(certificate)
        status = status_at_dps(known.get(facts.sha1)) if facts.is_authority else ""
        namesakes = [each for each in own if each.subject == certificate.issuer]
        foreign = bool(namesakes) and not any(is_issued_by(certificate, each) for each in namesakes)
        return PageLine(file.relative_to(workspace.folder).as_posix(), facts, status, foreign)

    return CertificatesPage({heading: [line(file) for file in each] for heading, each in files.items()})


def _first_of(heading: str, files: Sequence[Path]) -> dict[str, Sequence[Path]]:
    """Return the first files, by a heading that says how many there are in all."""
    more = f", the first {_DEVICES_SHOWN}" if len(files) > _DEVICES_SHOWN else ""
    return {f"{heading} ({len(files)}{more})": files[:_DEVICES_SHOWN]}


def _first(file: Path) -> x509.Certificate:
    return read_certificates(read_bytes(file), file.name)[0]


def examine_stored_proof(workspace: Workspace, authority: x509.Certificate) -> Examination:
    """See `Walkthrough.examine_proof`."""
    if not workspace.proof_file.exists():
        raise run_first(Notebook.SIGN_VERIFICATION_CODE, "This workspace holds no verification certificate.")
    facts, content = workspace.facts, read_bytes(workspace.proof_file)
    if facts.verified and facts.verification_code is None:
        used = describe(read_certificates(content, workspace.proof_file.name)[0])
        return examine_proof(content, authority, facts.used_code or "", at=min(datetime.now(UTC), used.not_after))
    return examine_proof(content, authority, facts.verification_code or "")


def proof_so_far(workspace: Workspace) -> ProofSequence:
    """Return a picture of the messages that you and DPS have exchanged so far."""
    facts = workspace.facts
    done = (
        6
        if facts.verified
        else 4
        if facts.verification_code and workspace.proof_file.exists()
        else 3
        if facts.verification_code
        else 1
        if facts.certificate_name
        else 0
    )
    return ProofSequence(done, facts.certificate_name or "", facts.verification_code or facts.used_code or "")


def _authorities(workspace: Workspace) -> list[x509.Certificate]:
    """Return the stored CAs, and the CAs above them in the same files."""
    found: list[x509.Certificate] = []
    for role in workspace.authority_roles():
        file = workspace.folder / "ca" / f"{role}.pem"
        found += read_certificates(read_bytes(file), file.name)
    return list(dict.fromkeys(found))
