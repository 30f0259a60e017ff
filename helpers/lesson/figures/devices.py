"""Devices: where one landed, what the service has written down, and who gets in at a moment."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from helpers.certificates import CertificateDescription, DeviceCredential, bare_name, describe, read_certificates
from helpers.dps import DpsError, Event, HubDevice, Registration
from helpers.files import read_bytes
from helpers.lesson.figures.picture import Row, Table, mark

__all__ = ["AccessCard", "HubCard", "RecordsCard", "RegistrationCard"]

_RECORDS_SHOWN = 12


_SUBSTATUS = {
    "initialAssignment": "initialAssignment: as at the first time",
    "deviceDataMigrated": "deviceDataMigrated: moved, and what the hub knew of it came along",
    "deviceDataReset": "deviceDataReset: moved, as if it came for the first time",
    "reprovisionedToInitialAssignment": "reprovisionedToInitialAssignment: back to the hub that it had first",
}


@dataclass(frozen=True, repr=False)
class RegistrationCard(Table):
    """Where a device landed, and what happened until then."""

    registration: Registration
    events: Sequence[Event] = ()

    def title(self) -> str:
        return self.registration.registration_id

    def rows(self) -> list[Row]:
        registration = self.registration
        return [
            *((f"{event.seconds:.1f} s", event.what) for event in self.events),
            ("Status", registration.status),
            ("IoT hub", registration.assigned_hub or "none"),
            ("Device id there", registration.device_id or "none"),
            ("How it came", _SUBSTATUS.get(registration.substatus, registration.substatus) or "it did not"),
        ]


@dataclass(frozen=True, repr=False)
class HubCard(Table):
    """A device as its IoT hub knows it, beside the certificate that it has shown."""

    hub: str
    device: HubDevice
    certificate: CertificateDescription

    def title(self) -> str:
        return f"{self.device.device_id} at {self.hub}"

    def rows(self) -> list[Row]:
        same = self.device.thumbprint == self.certificate.sha256
        return [
            ("Authentication", f"{_AUTHENTICATION.get(self.device.authentication, self.device.authentication)}"),
            ("Thumbprint", f"{self.device.thumbprint} ({'the' if same else 'NOT the'} SHA-256 of its certificate)"),
            (
                "Its certificate",
                f"issued by {bare_name(self.certificate.issuer)}, of which the hub knows nothing",
            ),
        ]


_AUTHENTICATION = {"selfSigned": "“X.509 Self-Signed”: known by its certificate's thumbprint, whoever signed it"}


@dataclass(frozen=True, repr=False)
class RecordsCard(Table):
    """The service's registration records, by registration id; of many the first.

    Attributes:
        told: they are what the devices were told, for the service could not be asked.
    """

    records: Sequence[Registration]
    told: bool = False

    @property
    def assigned(self) -> set[str]:
        """The registration ids of those that have a hub."""
        return {each.registration_id for each in self.records if each.status == "assigned"}

    def title(self) -> str:
        return "What the devices were told" if self.told else "Registration records"

    def rows(self) -> list[Row]:
        shown = sorted(self.records, key=lambda record: record.registration_id)[:_RECORDS_SHOWN]
        rows = [(each.registration_id, f"{each.status}, {each.assigned_hub}, {each.substatus}") for each in shown]
        left = len(self.records) - len(shown)
        return [*rows, ("…", f"and {left} more")] if left else rows


@dataclass(frozen=True, repr=False)
class AccessCard(Table):
    """Who gets in at a moment, and who does not."""

    moment: str
    outcomes: Sequence[tuple[DeviceCredential, Registration | DpsError]]

    @property
    def let_in(self) -> list[bool]:
        """For each device, whether it was let in."""
        return [isinstance(outcome, Registration) for _, outcome in self.outcomes]

    def title(self) -> str:
        return self.moment

    def rows(self) -> list[Row]:
        return [
            (f"{device.registration_id}, issuer {_issuer(device)}", _verdict(each)) for device, each in self.outcomes
        ]


def _issuer(device: DeviceCredential) -> str:
    """By name, which proves nothing."""
    leaf, *_ = read_certificates(read_bytes(device.chain_file), device.chain_file.name)
    return f"“{bare_name(describe(leaf).issuer)}”"


def _verdict(outcome: Registration | DpsError) -> str:
    if isinstance(outcome, DpsError):
        return Markup("{} stays outside. {}").format(mark(False), outcome.why)
    return Markup("{} is let in, to {}").format(mark(True), outcome.assigned_hub)
