"""The attack: Mallory uploads Contoso's public intermediate. He can't sign a proof for it, but he can attest it.

The local DPS runs two provisioning services for the attack, Contoso's and Mallory's, and removes both at the end.
"""

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from helpers.certificates import (
    CertificateAuthority,
    DeviceCredential,
    certificate_pem,
    describe,
    issue_fleet,
    read_certificates,
)
from helpers.dps import (
    CaReference,
    DpsError,
    EnrollmentGroup,
    ProvisioningService,
    RegisteredCertificate,
    Registration,
    removed,
)
from helpers.files import make_private_folder, read_bytes
from helpers.lesson.experiments.attack_scenes import SCENES
from helpers.lesson.experiments.refused import require_refused
from helpers.lesson.figures import AccessCard, CertificateCard, ChainTree, Picture, Scene, show_certificate, show_tree
from helpers.lesson.figures.picture import Listing, Row, Table, copyable, grouped, joined, mark, plain
from helpers.lesson.targets.added_services import add_service, remove_service
from helpers.lesson.targets.scratch import answer_to, prove, with_code
from helpers.notebook import Notebook
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["Attack", "Audit", "OwnersView", "audit"]


_OWNER, _ATTACKER = "contoso-dps", "mallory-dps"
_OWNERS_HUB, _ATTACKERS_HUB = "contoso-hub.azure-devices.net", "mallory-hub.azure-devices.net"
_FACTORY, _STOLEN, _GROUP = "Contoso Factory CA", "not-mine", "pumps"


@dataclass(frozen=True, repr=False)
class OwnersView(Table):
    """Contoso's service as Contoso sees it; `before` is the view from before the attack."""

    certificates: Sequence[RegisteredCertificate]
    groups: Sequence[EnrollmentGroup]
    records: Sequence[Registration]
    before: "OwnersView | None" = None

    @property
    def is_unchanged(self) -> bool:
        """Whether the attack has changed nothing, not even an ETag."""
        return replace(self, before=None) == self.before

    def title(self) -> str:
        return "Contoso's view of its own service"

    def rows(self) -> list[Row]:
        return [
            ("CA certificates", ", ".join(each.name for each in self.certificates)),
            ("Enrollment groups", ", ".join(each.group_id for each in self.groups)),
            ("Records", ", ".join(f"{each.registration_id} at {each.assigned_hub}" for each in self.records)),
            (
                "Since Mallory began",
                "nothing has changed, not even an ETag" if self.is_unchanged else "something has changed",
            ),
        ]


class Attack:
    """Each method is one move, in this order; `end` takes everything down."""

    def __init__(self, workspace: Workspace) -> None:
        """Set the stage: Contoso has verified its CA at its own service, and one of its pumps has a certificate."""
        self._workspace = workspace
        workspace.forget_outcomes(Notebook.THE_ATTACK)
        self._folder = make_private_folder(workspace.devices_folder / "attack")  # apart from the learner's own
        self._services = {
            name: add_service(workspace, name, iot_hub=hub)
            for name, hub in ((_OWNER, _OWNERS_HUB), (_ATTACKER, _ATTACKERS_HUB))
        }
        self._root = CertificateAuthority.create_root("Contoso Root CA")
        self._factory = self._root.create_intermediate(_FACTORY)
        self._impostor = CertificateAuthority.create_root(_FACTORY)
        prove(self._owner, "contoso-factory", self._factory)
        self._owner.enrollment_groups.create(EnrollmentGroup(_GROUP, CaReference("contoso-factory")))
        (self._pump,) = issue_fleet(self._factory, ["contoso-pump"], self._folder)
        self._before: OwnersView | None = None
        self._act = "home"

    @property
    def _owner(self) -> ProvisioningService:
        return self._running(_OWNER)

    @property
    def _attacker(self) -> ProvisioningService:
        return self._running(_ATTACKER)

    def _running(self, name: str) -> ProvisioningService:
        if name not in self._services:
            raise Problem(
                "The attack is over.",
                "The checkpoint has removed both services.",
                "Run this notebook again from the top.",
            )
        return self._services[name]

    def scene(self) -> Scene:
        """The story so far, as a picture."""
        return SCENES[self._act]

    def pump_at_home(self) -> AccessCard:
        """The pump registers with Contoso's service."""
        card = _registers("At Contoso's service", self._owner, self._pump)
        self._before = self._view()
        self._act = "home"
        return card

    def take_public_part(self) -> ChainTree:
        """The pump sends its chain in every handshake, so Mallory gets Contoso's intermediate."""
        sent = read_certificates(read_bytes(self._pump.chain_file), self._pump.chain_file.name)
        notes = {self._root.certificate: "not sent", **dict.fromkeys(sent, "sent in the handshake")}
        return show_tree(
            "The certificates that anyone can get from a pump", [self._root.certificate, *sent], notes=notes
        )

    def try_to_prove(self) -> DpsError:
        """Mallory uploads the intermediate to his own service, and signs the code with a CA that has the same name.

        Raises:
            Problem: the service accepted the proof.
        """
        uploaded = self._attacker.certificates.upload(_STOLEN, certificate_pem(self._factory.certificate))
        code = str(with_code(self._attacker, uploaded).verification_code)
        proof = self._impostor.sign_verification_code(code).certificate
        refusal = require_refused(
            answer_to(self._attacker, uploaded, base64.b64encode(certificate_pem(proof)).decode()),
            "Mallory's proof",
            "Another CA of the same name signed the proof, so a provisioning service must reject it.",
        )
        self._workspace.note(Notebook.THE_ATTACK, proof=refusal.status)
        self._act = "proof"
        return refusal

    def attest_himself(self) -> CertificateCard:
        """Mallory says that the CA is his. The service believes him, and he binds an enrollment group to the CA."""
        removed(self._attacker.certificates, _STOLEN)
        public_part = certificate_pem(self._factory.certificate)
        attested = self._attacker.certificates.upload(_STOLEN, public_part, self_attested=True)
        self._attacker.enrollment_groups.create(EnrollmentGroup(_GROUP, CaReference(_STOLEN)))
        self._act = "attested"
        return show_certificate(self._factory.certificate, attested, is_brief=True)

    def change_id_scope(self) -> AccessCard:
        """The pump gets Mallory's ID scope instead of Contoso's; nothing else about it changes."""
        card = replace(_registers("With Mallory's ID scope", self._attacker, self._pump), harms=True)
        self._workspace.note(Notebook.THE_ATTACK, lured=card.accepted)
        self._act = "lured"
        return card

    def own_devices(self) -> AccessCard:
        """Both services, Contoso's first, reject Mallory's own device: its certificate is from his CA of the same name."""
        (device,) = issue_fleet(self._impostor, ["mallory-pump"], self._folder)
        both = [outcome for dps in (self._owner, self._attacker) for outcome in dps.devices.register_all([device])]
        card = AccessCard(
            "Mallory's device at Contoso's service, and at his own",
            [(device, each) for each in both],
            situations=("at Contoso's service", "at Mallory's service"),
        )
        at_contosos, at_his_own = card.accepted
        self._workspace.note(Notebook.THE_ATTACK, at_contosos=at_contosos, at_his_own=at_his_own)
        self._act = "forged"
        return card

    def owners_view(self) -> OwnersView:
        """Contoso's view now, compared with its view after its pump had registered."""
        self._act = "unnoticed"
        return self._view(self._before)

    def _view(self, before: OwnersView | None = None) -> OwnersView:
        owner = self._owner
        return OwnersView(
            owner.certificates.list(), owner.enrollment_groups.list(), owner.devices.records(_GROUP), before
        )

    def end(self) -> None:
        """Remove both services."""
        while self._services:
            name, service = self._services.popitem()
            service.close()
            remove_service(self._workspace, name)


