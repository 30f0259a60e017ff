"""Certificates as documents: what one holds, what its issuer signs, and what the proof is made of."""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from markupsafe import Markup

from helpers.certificates import bare_name, describe, extensions_in_words
from helpers.lesson.figures.certificates import life
from helpers.lesson.figures.picture import (
    Picture,
    Row,
    card,
    copyable,
    grouped,
    listed,
    plain,
    table,
    with_digits_grouped,
)
from helpers.lesson.figures.shapes import icon, link, route, station, station_head

__all__ = ["CertificateAnatomy", "ProofAnatomy"]

_SHOWN_BYTES = 12  # of a key or a signature: enough to recognize it, and not a wall of digits


@dataclass(frozen=True, repr=False)
class CertificateAnatomy(Picture):
    """What a certificate holds, and what it does not: a private key."""

    certificate: x509.Certificate

    def html(self) -> Markup:
        return card(
            self._title(),
            _document("Certificate", "The issuer signs all of this", self._rows(), self._signature()),
            Markup("<div class='station absent rejected' style='margin-top:1em'>{}<small>{}</small></div>").format(
                station_head("key", _ABSENT[0]), _ABSENT[1]
            ),
        )

    def text(self) -> str:
        rows = [*self._rows(), ("Signature", self._signature())]
        return "\n".join(
            [self._title(), *(f"  {name:12}  {plain(says)}" for name, says in rows), f"  {': '.join(_ABSENT)}"]
        )

    def _title(self) -> str:
        return f"What the certificate of {describe(self.certificate).common_name or 'no name'} holds"

    def _rows(self) -> Sequence[Row]:
        facts = describe(self.certificate)
        key = self.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        extensions = extensions_in_words(self.certificate)
        return [
            (
                "Subject",
                Markup("<b>{}</b> (the name that this certificate gives to the key)").format(facts.common_name),
            ),
            ("Public key", Markup("{}, ends in {}").format(facts.key, grouped(key[-_SHOWN_BYTES:].hex().upper()))),
            ("Issuer", "itself" if facts.is_self_signed else bare_name(facts.issuer)),
            ("Validity", life(facts)),
            ("Extensions", listed(map(with_digits_grouped, extensions)) if extensions else "none"),
        ]

    def _signature(self) -> Markup:
        facts = describe(self.certificate)
        issuer = "its own" if facts.is_self_signed else f"{bare_name(facts.issuer)}'s"
        return Markup("made with {} private key; checked with {} public key. It begins with {}").format(
            issuer, issuer, grouped(self.certificate.signature[:_SHOWN_BYTES].hex().upper())
        )


_ABSENT = (
    "Not in it: the private key",
    "That key stays on the machine that made it. So you can give the certificate to anybody.",
)


@dataclass(frozen=True, repr=False)
class ProofAnatomy(Picture):
    """The verification certificate: its parts, which key signs them, and which key checks the signature.

    Attributes:
        code: the verification code. authority: the common name of the CA that is to be verified.
    """

    code: str
    authority: str

    def html(self) -> Markup:
        return card(
            _PROOF,
            _document("Verification certificate", "The CA signs all of this", self._rows(), self._signature()),
            Markup("<div style='margin-top:1em'>{}</div>").format(
                route(
                    (
                        station("key", "Signed with", f"the private key of {self.authority}, on your machine"),
                        link("goes to DPS"),
                        station("cloud", "Checked with", "the public key in the CA's certificate that you uploaded"),
                        link("if it is valid"),
                        station("check", "You have the key", "only that key can sign this code", kind="accepted"),
                    )
                )
            ),
        )

    def text(self) -> str:
        rows = [*self._rows(), ("Signature", self._signature())]
        return "\n".join([_PROOF, *(f"  {name:10}  {plain(says)}" for name, says in rows)])

    def _rows(self) -> Sequence[Row]:
        return [
            (
                "Subject",
                Markup(
                    "CN = {}<br><small>the code, which DPS chose at random: no older signature matches it</small>"
                ).format(copyable(grouped(self.code))),
            ),
            (
                "Public key",
                Markup(
                    "an ephemeral key<br><small>DPS does not use it, and its private key is discarded at once</small>"
                ),
            ),
            ("Issuer", self.authority),
            ("Validity", "short, because DPS needs the proof only once"),
        ]

    def _signature(self) -> Markup:
        return Markup("made with the private key of {}; DPS checks it with the public key that you uploaded").format(
            self.authority
        )


_PROOF = "What the proof is made of"


def _document(title: str, bracket: str, signed: Sequence[Row], signature: str) -> Markup:
    """A certificate: what its issuer signs, and below it the signature."""
    return Markup(
        "<div class='document'><div class='document-head'>{} {}</div><div class='signed'><p class='ruled'>{}</p>{}</div>"
        "<div class='signature'><p class='ruled'>{} The signature</p><p>{}</p></div></div>"
    ).format(icon("certificate"), title, bracket, table(signed), icon("key"), signature)
