"""The provisioning service of a walkthrough: Azure's SDKs behind it, and the walkthrough listening to each call.

The calls are those of `helpers.dps`. What happens besides: what goes over the wire is kept under the step's name, the
workspace notes names and ETags, and a call for which something else has changed the ETag is made once more after a look.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from cryptography import x509

from helpers.certificates import DeviceCredential, VerificationCertificate, public_certificate
from helpers.dps import (
    DpsError,
    EnrollmentGroup,
    Event,
    IndividualEnrollment,
    ProvisioningService,
    RegisteredCertificate,
    Registration,
    ServiceDescription,
    read_and_change,
    removed,
)
from helpers.lesson.targets.notes import Notes
from helpers.lesson.targets.scratch import remove_leftovers
from helpers.workspace import Facts

__all__ = ["Service"]

Value = TypeVar("Value")
_CHANGED = 412  # the ETag that was sent is not the present one


class Service:
    """A provisioning service that can be asked: a local DPS, or one in Azure."""

    def __init__(self, dps: ProvisioningService, notes: Notes) -> None:
        self._dps = dps
        self.wire = dps.wire
        self.subscription_id, self.resource_group, self.name = dps.subscription_id, dps.resource_group, dps.name
        self.certificates = Certificates(dps, notes)
        self.enrollment_groups = Groups(dps, notes)
        self.individual_enrollments = Individuals(dps, notes)
        self.devices = Devices(dps, notes)

    @property
    def unheard(self) -> ProvisioningService:
        """The same service without anybody listening: for experiments."""
        return self._dps

    def listen_to(self, told: Callable[[], Any]) -> None:
        """Nothing that a person says of the portal counts here: the service itself is asked."""

    def describe(self) -> ServiceDescription:
        """Ask the service for its ID scope and its linked hubs."""
        with self.wire.chapter("connect"):
            return self._dps.describe()

    def remove(self, facts: Facts) -> list[str]:
        """Remove what the walkthrough has made, in dependency order; a sentence for each thing that was there."""
        dps, done = self._dps, []
        if facts.revoked_device and removed(dps.individual_enrollments, facts.revoked_device):
            done.append(f"The individual enrollment of “{facts.revoked_device}” is deleted.")
        if facts.enrollment_group_id:
            done += self._forget_devices(facts.enrollment_group_id)
            if removed(dps.enrollment_groups, facts.enrollment_group_id):
                done.append(f"The enrollment group “{facts.enrollment_group_id}” is deleted.")
        remove_leftovers(dps)
        names = [name for name in (facts.next_certificate_name, facts.certificate_name) if name]
        for name in names:
            if removed(dps.certificates, name):
                done.append(f"The CA certificate “{name}” is deleted at DPS.")
        return done

    def _forget_devices(self, group_id: str) -> list[str]:
        """The records of the devices that came through a group would outlive it."""
        try:
            records = self._dps.devices.records(group_id)
        except DpsError as error:
            if error.status == 404:
                return []  # the group is gone, and with it the way to ask for its records
            raise
        for record in records:
            self._dps.devices.forget(record.registration_id)
        count = f"{len(records)} registration {'record is' if len(records) == 1 else 'records are'}"
        return [f"{count} deleted."] if records else []

    def close(self) -> None:
        """Close the connections."""
        self._dps.close()


class Certificates:
    """CA certificates."""

    def __init__(self, dps: ProvisioningService, notes: Notes) -> None:
        self._certificates, self._wire, self._notes = dps.certificates, dps.wire, notes
        self.uploaded: list[x509.Certificate] = []

    def upload(self, name: str, certificate: x509.Certificate | Path) -> RegisteredCertificate:
        """Register a CA's public part under a name; the same again changes nothing."""
        self.uploaded.append(public_certificate(certificate))
        if not self._notes.is_own_ca(name):
            return self._upload_next(name, certificate)
        with self._wire.chapter("upload"):
            registered = self._certificates.upload(name, certificate)
        self._notes.uploaded(registered, public_certificate(certificate))
        return registered

    def get(self, name: str) -> RegisteredCertificate:
        """The certificate as DPS has it now."""
        registered = self._certificates.get(name)
        self._notes.seen(registered)
        return registered

    def list(self) -> list[RegisteredCertificate]:
        """Every CA certificate of the service."""
        return self._certificates.list()

    def generate_verification_code(self, registered: RegisteredCertificate) -> RegisteredCertificate:
        """Ask DPS for a verification code. It is in the value returned, and a code asked for before is void."""
        with self._wire.chapter("code"):
            with_code = self._changed(registered, self._certificates.generate_verification_code)
        self._notes.got_code(with_code)
        return with_code

    def verify(self, registered: RegisteredCertificate, proof: VerificationCertificate) -> RegisteredCertificate:
        """Send a proof of possession: the CA is verified when DPS accepts it."""
        with self._wire.chapter("verify"):
            verified = self._changed(registered, lambda now: self._certificates.verify(now, proof))
        self._notes.verified(verified)
        return verified

    def delete(self, registered: RegisteredCertificate) -> None:
        """Remove a CA certificate, even if an enrollment group still refers to it."""
        with self._wire.chapter("delete_ca"):
            removed(self._certificates, registered.name)
        self._notes.removed(next_certificate_name=registered.name)

    def _upload_next(self, name: str, certificate: x509.Certificate | Path) -> RegisteredCertificate:
        """In place of the one that an earlier run of the cell has uploaded, whose key is gone."""
        is_run_again = self._notes.is_next_ca(name)
        with self._notes.to_be_removed(next_certificate_name=name):
            try:
                return self._certificates.upload(name, certificate)
            except DpsError as error:
                if error.status != 409 or not is_run_again:
                    raise
            removed(self._certificates, name)
            return self._certificates.upload(name, certificate)

    def _changed(
        self,
        registered: RegisteredCertificate,
        change: Callable[[RegisteredCertificate], RegisteredCertificate],
    ) -> RegisteredCertificate:
        return _changed(registered, change, lambda: self._certificates.get(registered.name))


