"""Pictures: HTML that follows JupyterLab's theme and needs no script, and plain text where there is no HTML."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from cryptography import x509

from helpers.certificates import CertificateDescription, DeviceCredential, Examination, describe, read_certificates
from helpers.dps import (
    CaReference,
    DpsError,
    EnrollmentGroup,
    Event,
    RegisteredCertificate,
    Registration,
    ServiceDescription,
)
from helpers.files import read_bytes

__all__ = [
    "AccessCard",
    "CertificateCard",
    "ChainCard",
    "EtagTrail",
    "FleetChart",
    "GroupCard",
    "RecordsCard",
    "RefusalCard",
    "RegistrationCard",
    "ServiceCard",
    "Verdicts",
    "show_certificate",
    "show_chain",
]

_RECORDS_SHOWN = 12
_BOX = (
    "border:1px solid var(--jp-border-color1, #bbb);border-radius:6px;padding:.6em 1em;margin:.3em 0;max-width:46em;"
    "background:var(--jp-layout-color1, #fff);color:var(--jp-ui-font-color1, #222)"
)


def _card(title: str, rows: list[tuple[str, str]]) -> str:
    lines = "".join(
        f"<tr><th style='text-align:left;vertical-align:top;padding-right:1em'>{escape(name)}</th>"
        f"<td style='text-align:left;overflow-wrap:anywhere'>{escape(text)}</td></tr>"
        for name, text in rows
    )
    return f"<div style='{_BOX}'><b>{escape(title)}</b><table>{lines}</table></div>"


def _plain(title: str, rows: list[tuple[str, str]]) -> str:
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join([title, *(f"  {name:{width}}  {text}" for name, text in rows)])


@dataclass(frozen=True)
class CertificateCard:
    """A certificate's facts; `status` is what DPS knows of it, if it was asked."""

    facts: CertificateDescription
    status: str = ""

    def _rows(self) -> list[tuple[str, str]]:
        facts = self.facts
        kind = "an end entity: it signs no certificates"
        if facts.is_authority:
            limit = "any number of" if facts.path_length is None else str(facts.path_length or "no")
            kind = f"a CA; {limit} {'CA' if facts.path_length == 1 else 'CAs'} may stand below it"
        rows = [
            ("Issued by", "itself" if facts.is_self_signed else facts.issuer),
            ("It is", kind),
            ("Key", facts.key),
            ("Valid", f"{facts.not_before:%Y-%m-%d %H:%M} to {facts.not_after:%Y-%m-%d %H:%M} UTC"),
            ("May be used to", ", ".join(facts.usages) or "anything"),
            ("SHA-1", f"{facts.sha1} (the thumbprint that DPS shows)" if facts.is_authority else facts.sha1),
            ("SHA-256", facts.sha256),
        ]
        return [*rows, ("At DPS", self.status)] if self.status else rows

    def __repr__(self) -> str:
        return _plain(self.facts.common_name, self._rows())

    def _repr_html_(self) -> str:
        return _card(self.facts.common_name, self._rows())


def show_certificate(certificate: x509.Certificate, registered: RegisteredCertificate | None = None) -> CertificateCard:
    """The card of a certificate, and what DPS says of it if it is registered there."""
    status = ""
    if registered is not None:
        status = f"registered as “{registered.name}”, {'VERIFIED' if registered.verified else 'not verified yet'}"
    return CertificateCard(describe(certificate), status)


@dataclass(frozen=True)
class Verdicts:
    """What the examiner found, one line a check."""

    examination: Examination

    def __repr__(self) -> str:
        lines = [
            f"  {'✔' if check.passed else '✘'} {check.name}: {check.reason}{f' → {check.remedy}' if check.remedy else ''}"
            for check in self.examination.checks
        ]
        return "\n".join([self.examination.title, *lines])

    def _repr_html_(self) -> str:
        rows = [
            (f"{'✔' if check.passed else '✘'} {check.name}", f"{check.reason} {check.remedy}".strip())
            for check in self.examination.checks
        ]
        return _card(self.examination.title, rows)


