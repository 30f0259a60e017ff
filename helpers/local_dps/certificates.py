"""What the local DPS knows of certificates: reading what clients send, describing it, and judging a proof.

It shares no line with the helpers that make certificates: a mistake must not sit on both sides of the table.
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import datetime
from string import ascii_lowercase, ascii_uppercase
from typing import Any, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from helpers.local_dps.der import after, content
from helpers.local_dps.errors import resource_provider as errors
from helpers.local_dps.signatures import verify_signature

__all__ = [
    "UNREADABLE",
    "ComparableName",
    "NotACertificate",
    "PrivateKeyInside",
    "certificate_info",
    "certificate_summary",
    "common_name",
    "comparable",
    "extension",
    "is_issued",
    "judge_proof",
    "read",
]

Extension = TypeVar("Extension", bound=x509.ExtensionType)
# Of each relative name, each attribute's OID, its type where that counts, and its value.
ComparableName = tuple[tuple[tuple[str, str, str | bytes], ...], ...]
# What the library says when it looks into a certificate that it can't read, or not all of it: it parses lazily.
UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
# A common name is a DirectoryString (RFC 5280 section 4.1.2.4).
_TEXT_TYPES = (
    _ASN1Type.BMPString,
    _ASN1Type.PrintableString,
    _ASN1Type.T61String,
    _ASN1Type.UTF8String,
    _ASN1Type.UniversalString,
)
# OpenSSL compares these by what they say, two others by type and bytes, and reads no name that has a type besides.
_COMPARED_AS_TEXT = (*_TEXT_TYPES, _ASN1Type.IA5String)
_COMPARED_AS_BYTES = (_ASN1Type.BitString, _ASN1Type.NumericString)
_PEM_BEGIN, _PEM_END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


class NotACertificate(ValueError):
    """Neither base64 of PEM, nor base64 of DER, nor PEM."""


class PrivateKeyInside(ValueError):
    """The client sent a private key along; it is neither kept nor logged."""


def read(text: str) -> bytes:
    """The DER of the certificate that a client sent.

    Args:
        text: base64 of a PEM file (azure-cli), base64 of DER (PowerShell), the PEM itself, or base64 of a file that is
            itself base64 of DER (what the removed C# sample wrote). A PEM file in base64 twice is what people send by
            mistake, and is none of these. Line ends don't matter. Of several certificates in a PEM the first counts.

    Raises:
        NotACertificate, PrivateKeyInside
    """
    content = text.encode()
    for decoded in range(3):
        if b"PRIVATE KEY-----" in content:
            raise PrivateKeyInside
        if decoded < 2 and (begin := content.find(_PEM_BEGIN)) >= 0:
            end = content.find(_PEM_END, begin) + len(_PEM_END)
            return _der(x509.load_pem_x509_certificate, content[begin:end])
        try:
            content = base64.b64decode(b"".join(content.split()), validate=True)
        except binascii.Error as error:
            raise NotACertificate from error
        if content[:1] == b"\x30":  # an ASN.1 SEQUENCE: this is DER
            if _looks_like_a_private_key(content):
                raise PrivateKeyInside
            return _der(x509.load_der_x509_certificate, content)
    raise NotACertificate


def kept_text(text: str, der: bytes) -> str:
    """The text to keep of what a client sent: verbatim if it is this certificate and nothing else.

    Whatever stands around a certificate may be anything, a key without its armour for one, and is not kept.
    """
    pem = x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)
    content = text.encode()
    for _ in range(3):
        if content == der or content.split() == pem.split():
            return text
        try:
            content = base64.b64decode(b"".join(content.split()), validate=True)
        except binascii.Error:
            break
    return base64.b64encode(pem).decode()


def judge_proof(proof_der: bytes, uploaded_der: bytes, code: str | None, now: datetime) -> None:
    """Accept a proof of possession, or raise the refusal that the service gives.

    Accepted if and only if it was signed directly by the uploaded certificate's key, its one CN is the newest code to
    the letter, and today lies within its dates.
    """
    proof, uploaded = (x509.load_der_x509_certificate(der) for der in (proof_der, uploaded_der))
    if code is None:
        raise errors.no_code_outstanding()
    if not is_issued(proof, uploaded):
        raise errors.proof_not_issued_by_certificate(proof.issuer.rfc4514_string())
    names = proof.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if [name.value for name in names] != [code] or names[0]._type not in _TEXT_TYPES:
        raise errors.proof_of_other_code()
    if not proof.not_valid_before_utc <= now <= proof.not_valid_after_utc:
        raise errors.proof_outside_its_dates()


def common_name(der: bytes) -> str:
    """The common name of a certificate's subject, or the whole subject if it has none: what newer api-versions show."""
    subject = x509.load_der_x509_certificate(der).subject
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[-1].value) if names else subject.rfc4514_string()


