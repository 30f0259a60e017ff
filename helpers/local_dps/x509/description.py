"""Descriptions of a certificate, as each plane writes them."""

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

__all__ = ["certificate_info", "certificate_summary", "short_subject"]


def short_subject(der: bytes) -> str:
    """Return the common name of the subject, or the whole subject if it has none, as newer api-versions show it."""
    subject = x509.load_der_x509_certificate(der).subject
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[-1].value) if names else subject.rfc4514_string()


def certificate_summary(der: bytes) -> dict[str, Any]:
    """Return subject, expiry (RFC 1123) and thumbprint (SHA-1, upper-case hex), as the management plane writes them."""
    certificate = x509.load_der_x509_certificate(der)
    return {
        "subject": certificate.subject.rfc4514_string(),
        "expiry": f"{certificate.not_valid_after_utc:%a, %d %b %Y %H:%M:%S} GMT",
        "thumbprint": certificate.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303 - what the service shows
    }


def certificate_info(der: bytes) -> dict[str, Any]:
    """Return the `info` object as the service plane writes it."""
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


def _whole_bytes(number: int) -> str:
    """Return upper-case hex with two digits per byte, as .NET writes serial numbers."""
    digits = f"{number:X}"
    return digits.zfill(len(digits) + len(digits) % 2)