@dataclass(frozen=True)
class EtagTrail:
    """The ETags of one certificate so far: each change brought a new one, and only the last is good."""

    etags: tuple[tuple[str, str], ...]

    def _rows(self) -> list[tuple[str, str]]:
        last = len(self.etags) - 1
        return [
            (step, f"{etag}{'  ← good now' if index == last else '  (stale)'}")
            for index, (step, etag) in enumerate(self.etags)
        ]

    def __repr__(self) -> str:
        return _plain("ETags", self._rows())

    def _repr_html_(self) -> str:
        return _card("ETags", self._rows())


@dataclass(frozen=True)
class ServiceCard:
    """The provisioning service that the walkthrough speaks to."""

    target: str
    service: ServiceDescription

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("Target", self.target),
            ("Location", self.service.location),
            ("ID scope", self.service.id_scope),
            ("Linked hubs", ", ".join(self.service.iot_hubs) or "none"),
        ]

    def __repr__(self) -> str:
        return _plain(self.service.name, self._rows())

    def _repr_html_(self) -> str:
        return _card(self.service.name, self._rows())


@dataclass(frozen=True)
class GroupCard:
    """An enrollment group: which CA lets devices in, and how they are set up."""

    group: EnrollmentGroup

    def _rows(self) -> list[tuple[str, str]]:
        group = self.group
        bound = "a signing certificate given inline"
        if isinstance(group.attestation, CaReference):
            names = [name for name in (group.attestation.primary, group.attestation.secondary) if name]
            bound = f"the registered CA {' and '.join(f'“{name}”' for name in names)}"
        again = group.reprovision_policy
        return [
            ("Bound to", bound),
            ("Status", "enabled" if group.enabled else "disabled: nobody gets in"),
            ("Hub chosen by", _policy(group)),
            ("Among the hubs", ", ".join(group.iot_hubs) or "all linked ones"),
            ("Registering again", "may move to another hub" if again.update_hub_assignment else "stays at its hub"),
        ]

    def __repr__(self) -> str:
        return _plain(self.group.group_id, self._rows())

    def _repr_html_(self) -> str:
        return _card(self.group.group_id, self._rows())


def _policy(group: EnrollmentGroup) -> str:
    if group.custom_allocation:
        return f"your own function at {group.custom_allocation.webhook_url}"
    return group.allocation_policy.value if group.allocation_policy else "the service's own policy"


@dataclass(frozen=True)
class ChainCard:
    """What a device sends in its handshake: its own certificate, and those above it."""

    chain: Sequence[CertificateDescription]

    def _rows(self) -> list[tuple[str, str]]:
        places = ["The device's own", *("Above it" for _ in self.chain[1:])]
        return [
            (place, f"{each.common_name}, issued by {each.issuer}, valid to {each.not_after:%Y-%m-%d}")
            for place, each in zip(places, self.chain, strict=True)
        ]

    def __repr__(self) -> str:
        return _plain("The chain", self._rows())

    def _repr_html_(self) -> str:
        return _card("The chain", self._rows())


def show_chain(device: DeviceCredential) -> ChainCard:
    """The chain in a device's file."""
    certificates = read_certificates(read_bytes(device.chain_file), device.chain_file.name)
    return ChainCard([describe(each) for each in certificates])


@dataclass(frozen=True)
class RefusalCard:
    """What the service says to somebody whom it does not let in."""

    refusal: DpsError

    def _rows(self) -> list[tuple[str, str]]:
        return [("Why", self.refusal.why), ("What would help", self.refusal.next_step)]

    def __repr__(self) -> str:
        return _plain(self.refusal.what, self._rows())

    def _repr_html_(self) -> str:
        return _card(self.refusal.what, self._rows())


