"""A certificate's properties in readable form, as the lesson's pictures show them."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from helpers.certificates.keys import key_name
from helpers.certificates.purposes import COURSE_COMPLETION

__all__ = [
    "CertificateDescription",
    "bare_name",
    "cas_allowed",
    "common_name",
    "describe",
    "extension",
    "extensions_in_words",
    "is_issued_by",
    "is_readable",
]

Extension = TypeVar("Extension", bound=x509.ExtensionType)

_UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
_USAGES = {
    "digital_signature": "digital signature",
    "content_commitment": "content commitment",
    "key_encipherment": "key encipherment",
    "data_encipherment": "data encipherment",
    "key_agreement": "key agreement",
    "key_cert_sign": "sign certificates",
    "crl_sign": "sign revocation lists",
}
_EXTENDED_USAGES = {
    ExtendedKeyUsageOID.CLIENT_AUTH: "TLS client",
    ExtendedKeyUsageOID.SERVER_AUTH: "TLS server",
    COURSE_COMPLETION: "completion of this course",
}


@dataclass(frozen=True)
class CertificateDescription:
    """A certificate's properties.

    Attributes:
        subject, issuer: RFC 4514 text, `CN=…`.
        common_name: the value of the subject's CN; "" if it has none or several.
        key: `P-256`, `RSA-2048`, …
        not_before, not_after: UTC.
        serial: upper-case hex.
        sha1, sha256: thumbprints of the DER, upper-case hex without separators (DPS shows SHA-1, IoT Hub SHA-256).
        is_self_signed: whether it is signed with its own key, as a root is.
        is_authority: whether its basic constraints say that it is a CA.
        path_length: the number of CAs allowed below it; None for no limit.
    """

    subject: str
    common_name: str
    issuer: str
    key: str
    not_before: datetime
    not_after: datetime
    serial: str
    sha1: str
    sha256: str
    is_self_signed: bool
    is_authority: bool
    path_length: int | None


def describe(certificate: x509.Certificate) -> CertificateDescription:
    """Return the certificate's properties. Without basic constraints, it is not a CA."""
    constraints = extension(certificate, x509.BasicConstraints)
    return CertificateDescription(
        subject=certificate.subject.rfc4514_string(),
        common_name=common_name(certificate) or "",
        issuer=certificate.issuer.rfc4514_string(),
        key=key_name(certificate),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        serial=f"{certificate.serial_number:X}",
        sha1=certificate.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303 - an identifier that DPS shows
        sha256=certificate.fingerprint(hashes.SHA256()).hex().upper(),
        is_self_signed=is_issued_by(certificate, certificate),
        is_authority=bool(constraints and constraints.ca),
        path_length=constraints.path_length if constraints else None,
    )


def extensions_in_words(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return a sentence for each extension. `(critical)` means: software that does not know it must reject the certificate."""
    return tuple(
        f"{_named(each)}{' (critical)' if each.critical else ''}: {_in_words(each.value)}"
        for each in certificate.extensions
    )


def _named(each: x509.Extension[x509.ExtensionType]) -> str:
    """Return an extension's name in words, such as “Basic constraints”; its OID if the library does not know it."""
    name = each.oid._name
    if name == "Unknown OID":
        return each.oid.dotted_string
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def _in_words(value: x509.ExtensionType) -> str:
    match value:
        case x509.BasicConstraints(ca=False):
            return "it is not a CA"
        case x509.BasicConstraints():
            return f"it is a CA; {cas_allowed(value.path_length)} may be below it"
        case x509.KeyUsage():
            return ", ".join(words for name, words in _USAGES.items() if getattr(value, name)) or "nothing"
        case x509.ExtendedKeyUsage():
            return ", ".join(_EXTENDED_USAGES.get(each, each.dotted_string) for each in value)
        case x509.SubjectKeyIdentifier():
            return f"the identifier of its key is {value.digest.hex().upper()}"
        case x509.AuthorityKeyIdentifier() if value.key_identifier:
            return f"the identifier of the key that signed it is {value.key_identifier.hex().upper()}"
        case x509.SubjectAlternativeName():
            return "it is also for " + ", ".join(str(each.value) for each in value)
        case _:
            return "not explained here"


def cas_allowed(path_length: int | None) -> str:
    """Return in words how many CAs a path length allows below a CA."""
    return {None: "any number of CAs", 0: "no CA", 1: "one CA"}.get(path_length, f"{path_length} CAs")


def bare_name(name: str) -> str:
    """Return the common name, without `CN=` and escapes, of a distinguished name (RFC 4514 text) that has nothing else.

    Any other text is returned unchanged.
    """
    try:
        (part,) = x509.Name.from_rfc4514_string(name)
    except ValueError:
        return name
    return str(part.value) if part.oid == NameOID.COMMON_NAME else name


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return whether names and key identifiers match and the signature was made with the issuer's key.

    This checks neither the dates nor whether the issuer is a CA.
    """
    try:
        certificate.verify_directly_issued_by(issuer)
        named, own = extension(certificate, x509.AuthorityKeyIdentifier), extension(issuer, x509.SubjectKeyIdentifier)
    except (*_UNREADABLE, TypeError, InvalidSignature):
        return False
    return named is None or own is None or named.key_identifier in (None, own.digest)


def is_signed_with(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return whether the signature was made with the issuer's key, regardless of the names."""
    key, algorithm = issuer.public_key(), certificate.signature_hash_algorithm
    try:
        how = certificate.signature_algorithm_parameters
        if isinstance(key, rsa.RSAPublicKey) and isinstance(how, padding.PKCS1v15 | padding.PSS) and algorithm:
            key.verify(certificate.signature, certificate.tbs_certificate_bytes, how, algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(how, ec.ECDSA):
            key.verify(certificate.signature, certificate.tbs_certificate_bytes, how)
        else:
            return False
    except (*_UNREADABLE, InvalidSignature):
        return False
    return True


def is_readable(certificate: x509.Certificate) -> bool:
    """Return whether the library can read all parts of the certificate and knows its kind of key.

    The library parses lazily, so loading a damaged certificate may succeed.
    """
    try:
        certificate.subject, certificate.issuer, certificate.extensions, certificate.public_key()
    except _UNREADABLE:
        return False
    return True


def common_name(certificate: x509.Certificate) -> str | None:
    """Return the value of the subject's CN; None if the subject has none or several."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if len(names) == 1 else None


def extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