class Groups:
    """Enrollment groups."""

    def __init__(self, dps: ProvisioningService, notes: Notes) -> None:
        self._groups, self._wire, self._notes = dps.enrollment_groups, dps.wire, notes

    def create(self, group: EnrollmentGroup) -> EnrollmentGroup:
        """Create the group; or change it, if it is this walkthrough's or is bound to the same CA."""
        with self._wire.chapter("group"):
            try:
                created = self._groups.create(group)
            except DpsError as error:
                if error.status != 409:
                    raise
                present = self._groups.get(group.group_id)
                if present.attestation != group.attestation and not self._notes.is_own_group(group.group_id):
                    raise
                policy, twin = present.reprovision_policy, present.initial_twin  # no form says anything of these
                created = self._replaced(
                    replace(group, etag=present.etag, reprovision_policy=policy, initial_twin=twin)
                )
        self._notes.has_group(created.group_id)
        return created

    def get(self, group_id: str) -> EnrollmentGroup:
        """The group as DPS has it now."""
        return self._groups.get(group_id)

    def disable(self, group: EnrollmentGroup) -> EnrollmentGroup:
        """Stop all devices of the group; they don't fall through to another group."""
        return self.update(replace(group, enabled=False))

    def update(self, group: EnrollmentGroup) -> EnrollmentGroup:
        """Replace the group by this value."""
        present = self._groups.get(group.group_id)
        chapter = "roll_over" if present.attestation != group.attestation else "enable" if group.enabled else "disable"
        with self._wire.chapter(chapter):
            return self._replaced(group)

    def _replaced(self, group: EnrollmentGroup) -> EnrollmentGroup:
        return _changed(
            group,
            lambda now: self._groups.update(replace(group, etag=now.etag)),
            lambda: self._groups.get(group.group_id),
        )


class Individuals:
    """Individual enrollments."""

    def __init__(self, dps: ProvisioningService, notes: Notes) -> None:
        self._enrollments, self._wire, self._notes = dps.individual_enrollments, dps.wire, notes

    def create(self, enrollment: IndividualEnrollment) -> IndividualEnrollment:
        """Create it: DPS looks for an individual enrollment before it looks for a group."""
        with self._wire.chapter("revoke"), self._notes.to_be_removed(revoked_device=enrollment.registration_id):
            return self._enrollments.create(enrollment)

    def delete(self, enrollment: IndividualEnrollment) -> None:
        """Delete it: the device's group decides again."""
        removed(self._enrollments, enrollment.registration_id)
        self._notes.removed(revoked_device=enrollment.registration_id)


class Devices:
    """Devices, which register themselves."""

    def __init__(self, dps: ProvisioningService, notes: Notes) -> None:
        self._devices, self._wire, self._notes = dps.devices, dps.wire, notes

    def register(self, device: DeviceCredential) -> Registration:
        """Register one device over HTTPS."""
        return self._devices.register(device)

    def register_with_azure_sdk(self, device: DeviceCredential) -> tuple[Registration, list[Event]]:
        """Register one device through Azure's device SDK, over MQTT; the events are what it said."""
        registration, events = self._devices.register_with_azure_sdk(device)
        self._notes.registration(device.registration_id, registration)
        return registration, events

    def register_all(self, devices: Sequence[DeviceCredential]) -> list[Registration | DpsError]:
        """Register many devices at once, over HTTPS. An interrupted call goes on where it was when it is made again."""
        outcomes = self._devices.register_all(devices, resume=True)
        for device, outcome in zip(devices, outcomes, strict=True):
            self._notes.registration(device.registration_id, outcome)
        return outcomes

    def records(self, enrollment_group_id: str) -> list[Registration]:
        """What DPS has recorded of the devices that came through a group."""
        with self._wire.chapter("records"):
            return self._devices.records(enrollment_group_id)


def _changed(value: Value, change: Callable[[Value], Value], read: Callable[[], Value]) -> Value:
    """Make a change with the ETag that is known; if something else was faster, look and make it again."""
    try:
        return change(value)
    except DpsError as error:
        if error.status != _CHANGED:
            raise
    return read_and_change(read, change)
