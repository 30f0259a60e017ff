"""The target portal: a person does in the portal what the SDKs do with the other targets. No credential is needed.

The calls are the same. Each shows what to click and which files to upload, and returns once the person has confirmed, in the
notebook's form, that it is done. Everything that the notebooks know about the service comes from the person.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography import x509

from helpers.certificates import DeviceCredential, VerificationCertificate, describe, public_certificate
from helpers.dps import (
    AZURE_DEVICE_PLANE,
    AllocationPolicy,
    CaReference,
    CustomAllocation,
    DevicePlane,
    DeviceRegistrar,
    DpsError,
    EnrollmentGroup,
    Event,
    KnownCas,
    RegisteredCertificate,
    Registration,
    ServiceDescription,
    Wire,
    local_device_plane,
    local_id_scope,
)
from helpers.lesson.figures import Checklist
from helpers.lesson.recipes import CHANGE_GROUP, Names, portal_clicks
from helpers.lesson.targets.notes import Notes
from helpers.lesson.targets.your_turn import YourTurn
from helpers.workspace import Facts, Workspace

__all__ = ["Portal"]

_UNKNOWN_ETAG = "known only to the portal"
_TICK = "tick “Done in the portal” in the form above, and run this cell again."
_PASTE = "paste it into the field “Verification code” of the form above, and run this cell again."


class Portal:
    """A provisioning service that a person operates for the walkthrough."""

    def __init__(self, workspace: Workspace) -> None:
        facts = workspace.facts
        self._workspace = workspace
        self.told: Callable[[], Any] = lambda: None
        self.subscription_id, self.resource_group = "", "RESOURCE_GROUP"
        self.name = facts.provisioning_service
        self.wire = Wire()  # always empty: only devices send requests
        self.certificates = _Certificates(self)
        self.enrollment_groups = _Groups(self)
        self.devices = _Devices(workspace, self._known_cas)

    def listen_to(self, told: Callable[[], Any]) -> None:
        """Use this function to read the form in which the person confirms what is done."""
        self.told = told

    def describe(self) -> ServiceDescription:
        """Return what the person has entered about the service."""
        return ServiceDescription(self.name, "", self._workspace.facts.id_scope, "", ())

    def close(self) -> None:
        """Do nothing: there is no connection to close."""

    def remove(self, facts: Facts) -> list[str]:  # noqa: ARG002 - as of Service
        """Return once the person has deleted what they created there for the walkthrough.

        Raises:
            YourTurn: the person has not confirmed it yet.
        """
        self.ask("clean_up", "delete what you have created there", {})
        return ["You have deleted the group and the CA certificate in the portal."]

    @property
    def workspace(self) -> Workspace:
        """The workspace in which the walkthrough notes what the person enters and confirms."""
        return self._workspace

    def ask(self, step: str, heading: str, files: Mapping[str, x509.Certificate], **known: Any) -> None:
        """Return if the person has done a step.

        Raises:
            YourTurn: the person has not confirmed it yet.
        """
        told = self._workspace.facts.done_in_portal
        if step not in told:
            self.require_confirmation(step, heading, files, **known)
            self._workspace.update(done_in_portal=(*told, step))

    def require_confirmation(
        self, step: str, heading: str, files: Mapping[str, x509.Certificate], **known: Any
    ) -> None:
        """Raise YourTurn unless the person confirms in the form that the step is done."""
        if not getattr(self.told(), "done_in_portal", False):
            names = Names.of(self._workspace, self, **known)
            raise _in_portal(Checklist(heading, portal_clicks(step, names), _TICK, files))

    def _known_cas(self) -> KnownCas:
        groups = (self.enrollment_groups.get(""),) if self._workspace.facts.enrollment_group_id else ()
        return KnownCas(tuple(self.certificates.list()), groups)


def _in_portal(checklist: Checklist) -> YourTurn:
    why = "With the target portal, this notebook has no credential for your service, so only you can do this step."
    return YourTurn(checklist, where="in the portal", why=why)


class _Certificates:
    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def upload(self, name: str, certificate: x509.Certificate | Path) -> RegisteredCertificate:
        """Return the CA's certificate, once the person has uploaded it under this name."""
        public = public_certificate(certificate)
        role = Notes(self._workspace).role_of(public)
        self._portal.ask("upload", "upload the CA's certificate", {f"{role}.cer": public}, certificate=name, role=role)
        if self._workspace.facts.certificate_name is None:
            self._workspace.update(registered_role=role, certificate_name=name)
        return self.get(name)

    def get(self, name: str) -> RegisteredCertificate:
        """Return what is known of the CA's certificate. A code in the form replaces the stored one."""
        known = self._workspace.facts
        assert known.registered_role  # the walkthrough has registered it
        facts = describe(self._workspace.authority_certificate(known.registered_role))
        verified = "verify" in known.done_in_portal
        if verified and not known.verified:
            self._workspace.update(verified=True, verification_code=None, used_code=known.verification_code)
        elif not verified and self._pasted() not in ("", known.verification_code):
            self._workspace.update(verification_code=None)
        return RegisteredCertificate(name, facts.subject, facts.sha1, facts.not_after, verified, _UNKNOWN_ETAG)

    def list(self) -> list[RegisteredCertificate]:
        """Return the walkthrough's own CA certificate, the only one that is known here."""
        facts = self._workspace.facts
        return [self.get(facts.certificate_name)] if facts.certificate_name and facts.registered_role else []

    def generate_verification_code(self, registered: RegisteredCertificate) -> RegisteredCertificate:
        """Return the code that the portal shows, once the person has pasted it."""
        code = self._pasted()
        if not code:
            clicks = portal_clicks("code", Names.of(self._workspace, self._portal))
            raise _in_portal(Checklist("generate a verification code", clicks, _PASTE))
        return replace(registered, verification_code=code)

    def verify(self, registered: RegisteredCertificate, proof: VerificationCertificate) -> RegisteredCertificate:
        """Return the CA's certificate, once the person has uploaded the proof."""
        self._portal.ask("verify", "upload the proof and verify", {"verification.cer": proof.certificate})
        return self.get(registered.name)

    def _pasted(self) -> str:
        return str(getattr(self._portal.told(), "verification_code", ""))

    @property
    def _workspace(self) -> Workspace:
        return self._portal.workspace


