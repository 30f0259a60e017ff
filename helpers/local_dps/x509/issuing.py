"""Whether one certificate was issued by another: names, key identifiers, the right to sign, and the signature.

It shares no line with the helpers that make certificates: a mistake must not sit on both sides of the table.
"""

import re
from string import ascii_lowercase, ascii_uppercase
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.name import _ASN1Type

from .signatures import verify_signature

__all__ = ["TEXT_TYPES", "UNREADABLE", "ComparableName", "comparable_name", "find_extension", "is_issued"]

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)
# Of each relative name, each attribute's OID, its type where that counts, and its value.
ComparableName = tuple[tuple[tuple[str, str, str | bytes], ...], ...]
# What the library says when it looks into a certificate that it can't read, or not all of it: it parses lazily.
UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
# A common name is a DirectoryString (RFC 5280 section 4.1.2.4).
TEXT_TYPES = (
    _ASN1Type.BMPString,
    _ASN1Type.PrintableString,
    _ASN1Type.T61String,
    _ASN1Type.UTF8String,
    _ASN1Type.UniversalString,
)
# OpenSSL compares these by what they say, two others by type and bytes, and reads no name that has a type besides.
_COMPARED_AS_TEXT = (*TEXT_TYPES, _ASN1Type.IA5String)
_COMPARED_AS_BYTES = (_ASN1Type.BitString, _ASN1Type.NumericString)


def is_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Names fit, key identifiers fit where both are there, the issuer may sign, and the signature holds.

    So does OpenSSL (X509_check_issued). `cryptography`'s own verify_directly_issued_by compares names byte by byte and
    looks at nothing but the signature besides.
    """
    try:
        if comparable_name(certificate.issuer) != comparable_name(issuer.subject):
            return False
        for other in (certificate.subject, issuer.issuer):
            comparable_name(other)  # a name that can't be compared is none, wherever it stands
        verify_signature(certificate, issuer)
        usage = find_extension(issuer, x509.KeyUsage)
        named = find_extension(certificate, x509.AuthorityKeyIdentifier)
        return (usage is None or usage.key_cert_sign) and (named is None or _is_named(named, issuer))
    except (*UNREADABLE, InvalidSignature, TypeError):
        return False


def find_extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    """What a certificate says in an extension; None if it does not have that."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def comparable_name(name: x509.Name) -> ComparableName:
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
    key = find_extension(issuer, x509.SubjectKeyIdentifier)
    if named.key_identifier is not None and key is not None and named.key_identifier != key.digest:
        return False
    if named.authority_cert_serial_number not in (None, issuer.serial_number):
        return False
    directory = [name.value for name in named.authority_cert_issuer or () if isinstance(name, x509.DirectoryName)]
    return not directory or comparable_name(directory[0]) == comparable_name(issuer.issuer)
