"""Whether one certificate was issued by another: names, key identifiers, the right to sign, and the signature.

This shares no code with the helpers that make certificates, so that no mistake is in both the maker and the verifier.
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
# For each relative distinguished name: the OID, the type if it matters, and the value of each attribute.
ComparableName = tuple[tuple[tuple[str, str, str | bytes], ...], ...]
# Errors of `cryptography` for a certificate that it can't read, or not completely. It parses lazily.
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
# OpenSSL compares these types as text and two others by type and bytes. It rejects names with any other type.
_COMPARED_AS_TEXT = (*TEXT_TYPES, _ASN1Type.IA5String)
_COMPARED_AS_BYTES = (_ASN1Type.BitString, _ASN1Type.NumericString)


def is_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return whether the names match, key identifiers match if both exist, the issuer may sign, and the signature is valid.

    OpenSSL checks the same (X509_check_issued). verify_directly_issued_by of `cryptography` compares the names byte by
    byte, and besides them checks only the signature.
    """
    try:
        if comparable_name(certificate.issuer) != comparable_name(issuer.subject):
            return False
        for other in (certificate.subject, issuer.issuer):
            comparable_name(other)  # raises for a name that can't be compared
        verify_signature(certificate, issuer)
        usage = find_extension(issuer, x509.KeyUsage)
        named = find_extension(certificate, x509.AuthorityKeyIdentifier)
        return (usage is None or usage.key_cert_sign) and (named is None or _is_named(named, issuer))
    except (*UNREADABLE, InvalidSignature, TypeError):
        return False


def find_extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def comparable_name(name: x509.Name) -> ComparableName:
    """Return a form of a name in which matching names are equal (RFC 5280 section 7.1).

    String types, case and runs of spaces don't matter. As in OpenSSL, this applies to case and spaces in ASCII only: the
    Kelvin sign does not match k, and a no-break space does not match a space.

    Raises:
        ValueError: a value has a type that a name can't have.
    """
    return tuple(tuple(sorted(map(_comparable_part, relative))) for relative in name.rdns)


def _comparable_part(part: x509.NameAttribute[str | bytes]) -> tuple[str, str, str | bytes]:
    oid, kind, value = part.oid.dotted_string, part._type, part.value
    if kind in _COMPARED_AS_TEXT and isinstance(value, str):
        return oid, "", _canonical(value)
    if kind in _COMPARED_AS_BYTES:
        return oid, kind.name, value
    raise ValueError(f"A name has a value of the type {kind.name}.")


def _canonical(text: str) -> str:
    return " ".join(filter(None, re.split(r"[ \t\n\v\f\r]+", text))).translate(_LOWER)


def _is_named(named: x509.AuthorityKeyIdentifier, issuer: x509.Certificate) -> bool:
    """Return whether each part that an authority key identifier has matches this issuer (RFC 5280, 4.2.1.1)."""
    key = find_extension(issuer, x509.SubjectKeyIdentifier)
    if named.key_identifier is not None and key is not None and named.key_identifier != key.digest:
        return False
    if named.authority_cert_serial_number not in (None, issuer.serial_number):
        return False
    directory = [name.value for name in named.authority_cert_issuer or () if isinstance(name, x509.DirectoryName)]
    return not directory or comparable_name(directory[0]) == comparable_name(issuer.issuer)
