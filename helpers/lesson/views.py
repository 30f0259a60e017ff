"""Pictures of what the workspace holds and of what the service knows of it."""

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509

from helpers.certificates import DeviceCredential, describe, is_issued_by, read_certificates
from helpers.dps import ProvisioningService, Registration
from helpers.files import read_bytes
from helpers.lesson.figures import (
    AccessCard,
    CertificatesPage,
    ChainTree,
    HubCard,
    PageLine,
    ProofSequence,
    RecordsCard,
    show_tree,
    status_at_dps,
)
from helpers.lesson.portal import Portal, Service
from helpers.lesson.steps import known_certificates, read_records, see_at_hub, try_to_register
from helpers.workspace import Workspace

__all__ = [
    "proof_so_far",
    "show_access",
    "show_all_certificates",
    "show_at_hub",
    "show_authorities",
    "show_chain",
    "show_records",
]

_DEVICES_SHOWN = 12


def show_authorities(workspace: Workspace, dps: Service | None = None, caption: str = "Your CAs") -> ChainTree:
    """The workspace's CAs, who signed whom, and what DPS knows of each if it is asked."""
    known = known_certificates(workspace, dps) if dps else None
    return show_tree(caption, _authorities(workspace), known=known)


def show_chain(workspace: Workspace, device: DeviceCredential, dps: Service) -> ChainTree:
    """A device below its CAs: what it sends in its handshake, and what DPS knows."""
    sent = read_certificates(read_bytes(device.chain_file), device.chain_file.name)
    notes = dict.fromkeys(sent, "sent by the device")
    caption = f"The chain of {device.registration_id}"
    return show_tree(caption, [*_authorities(workspace), *sent], known=known_certificates(workspace, dps), notes=notes)


def show_all_certificates(workspace: Workspace, dps: Service | None = None) -> CertificatesPage:
    """Every certificate in the workspace: CAs, the proof, and devices (of many the first)."""
    known = {each.thumbprint.upper(): each for each in known_certificates(workspace, dps)} if dps else {}
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
        status = status_at_dps(known.get(facts.sha1)) if facts.is_authority and dps else ""
        namesakes = [each for each in own if each.subject == certificate.issuer]
        foreign = bool(namesakes) and not any(is_issued_by(certificate, each) for each in namesakes)
        return PageLine(str(file.relative_to(workspace.folder)), facts, status, foreign)

    return CertificatesPage({heading: [line(file) for file in each] for heading, each in files.items()})


def _first_of(heading: str, files: Sequence[Path]) -> dict[str, Sequence[Path]]:
    """The first of many files, below a heading that counts all of them."""
    more = f", the first {_DEVICES_SHOWN}" if len(files) > _DEVICES_SHOWN else ""
    return {f"{heading} ({len(files)}{more})": files[:_DEVICES_SHOWN]}


def _first(file: Path) -> x509.Certificate:
    return read_certificates(read_bytes(file), file.name)[0]


def show_access(
    workspace: Workspace, dps: ProvisioningService, moment: str, devices: Sequence[DeviceCredential]
) -> AccessCard:
    """Which of the devices get in at a moment of 07; its checkpoint judges that."""
    card = AccessCard(moment, try_to_register(dps, devices))
    workspace.note("07_when_access_ends", **{moment: card.let_in})
    return card


def show_at_hub(workspace: Workspace, device: DeviceCredential, registration: Registration) -> HubCard:
    """The device as its hub knows it."""
    leaf, *_ = read_certificates(read_bytes(device.chain_file), device.chain_file.name)
    return HubCard(registration.assigned_hub, see_at_hub(workspace, device, registration), describe(leaf))


def show_records(workspace: Workspace, dps: Service, told: list[Registration]) -> RecordsCard:
    """The service's records; with the target portal, where it can't be asked, what the devices were told."""
    return RecordsCard(read_records(workspace, dps, told), told=isinstance(dps, Portal))


def proof_so_far(workspace: Workspace) -> ProofSequence:
    """How far the conversation with DPS has come."""
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
    """Those kept here, and those above them that came along."""
    found: list[x509.Certificate] = []
    for role in workspace.authority_roles():
        file = workspace.folder / "ca" / f"{role}.pem"
        found += read_certificates(read_bytes(file), file.name)
    return list(dict.fromkeys(found))
