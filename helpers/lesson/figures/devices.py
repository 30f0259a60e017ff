"""Pictures of devices: one registration, the service's records, and the devices that DPS accepts at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from helpers.certificates import CertificateDescription, DeviceCredential, bare_name, describe, read_certificates
from helpers.dps import DpsError, Event, HubDevice, Registration
from helpers.files import read_bytes
from helpers.lesson.figures.picture import (
    Kind,
    Row,
    Table,
    breaking,
    card,
    copyable,
    grouped,
    joined,
    ours,
    pill,
    table,
)

__all__ = ["AccessCard", "HubCard", "RecordsCard", "RegistrationCard"]

_MAX_RECORDS_SHOWN = 12
_SUBSTATUS = {
    "initialAssignment": "initialAssignment: first registration",
    "deviceDataMigrated": "deviceDataMigrated: moved to another hub together with its data",
    "deviceDataReset": "deviceDataReset: moved to another hub, where it starts without its old data",
    "reprovisionedToInitialAssignment": "reprovisionedToInitialAssignment: back at its first hub",
}


@dataclass(frozen=True, repr=False)
class RegistrationCard(Table):
    """A device's registration as a timeline: the events that led to its result, and the result."""

    registration: Registration
    events: Sequence[Event] = ()

    def title(self) -> str:
        return self.registration.registration_id

    def rows(self) -> list[Row]:
        registration = self.registration
        return [
            *self._timed(),
            ("Status", registration.status),
            ("IoT hub", registration.assigned_hub or "none"),
            ("Device id at the hub", registration.device_id or "none"),
            ("Substatus", _SUBSTATUS.get(registration.substatus, registration.substatus) or "none"),
        ]

    def html(self) -> Markup:
        status = self.registration.status
        kind = _kind(status)
        steps = [Markup("<li><span class='time'>{}</span><span>{}</span></li>").format(*each) for each in self._timed()]
        hub = Markup("at <b>{}</b>").format(self.registration.assigned_hub) if self.registration.assigned_hub else ""
        steps.append(
            Markup("<li class='{}'><span class='time'></span><span>{} {}</span></li>").format(
                kind, pill(kind, status), hub
            )
        )
        facts = self.rows()[len(self.events) + 2 :]  # without the status and the hub, which end the timeline
        return card(
            self.title(), Markup("<ol class='timeline'>{}</ol>").format(Markup().join(steps)), table(facts), kind=kind
        )

    def _timed(self) -> list[Row]:
        return [(f"{event.seconds:.1f} s", event.what) for event in self.events]


_STATUSES: dict[str, Kind] = {"assigned": "accepted", "failed": "rejected", "disabled": "rejected"}


def _kind(status: str) -> Kind:
    return _STATUSES.get(status, "note")


def _told(record: Registration) -> str:
    return ", ".join(filter(None, (record.status, record.assigned_hub, record.substatus)))


@dataclass(frozen=True, repr=False)
class HubCard(Table):
    """A device's entry at its IoT hub, beside the certificate that the device sent to DPS.

    Attributes:
        is_told: the hub was not asked, so this is the entry as DPS makes it.
    """

    hub: str
    device: HubDevice
    certificate: CertificateDescription
    is_told: bool = False

    def title(self) -> str:
        return f"{self.device.device_id} at {self.hub}"

    def rows(self) -> list[Row]:
        same = self.device.thumbprint == self.certificate.sha256
        return [
            ("Authentication", _AUTHENTICATION.get(self.device.authentication, self.device.authentication)),
            (
                "Thumbprint",
                Markup("{} ({} SHA-256 of its certificate)").format(
                    copyable(grouped(self.device.thumbprint)), "the" if same else "NOT the"
                ),
            ),
            (
                "Its certificate",
                f"issued by {bare_name(self.certificate.issuer)}, a CA that the hub does not know",
            ),
            *([("Source", _NOT_ASKED)] if self.is_told else []),
        ]


_NOT_ASKED = "the entry that DPS makes. This notebook can't ask the hub: compare it with Devices in the portal"
_AUTHENTICATION = {"selfSigned": "“X.509 Self-Signed”: by the certificate's thumbprint, no matter which CA issued it"}


