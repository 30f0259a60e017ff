"""The provisioning service of a walkthrough: Azure's SDKs, with each call noted by the walkthrough.

The calls are those of `helpers.dps`. In addition, the requests of each step are recorded under the step's name, and the
workspace notes names and ETags. If the ETag has changed in the meantime, the resource is read again and the call repeated.
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
_CHANGED = 412  # the ETag in the request is stale


class Service:
    """A provisioning service that answers requests: a local DPS, or a service in Azure."""

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
        """The same service for experiments: the walkthrough takes no notes of the calls."""
        return self._dps

    def listen_to(self, told: Callable[[], Any]) -> None:
        """Ignore what a person confirms in a form, because the service itself can be asked."""

    def describe(self) -> ServiceDescription:
        """Ask the service for its ID scope and its linked hubs."""
        with self.wire.chapter("connect"):
            return self._dps.describe()

    def remove(self, facts: Facts) -> list[str]:
        """Remove what the walkthrough has created, in dependency order. Return a sentence for each thing that existed."""
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
        """Delete the records of the devices that registered through a group, because they would outlive the group."""
        try:
            records = self._dps.devices.records(group_id)
        except DpsError as error:
            if error.status == 404:
                return []  # without the group, its records can no longer be listed
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
        """Register a CA's certificate under a name. Repeating the upload changes nothing."""
        self.uploaded.append(public_certificate(certificate))
        if not self._notes.is_own_ca(name):
            return self._upload_next(name, certificate)
        with self._wire.chapter("upload"):
            registered = self._certificates.upload(name, certificate)
        self._notes.uploaded(registered, public_certificate(certificate))
        return registered

    def get(self, name: str) -> RegisteredCertificate:
        """Return the certificate's present state at DPS."""
        registered = self._certificates.get(name)
        self._notes.seen(registered)
        return registered

    def list(self) -> list[RegisteredCertificate]:
        """Return every CA certificate of the service."""
        return self._certificates.list()

    def generate_verification_code(self, registered: RegisteredCertificate) -> RegisteredCertificate:
        """Generate a verification code, which the returned value holds. Earlier codes become invalid."""
        with self._wire.chapter("code"):
            with_code = self._changed(registered, self._certificates.generate_verification_code)
        self._notes.got_code(with_code)
        return with_code

    def verify(self, registered: RegisteredCertificate, proof: VerificationCertificate) -> RegisteredCertificate:
        """Send a proof of possession. If DPS accepts it, the CA is verified."""
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
        """Upload the next CA. It replaces the one that an earlier run of the cell uploaded, whose key no longer exists."""
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
        """Create the group. An existing one is changed if it is this walkthrough's, or is bound to the same CA."""
        with self._wire.chapter("group"):
            try:
                created = self._groups.create(group)
            except DpsError as error:
                if error.status != 409:
                    raise
                present = self._groups.get(group.group_id)
                if present.attestation != group.attestation and not self._notes.is_own_group(group.group_id):
                    raise
                policy, twin = present.reprovision_policy, present.initial_twin  # no form has fields for these
                created = self._replaced(
                    replace(group, etag=present.etag, reprovision_policy=policy, initial_twin=twin)
                )
        self._notes.has_group(created.group_id)
        return created

    def get(self, group_id: str) -> EnrollmentGroup:
        """Return the group's present state at DPS."""
        return self._groups.get(group_id)

    def disable(self, group: EnrollmentGroup) -> EnrollmentGroup:
        """Disable the group. DPS then rejects its devices; it does not look for another group that matches them."""
        return self.update(replace(group, enabled=False))

    def update(self, group: EnrollmentGroup) -> EnrollmentGroup:
        """Replace the group with this value."""
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
        """Create an individual enrollment. DPS looks for one before it looks for a group."""
        with self._wire.chapter("revoke"), self._notes.to_be_removed(revoked_device=enrollment.registration_id):
            return self._enrollments.create(enrollment)

    def delete(self, enrollment: IndividualEnrollment) -> None:
        """Delete an individual enrollment. The device's group then decides again."""
        removed(self._enrollments, enrollment.registration_id)
        self._notes.removed(revoked_device=enrollment.registration_id)


class Devices:
    """The devices' registrations. Devices register themselves."""

    def __init__(self, dps: ProvisioningService, notes: Notes) -> None:
        self._devices, self._wire, self._notes = dps.devices, dps.wire, notes

    def register(self, device: DeviceCredential) -> Registration:
        """Register one device over HTTPS."""
        return self._devices.register(device)

    def register_with_azure_sdk(self, device: DeviceCredential) -> tuple[Registration, list[Event]]:
        """Register one device through Azure's device SDK, over MQTT. The events are those in the SDK's log."""
        registration, events = self._devices.register_with_azure_sdk(device)
        self._notes.registration(device.registration_id, registration)
        return registration, events

    def register_all(self, devices: Sequence[DeviceCredential]) -> list[Registration | DpsError]:
        """Register many devices at once, over HTTPS. After an interruption, the same call continues where it stopped."""
        outcomes = self._devices.register_all(devices, resume=True)
        for device, outcome in zip(devices, outcomes, strict=True):
            self._notes.registration(device.registration_id, outcome)
        return outcomes

    def records(self, enrollment_group_id: str) -> list[Registration]:
        """Return DPS's records of the devices that registered through a group."""
        with self._wire.chapter("records"):
            return self._devices.records(enrollment_group_id)


def _changed(value: Value, change: Callable[[Value], Value], read: Callable[[], Value]) -> Value:
    """Make a change with the known ETag. If the ETag is stale, read the value again and repeat the change."""
    try:
        return change(value)
    except DpsError as error:
        if error.status != _CHANGED:
            raise
    return read_and_change(read, change)
