"""Pictures of certificates: one as a card, and several as a tree of who signed whom."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from markupsafe import Markup, escape

from helpers.certificates import (
    CertificateDescription,
    bare_name,
    cas_allowed,
    describe,
    extensions_in_words,
    is_issued_by,
)
from helpers.dps import RegisteredCertificate
from helpers.lesson.figures.picture import (
    Kind,
    Picture,
    Row,
    Table,
    badge,
    card,
    copyable,
    fold,
    grouped,
    listed,
    pill,
    plain,
    table,
    with_digits_grouped,
)
from helpers.lesson.figures.shapes import IconName, icon

__all__ = [
    "CertificateCard",
    "ChainTree",
    "life",
    "show_certificate",
    "show_tree",
    "signer",
    "status_at_dps",
    "validity_bar",
    "with_pill",
]

_CODE = re.compile("[0-9A-F]{48}", re.IGNORECASE)


@dataclass(frozen=True, repr=False)
class CertificateCard(Table):
    """A certificate's facts.

    Attributes:
        registered: the certificate at DPS; None if it is not there, or DPS was not asked.
        is_brief: fold the facts that this moment of the course is not about.
    """

    facts: CertificateDescription
    extensions: Sequence[str] = ()
    registered: RegisteredCertificate | None = None
    is_brief: bool = False
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def title(self) -> str:
        return self.facts.common_name

    def rows(self) -> list[Row]:
        facts = self.facts
        rows = [
            ("Issuer", signer(facts)),
            ("Kind", _kind(facts)),
            ("Key", facts.key),
            (
                "Validity",
                Markup("{}<small>{}</small><br>{}").format(
                    validity_bar(facts, self.at, 120), _spent(facts, self.at)[1], life(facts)
                ),
            ),
            ("SHA-1", _thumbprint(facts.sha1, "(the thumbprint that DPS shows)" if facts.is_authority else "")),
            (
                "SHA-256",
                _thumbprint(
                    facts.sha256, "(the thumbprint that IoT Hub shows)" if _is_a_devices(facts, self.extensions) else ""
                ),
            ),
            ("Extensions", listed(map(with_digits_grouped, self.extensions)) if self.extensions else "none"),
        ]
        if self.registered is None:
            return rows
        return [("At DPS", with_pill(status_at_dps(self.registered))), *rows]

    def html(self) -> Markup:
        if not self.is_brief:
            return super().html()
        shown = [row for row in self.rows() if row[0] in _BRIEF]
        folded = [row for row in self.rows() if row[0] not in _BRIEF]
        return card(self.title(), table(shown), fold("More about this certificate", table(folded)))

    def text(self) -> str:
        shown = [(name, ", ".join(self.extensions) if name == "Extensions" else text) for name, text in self.rows()]
        return "\n".join([self.title(), *(f"  {name:10}  {plain(text)}" for name, text in shown)])


_BRIEF = ("At DPS", "Issuer", "Validity", "SHA-1")
"""The facts that a brief card shows."""


def show_certificate(
    certificate: x509.Certificate, registered: RegisteredCertificate | None = None, *, is_brief: bool = False
) -> CertificateCard:
    """Return the card of a certificate, with its status at DPS if it is registered there."""
    return CertificateCard(describe(certificate), extensions_in_words(certificate), registered, is_brief)


@dataclass(frozen=True, repr=False)
class ChainTree(Picture):
    """Who signed whom: each certificate below its issuer, with notes beside its name.

    Attributes:
        nodes: for each certificate, its facts and the notes beside its name.
        parents: for each certificate, the index of its issuer; None if it is self-signed or its issuer is not in the tree.
    """

    caption: str
    nodes: Sequence[tuple[CertificateDescription, Sequence[str]]]
    parents: Sequence[int | None]

    def html(self) -> Markup:
        return card(self.caption, Markup("<ul class='tree'>{}</ul>").format(self._branch(None)))

    def text(self) -> str:
        return "\n".join([self.caption, *self._lines(None, "  ")])

    def _below(self, parent: int | None) -> list[int]:
        return [index for index, above in enumerate(self.parents) if above == parent]

    def _branch(self, parent: int | None) -> Markup:
        return Markup().join(
            Markup("<li><div class='leaf'>{}<b>{}</b> <small>{}</small>{}</div>{}</li>").format(
                icon(_icon(self.nodes[index][0])),
                with_digits_grouped(self.nodes[index][0].common_name or "(no name)"),
                _short_kind(self.nodes[index][0]),
                Markup().join(Markup(" {}").format(_noted(note)) for note in self.nodes[index][1]),
                Markup("<ul>{}</ul>").format(self._branch(index)) if self._below(index) else "",
            )
            for index in self._below(parent)
        )

    def _lines(self, parent: int | None, indent: str) -> list[str]:
        lines: list[str] = []
        for index in self._below(parent):
            facts, notes = self.nodes[index]
            beside = "".join(f" [{note}]" for note in notes)
            lines.append(
                f"{indent}{'└ ' if parent is not None else ''}{facts.common_name} · {_short_kind(facts)}{beside}"
            )
            lines += self._lines(index, indent + "  ")
        return lines


def show_tree(
    caption: str,
    certificates: Sequence[x509.Certificate],
    *,
    known: Sequence[RegisteredCertificate] | None = None,
    notes: Mapping[x509.Certificate, str] | None = None,
) -> ChainTree:
    """Return the tree of some certificates.

    Args:
        known: the CAs that DPS has; None if DPS was not asked. notes: a further note for some of the certificates.
    """
    different = list(dict.fromkeys(certificates))
    by_thumbprint = {each.thumbprint.upper(): each for each in known or ()}
    nodes, parents = [], list[int | None]()
    for certificate in different:
        facts = describe(certificate)
        beside = [notes[certificate]] if notes and certificate in notes else []
        if known is not None and facts.is_authority:
            beside.append(status_at_dps(by_thumbprint.get(facts.sha1)))
        nodes.append((facts, beside))
        above = [i for i, other in enumerate(different) if other != certificate and is_issued_by(certificate, other)]
        parents.append(None if facts.is_self_signed else next(iter(above), None))
    return ChainTree(caption, nodes, parents)


def life(facts: CertificateDescription) -> str:
    """Return a certificate's validity period in words."""
    return f"{facts.not_before:%Y-%m-%d %H:%M} to {facts.not_after:%Y-%m-%d %H:%M} UTC"