def _registers(moment: str, dps: ProvisioningService, device: DeviceCredential) -> AccessCard:
    return AccessCard(moment, [(device, outcome) for outcome in dps.devices.register_all([device])])


@dataclass(frozen=True, repr=False)
class Audit(Picture):
    """The CAs of your service, and which of them could belong to another organization.

    Attributes:
        certificates: the CAs that the service has. own: thumbprints (SHA-1) of the CAs whose keys are in the workspace.
    """

    certificates: Sequence[RegisteredCertificate]
    own: Collection[str]

    @property
    def suspects(self) -> list[RegisteredCertificate]:
        """The CAs that are verified, but whose keys are not in the workspace."""
        return [each for each in self.certificates if each.verified and each.thumbprint.upper() not in self.own]

    def html(self) -> Markup:
        lines = joined(
            "<tr><td class='sign'>{}</td><th scope='row' class='name'>{}<small>SHA-1 {}</small></th><td>{}</td></tr>",
            ((sign, name, copyable(grouped(thumbprint)), finding) for sign, name, finding, thumbprint in self._rows()),
        )
        return Markup("<div class='card'><h2>The CAs of your service</h2><table>{}</table></div>").format(
            lines or Markup("<tr><td>none</td></tr>")
        )

    def text(self) -> str:
        lines = [
            f"  {plain(sign)} {name}: {finding} (SHA-1 {thumbprint})"
            for sign, name, finding, thumbprint in self._rows()
        ]
        return "\n".join(["The CAs of your service", *(lines or ["  none"])])

    def _rows(self) -> list[tuple[Markup, str, str, str]]:
        return [
            (mark(each not in self.suspects), each.name, self._finding(each), each.thumbprint.upper())
            for each in self.certificates
        ]

    def _finding(self, certificate: RegisteredCertificate) -> str:
        if certificate in self.suspects:
            return "verified, but its key is not in this workspace: whose CA is it?"
        if certificate.verified:
            return "verified, and its key is in this workspace"
        return "not verified: DPS accepts no device through it"


def audit(workspace: Workspace, registered: Sequence[RegisteredCertificate] | None) -> Audit | Listing:
    """Compare the CAs of the service with those whose keys are in the workspace.

    Args:
        registered: the CAs of the service. If it is None, the notebook can't ask the service; then the result lists the
            thumbprints that a person can compare in the portal.
    """
    own = [describe(workspace.authority_certificate(role)) for role in workspace.authority_roles()]
    if registered is None:
        thumbprints = [f"{each.common_name}: SHA-1 {each.sha1}" for each in own]
        return Listing(
            "The notebook can't ask your service: compare the CAs yourself",
            [
                "In the portal, open Certificates. Is there a verified CA whose thumbprint is none of these?",
                *thumbprints,
            ],
        )
    return Audit(registered, {each.sha1 for each in own})
