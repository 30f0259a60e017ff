"""The target portal: a person does in the portal what the SDKs do elsewhere. No credential is needed.

Each step shows what to click and which files to take along, and goes on once the person has said that it is done.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from cryptography import x509

from helpers.certificates import describe, read_certificates
from helpers.dps import (
    AZURE_DEVICE_PLANE,
    AllocationPolicy,
    CaReference,
    DevicePlane,
    DeviceRegistrar,
    EnrollmentGroup,
    KnownCas,
    ProvisioningService,
    RegisteredCertificate,
    ServiceDescription,
    Wire,
    local_device_plane,
    local_id_scope,
)
from helpers.files import read_bytes
from helpers.lesson.figures import Checklist
from helpers.lesson.recipes import Names, recipe
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["Portal", "Service", "YourTurn"]

_UNKNOWN_ETAG = "known to the portal alone"
_TICK = "tick “Done in the portal”, press the button again, and go on with the next cell."


class YourTurn(Problem):
    """The walkthrough waits for a person's hands in the portal. It shows what to do there."""

    def __init__(self, checklist: Checklist) -> None:
        super().__init__(
            f"It is your turn in the portal: {checklist.heading}.",
            "With the target portal this notebook has no credential for your service, so nobody else can do it.",
            f"Do what the list says; then {checklist.then}",
        )
        self.checklist = checklist

    def __str__(self) -> str:
        """For a terminal, which shows no picture, with the list."""
        return f"{super().__str__()}\n{self.checklist.text()}"

    def _render_traceback_(self) -> list[str]:
        return super().__str__().splitlines()  # in a notebook the list stands above, as a picture

    def _repr_html_(self) -> str:
        return self.checklist._repr_html_()


class Portal:
    """A provisioning service that a person works for the walkthrough: what is known of it is what the person has told.

    Each method asks for one thing to be done, and raises YourTurn until it is.
    """

    def __init__(self, workspace: Workspace) -> None:
        facts = workspace.facts
        self._workspace = workspace
        self.subscription_id, self.resource_group = "", "RESOURCE_GROUP"
        self.name = facts.provisioning_service
        self.wire = Wire()  # nothing is sent but by devices
        self.devices = DeviceRegistrar(_device_plane(workspace), lambda: workspace.facts.id_scope, self._known_cas)

    def describe(self) -> ServiceDescription:
        """What the person has told of the service."""
        return ServiceDescription(self.name, "", self._workspace.facts.id_scope, "", ())

    def close(self) -> None:
        """There is no connection to be closed."""

    def upload(self, name: str, role: str, certificate: x509.Certificate, *, done: bool) -> RegisteredCertificate:
        """A CA's public part, registered under a name."""
        self._ask(
            "upload", "upload the CA's certificate", done, {f"{role}.cer": certificate}, certificate=name, role=role
        )
        return self.registered(name, certificate)

    def verification_code(self, code: str) -> str:
        """The code that the portal shows, once the person has copied it."""
        if not code:
            names = Names.of(self._workspace, self)
            raise YourTurn(
                Checklist(
                    "generate a verification code",
                    recipe("code", names).clicks,
                    "paste it into the field “Verification code”, press the button again, and go on with the next cell.",
                )
            )
        return code

    def verify(self, name: str, certificate: x509.Certificate, *, done: bool) -> RegisteredCertificate:
        """The CA's certificate, verified with the proof that is kept."""
        proof, *_ = read_certificates(read_bytes(self._workspace.proof_file), self._workspace.proof_file.name)
        self._ask("verify", "upload the proof and verify", done, {"verification.cer": proof})
        return self.registered(name, certificate)

    def bind(self, group: EnrollmentGroup, *, done: bool) -> EnrollmentGroup:
        """An enrollment group as wanted."""
        self._ask("group", "create the enrollment group", done, {}, group=group)
        self._workspace.update(
            enrollment_group_id=group.group_id,
            allocation_policy=group.allocation_policy.value if group.allocation_policy else None,
        )
        return group

    def group(self) -> EnrollmentGroup:
        """The group that the person has created."""
        facts = self._workspace.facts
        policy = AllocationPolicy(facts.allocation_policy) if facts.allocation_policy else None
        return EnrollmentGroup(
            str(facts.enrollment_group_id), CaReference(str(facts.certificate_name)), allocation_policy=policy
        )

    def remove(self, *, done: bool) -> None:
        """Everything that the walkthrough has had made there."""
        self._ask("clean_up", "delete what you have made there", done, {})

    def registered(self, name: str, certificate: x509.Certificate) -> RegisteredCertificate:
        """What the person has told of the CA's certificate."""
        facts = describe(certificate)
        verified = "verify" in self._workspace.facts.done_in_portal
        return RegisteredCertificate(name, facts.subject, facts.sha1, facts.not_after, verified, _UNKNOWN_ETAG)

    def _known_cas(self) -> KnownCas:
        """As far as the person has told."""
        facts = self._workspace.facts
        if facts.registered_role is None or facts.certificate_name is None:
            return KnownCas()
        certificate = self._workspace.authority_certificate(facts.registered_role)
        groups = (self.group(),) if facts.enrollment_group_id else ()
        return KnownCas((self.registered(facts.certificate_name, certificate),), groups)

    def _ask(self, step: str, heading: str, done: bool, files: Mapping[str, x509.Certificate], **known: Any) -> None:
        told = self._workspace.facts.done_in_portal
        if not done and step not in told:
            names = Names.of(self._workspace, self, **known)
            raise YourTurn(Checklist(heading, recipe(step, names).clicks, _TICK, files))
        if step not in told:
            self._workspace.update(done_in_portal=(*told, step))


Service: TypeAlias = ProvisioningService | Portal
"""What the steps of the lesson speak to."""


def _device_plane(workspace: Workspace) -> DevicePlane:
    """Azure's own; or that of the workspace's local DPS, if that is whose ID scope the person has told."""
    local = workspace.local_dps_folder / "connection.json"
    if local.exists() and local_id_scope(local) == workspace.facts.id_scope:
        return local_device_plane(local)
    return AZURE_DEVICE_PLANE