def validity_bar(facts: CertificateDescription, at: datetime, width: int) -> Markup:
    """Return a bar that shows how much of a certificate's validity period has passed."""
    part, says = _spent(facts, at)
    return Markup(
        "<svg role='img' aria-label='{0}' width='{1}' height='12' viewBox='0 0 {1} 12' style='display:inline-block;"
        "margin-right:.6em'><rect x='0' y='2' width='{1}' height='8' rx='4' style='fill:var(--sunk);stroke:var(--edge)'/>"
        "<rect x='0' y='2' width='{2:.1f}' height='8' rx='4' style='fill:var(--{3})'/></svg>"
    ).format(says, width, max(width * min(max(part, 0), 1), 8), "now" if 0 <= part <= 1 else "bad")


def _spent(facts: CertificateDescription, at: datetime) -> tuple[float, str]:
    """How much of the validity period has passed, as a fraction and in words."""
    part = (at - facts.not_before) / max(facts.not_after - facts.not_before, timedelta.resolution)
    if part < 0:
        return part, "not valid yet"
    if part > 1:
        return part, "expired"
    return part, f"{part:.0%} of its validity period has passed"


def status_at_dps(registered: RegisteredCertificate | None) -> str:
    """Return the status of a CA at DPS in words."""
    if registered is None:
        return "not registered with DPS"
    return f"registered as “{registered.name}”, {'VERIFIED' if registered.verified else 'not verified yet'}"


_STATUSES: dict[str, Kind] = {"VERIFIED": "accepted", "not verified yet": "note"}


def with_pill(status: str) -> Markup:
    """Return a CA's status at DPS, with its last words in a pill if they are an outcome."""
    before, _, word = status.rpartition(", ")
    if word not in _STATUSES:
        return escape(status)
    lead = f"{before}, " if before else ""
    return Markup("<span class='noted'>{}{}</span>").format(lead, pill(_STATUSES[word], word))


def _noted(note: str) -> Markup:
    """A note in the tree; if it ends with an outcome, the outcome stands out."""
    return with_pill(note) if note.rpartition(", ")[2] in _STATUSES else badge(note)


def _thumbprint(digits: str, about: str) -> Markup:
    return copyable(grouped(digits)) + (Markup(" <small>{}</small>").format(about) if about else "")


def _is_a_devices(facts: CertificateDescription, extensions: Sequence[str] = ()) -> bool:
    """A proof looks like a device's certificate, except for its common name. Other purposes say so in an extension."""
    usages = [each for each in extensions if each.startswith("Extended key usage")]
    is_client = all("TLS client" in each for each in usages)
    return is_client and not facts.is_authority and not _CODE.fullmatch(facts.common_name)


def _icon(facts: CertificateDescription) -> IconName:
    if facts.is_authority:
        return "key"
    return "device" if _is_a_devices(facts) else "certificate"


def _kind(facts: CertificateDescription) -> str:
    if not facts.is_authority:
        return "an end entity: it can't issue certificates"
    length = "" if facts.path_length is None else f" (path length {facts.path_length})"
    return f"a CA; {cas_allowed(facts.path_length)} may be below it{length}"


def _short_kind(facts: CertificateDescription) -> str:
    if facts.is_authority:
        return "root CA" if facts.is_self_signed else "intermediate CA"
    return "self-signed" if facts.is_self_signed else "end entity"


def signer(facts: CertificateDescription) -> str:
    """Return the name of the CA that a certificate names as its issuer."""
    return "itself" if facts.is_self_signed else bare_name(facts.issuer)