def certificate_summary(der: bytes) -> dict[str, Any]:
    """subject, expiry (RFC 1123) and thumbprint (SHA-1, upper-case hex) as the management plane writes them."""
    certificate = x509.load_der_x509_certificate(der)
    return {
        "subject": certificate.subject.rfc4514_string(),
        "expiry": f"{certificate.not_valid_after_utc:%a, %d %b %Y %H:%M:%S} GMT",
        "thumbprint": certificate.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303 - what the service shows
    }


def certificate_info(der: bytes) -> dict[str, Any]:
    """The `info` object as the service plane writes it."""
    certificate = x509.load_der_x509_certificate(der)
    return {
        "subjectName": certificate.subject.rfc4514_string(),
        "sha1Thumbprint": certificate.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303 - what the service shows
        "sha256Thumbprint": certificate.fingerprint(hashes.SHA256()).hex().upper(),
        "issuerName": certificate.issuer.rfc4514_string(),
        "notBeforeUtc": f"{certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
        "notAfterUtc": f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
        "serialNumber": _whole_bytes(certificate.serial_number),
        "version": certificate.version.value + 1,
    }


def extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    """What a certificate says in an extension; None if it does not have that."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def is_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Names fit, key identifiers fit where both are there, the issuer may sign, and the signature holds.

    So does OpenSSL (X509_check_issued). `cryptography`'s own verify_directly_issued_by compares names byte by byte and
    looks at nothing but the signature besides.
    """
    try:
        if comparable(certificate.issuer) != comparable(issuer.subject):
            return False
        for other in (certificate.subject, issuer.issuer):
            comparable(other)  # a name that can't be compared is none, wherever it stands
        verify_signature(certificate, issuer)
        usage = extension(issuer, x509.KeyUsage)
        named = extension(certificate, x509.AuthorityKeyIdentifier)
        return (usage is None or usage.key_cert_sign) and (named is None or _is_named(named, issuer))
    except (*UNREADABLE, InvalidSignature, TypeError):
        return False


def comparable(name: x509.Name) -> ComparableName:
    """Two names match even if their string types, case or runs of spaces differ (RFC 5280 section 7.1).

    Case and spaces of ASCII alone, as OpenSSL has it: the Kelvin sign is no k, and a no-break space is no space.

    Raises:
        ValueError: a value has a type that no name may have.
    """
    return tuple(tuple(sorted(map(_comparable_part, relative))) for relative in name.rdns)


def _comparable_part(part: x509.NameAttribute[str | bytes]) -> tuple[str, str, str | bytes]:
    oid, kind, value = part.oid.dotted_string, part._type, part.value
    if kind in _COMPARED_AS_TEXT and isinstance(value, str):
        return oid, "", _canonical(value)
    if kind in _COMPARED_AS_BYTES:
        return oid, kind.name, value
    raise ValueError(f"A name has a {kind.name}.")


def _canonical(text: str) -> str:
    return " ".join(filter(None, re.split(r"[ \t\n\v\f\r]+", text))).translate(_LOWER)


def _is_named(named: x509.AuthorityKeyIdentifier, issuer: x509.Certificate) -> bool:
    """Whether an authority key identifier is this issuer's, in each of its parts that is there (RFC 5280, 4.2.1.1)."""
    key = extension(issuer, x509.SubjectKeyIdentifier)
    if named.key_identifier is not None and key is not None and named.key_identifier != key.digest:
        return False
    if named.authority_cert_serial_number not in (None, issuer.serial_number):
        return False
    directory = [name.value for name in named.authority_cert_issuer or () if isinstance(name, x509.DirectoryName)]
    return not directory or comparable(directory[0]) == comparable(issuer.issuer)


def _whole_bytes(number: int) -> str:
    """Upper-case hex, two digits a byte, as .NET writes serial numbers."""
    digits = f"{number:X}"
    return digits.zfill(len(digits) + len(digits) % 2)


def _der(load: Callable[[bytes], x509.Certificate], content: bytes) -> bytes:
    try:
        certificate = load(content)
        # The parser is lazy: reading these now keeps a half-broken certificate out of the store.
        certificate.extensions, certificate.subject, certificate.issuer, certificate.public_key()
        certificate.not_valid_before_utc, certificate.not_valid_after_utc  # noqa: B018
        certificate.signature_algorithm_oid  # noqa: B018
        return certificate.public_bytes(serialization.Encoding.DER)
    except Exception as error:  # parsers of hostile input raise more than they document
        raise NotACertificate from error


def _looks_like_a_private_key(der: bytes) -> bool:
    """PKCS#1, SEC 1, PKCS#8 and PKCS#12 begin with a small version number; an encrypted PKCS#8 is an algorithm and octets.

    Told by the shape alone: to load a key is to test its numbers, and of hostile ones that takes minutes.
    """
    inner = content(der)
    if inner[:1] == b"\x02":
        return inner[1:2] == b"\x01"
    return inner[:1] == b"\x30" and after(inner)[:1] == b"\x04"