@dataclass(frozen=True, repr=False)
class RecordsCard(Table):
    """The service's registration records in the order of their registration ids; only the first if there are many.

    Attributes:
        told: the records are the answers that the devices got, because the service can't be asked.
    """

    records: Sequence[Registration]
    told: bool = False

    @property
    def assigned(self) -> set[str]:
        """The registration ids of those that have a hub."""
        return {each.registration_id for each in self.records if each.status == "assigned"}

    def title(self) -> str:
        return "The answers that the devices got" if self.told else "Registration records"

    def rows(self) -> list[Row]:
        rows: list[Row] = [(each.registration_id, _told(each)) for each in self._shown()]
        return [*rows, ("…", self._left())] if self._left() else rows

    def html(self) -> Markup:
        heads = joined("<th scope='col'>{}</th>", (("Device",), ("Status",), ("IoT hub",), ("How it was assigned",)))
        lines = joined(
            "<tr><th scope='row' class='name'>{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (
                    each.registration_id,
                    pill(_kind(each.status), each.status),
                    breaking(each.assigned_hub, r"(?=\.)"),
                    each.substatus,
                )
                for each in self._shown()
            ),
        )
        left = Markup("<p class='quiet'>… {}</p>").format(self._left()) if self._left() else ""
        return card(
            self.title(),
            Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(heads, lines),
            left,
        )

    def _shown(self) -> list[Registration]:
        return sorted(self.records, key=lambda record: record.registration_id)[:_MAX_RECORDS_SHOWN]

    def _left(self) -> str:
        left = len(self.records) - len(self._shown())
        return f"and {left} more" if left else ""


@dataclass(frozen=True, repr=False)
class AccessCard(Table):
    """The devices that DPS accepts at one moment, and those that it rejects.

    Attributes:
        harms: a device that DPS accepts here is stolen from its owner.
        situations: where one device registers several times, what differs between them, for each of the outcomes.
    """

    moment: str
    outcomes: Sequence[tuple[DeviceCredential, Registration | DpsError]]
    harms: bool = False
    situations: Sequence[str] = ()

    @property
    def accepted(self) -> list[bool]:
        """For each device, whether DPS accepted it."""
        return [isinstance(outcome, Registration) for _, outcome in self.outcomes]

    def registration(self, device: DeviceCredential) -> Registration:
        """Return the registration of a device that DPS accepted.

        Raises:
            DpsError: DPS rejected it.
        """
        outcome = dict(self.outcomes)[device]
        if isinstance(outcome, DpsError):
            raise outcome
        return outcome

    def title(self) -> str:
        return self.moment

    def rows(self) -> list[Row]:
        labels = self.situations or [
            f"{device.registration_id}, issuer {_issuer(device)}" for device, _ in self.outcomes
        ]
        return [
            (label, self._verdict(outcome, pill(*self._word(outcome)), ". "))
            for label, (_, outcome) in zip(labels, self.outcomes, strict=True)
        ]

    def html(self) -> Markup:
        heads = self.situations or [
            Markup("{}<br><small>issuer {}</small>").format(device.registration_id, _issuer(device))
            for device, _ in self.outcomes
        ]
        words = [self._word(outcome) for _, outcome in self.outcomes]
        agreed = words[0] if len(set(words)) == 1 else None  # then the title has the word, and the rows have none
        verdicts = [
            self._verdict(outcome, *(() if agreed else (pill(*word), ours("<br>"))))
            for word, (_, outcome) in zip(words, self.outcomes, strict=True)
        ]
        rows = joined("<tr><th scope='row' class='name'>{}</th><td>{}</td></tr>", zip(heads, verdicts, strict=True))
        kind, word = agreed or (None, "")
        return card(self.title(), Markup("<table class='facts'>{}</table>").format(rows), kind=kind, word=word)

    def _word(self, outcome: Registration | DpsError) -> tuple[Kind, str]:
        if isinstance(outcome, DpsError):
            return "rejected", "✘ rejected"
        return ("error", "stolen: assigned") if self.harms else ("accepted", "✔ assigned")

    @staticmethod
    def _verdict(outcome: Registration | DpsError, word: str = "", between: str = "") -> Markup:
        """Return the reason or the hub, after the word and what stands between that and a reason."""
        if isinstance(outcome, DpsError):
            return Markup("{}{}{}").format(word, between, outcome.why)
        return Markup("{} to {}").format(word or "assigned", outcome.assigned_hub)


def _issuer(device: DeviceCredential) -> str:
    """The issuer by its name only; a name proves nothing."""
    leaf, *_ = read_certificates(read_bytes(device.chain_file), device.chain_file.name)
    return f"“{bare_name(describe(leaf).issuer)}”"