@dataclass(frozen=True)
class RegistrationCard:
    """Where a device landed, and what happened until then."""

    registration: Registration
    events: Sequence[Event] = ()

    def _rows(self) -> list[tuple[str, str]]:
        registration = self.registration
        return [
            *((f"{event.seconds:.1f} s", event.what) for event in self.events),
            ("Status", registration.status),
            ("IoT hub", registration.assigned_hub or "none"),
            ("Device id there", registration.device_id or "none"),
            ("How it came", registration.substatus or "it did not"),
        ]

    def __repr__(self) -> str:
        return _plain(self.registration.registration_id, self._rows())

    def _repr_html_(self) -> str:
        return _card(self.registration.registration_id, self._rows())


@dataclass(frozen=True)
class RecordsCard:
    """The service's registration records, by registration id; of many the first."""

    records: Sequence[Registration]

    def _rows(self) -> list[tuple[str, str]]:
        shown = sorted(self.records, key=lambda record: record.registration_id)[:_RECORDS_SHOWN]
        rows = [(each.registration_id, f"{each.status}, {each.assigned_hub}, {each.substatus}") for each in shown]
        left = len(self.records) - len(shown)
        return [*rows, ("…", f"and {left} more")] if left else rows

    def __repr__(self) -> str:
        return _plain("Registration records", self._rows())

    def _repr_html_(self) -> str:
        return _card("Registration records", self._rows())


@dataclass(frozen=True)
class AccessCard:
    """Who gets in at a moment, and who does not."""

    moment: str
    outcomes: Sequence[tuple[DeviceCredential, Registration | DpsError]]

    def _rows(self) -> list[tuple[str, str]]:
        return [(f"{device.registration_id}, by {_signer(device)}", _verdict(each)) for device, each in self.outcomes]

    def __repr__(self) -> str:
        return _plain(self.moment, self._rows())

    def _repr_html_(self) -> str:
        return _card(self.moment, self._rows())


def _signer(device: DeviceCredential) -> str:
    leaf, *_ = read_certificates(read_bytes(device.chain_file), device.chain_file.name)
    return f"“{describe(leaf).issuer.removeprefix('CN=')}”"


def _verdict(outcome: Registration | DpsError) -> str:
    if isinstance(outcome, DpsError):
        return f"✘ stays outside. {outcome.why}"
    return f"✔ is let in, to {outcome.assigned_hub}"


@dataclass(frozen=True)
class FleetChart:
    """How devices spread over the hubs: a bar for each hub."""

    registrations: Sequence[Registration]

    def _counts(self) -> list[tuple[str, int]]:
        return sorted(Counter(each.assigned_hub for each in self.registrations).items())

    def __repr__(self) -> str:
        lines = [f"  {hub}  {'█' * count} {count}" for hub, count in self._counts()]
        return "\n".join([f"{len(self.registrations)} devices", *lines])

    def _repr_html_(self) -> str:
        most = max((count for _, count in self._counts()), default=1)
        bars = "".join(
            f"<text x='0' y='{24 * line + 16}'>{escape(hub)}</text>"
            f"<rect x='240' y='{24 * line + 3}' width='{200 * count / most:.0f}' height='18' rx='3'"
            " fill='var(--jp-brand-color1, #1976d2)'/>"
            f"<text x='{246 + 200 * count / most:.0f}' y='{24 * line + 16}'>{count}</text>"
            for line, (hub, count) in enumerate(self._counts())
        )
        total = f"{len(self.registrations)} devices"
        spread = ", ".join(f"{count} at {hub}" for hub, count in self._counts())
        return (
            f"<div style='{_BOX}'><b>{total}</b>"
            f"<svg role='img' aria-label='{escape(f'{total}: {spread}', quote=True)}' width='500'"
            f" height='{24 * len(self._counts()) + 8}' style='font:13px sans-serif;fill:currentColor;display:block'>"
            f"{bars}</svg></div>"
        )