class _Groups:
    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def create(self, group: EnrollmentGroup) -> EnrollmentGroup:
        """Return the enrollment group, once the person has created it, or has changed it to this one."""
        workspace = self._portal.workspace
        known = self.get("") if workspace.facts.enrollment_group_id else group
        self._portal.ask("group", "create the enrollment group", {}, group=group)
        if group != known:
            self._portal.require_confirmation(CHANGE_GROUP, "change the enrollment group", {}, group=group)
        workspace.update(
            enrollment_group_id=group.group_id,
            allocation_policy=group.allocation_policy.value if group.allocation_policy else None,
            iot_hubs=group.iot_hubs,
            webhook_url=group.custom_allocation.webhook_url if group.custom_allocation else "",
        )
        return group

    def get(self, group_id: str) -> EnrollmentGroup:  # noqa: ARG002 - as of Service
        """Return the group that the person has created."""
        facts = self._portal.workspace.facts
        policy = AllocationPolicy(facts.allocation_policy) if facts.allocation_policy else None
        return EnrollmentGroup(
            str(facts.enrollment_group_id),
            CaReference(str(facts.certificate_name)),
            allocation_policy=policy,
            iot_hubs=facts.iot_hubs,
            custom_allocation=CustomAllocation(facts.webhook_url) if facts.webhook_url else None,
        )


class _Devices:
    """Devices register themselves with this target, too. Reading the service's records of them would need a credential."""

    def __init__(self, workspace: Workspace, known_cas: Callable[[], KnownCas]) -> None:
        self._notes = Notes(workspace)
        self._devices = DeviceRegistrar(_device_plane(workspace), lambda: workspace.facts.id_scope, known_cas)
        self._told: dict[str, Registration] = {}

    def register(self, device: DeviceCredential) -> Registration:
        """Register one device over HTTPS."""
        return self._devices.register(device)

    def register_with_azure_sdk(self, device: DeviceCredential) -> tuple[Registration, list[Event]]:
        """Register one device through Azure's device SDK, over MQTT. The events are those in the SDK's log."""
        registration, events = self._devices.register_with_azure_sdk(device)
        self._note(device, registration)
        return registration, events

    def register_all(self, devices: Sequence[DeviceCredential]) -> list[Registration | DpsError]:
        """Register many devices at once, over HTTPS."""
        outcomes = self._devices.register_all(devices, resume=True)
        for device, outcome in zip(devices, outcomes, strict=True):
            self._note(device, outcome)
        return outcomes

    def records(self, enrollment_group_id: str) -> list[Registration]:  # noqa: ARG002 - as of Service
        """Return the answers that the devices got, because the service's own records can't be read."""
        return list(self._told.values())

    def _note(self, device: DeviceCredential, outcome: Registration | DpsError) -> None:
        if isinstance(outcome, Registration):
            self._told[outcome.registration_id] = outcome
        self._notes.registration(device.registration_id, outcome)


def _device_plane(workspace: Workspace) -> DevicePlane:
    """Return Azure's own device plane, or the workspace's local DPS's if the person has entered the ID scope of that one."""
    local = workspace.local_dps_folder / "connection.json"
    if local.exists() and local_id_scope(local) == workspace.facts.id_scope:
        return local_device_plane(local)
    return AZURE_DEVICE_PLANE
