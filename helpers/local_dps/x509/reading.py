"""Reading of certificates, in each encoding that clients send."""

import base64
import binascii
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from .der import after, content

__all__ = ["NotACertificate", "PrivateKeyInside", "read_certificate", "text_to_store"]

_PEM_BEGIN, _PEM_END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


class NotACertificate(ValueError):
    """The text is not a certificate in an encoding that is accepted."""


class PrivateKeyInside(ValueError):
    """The text contains a private key, which is neither stored nor logged."""


def read_certificate(text: str) -> bytes:
    """Return the DER of the certificate that a client sent.

    Args:
        text: base64 of a PEM file (azure-cli), base64 of DER (PowerShell), the PEM itself, or base64 of a file that is
            itself base64 of DER (from the C# sample that was removed). PEM that is base64-encoded twice, a common
            mistake, is rejected. Line ends don't matter. If a PEM has several certificates, the first one counts.

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


def text_to_store(text: str, der: bytes) -> str:
    """Return the text to store: as the client sent it if it holds only this certificate, else this certificate alone.

    Text around a certificate may hold a secret, for example a key without its PEM armor, so it is not stored.
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


def _der(load: Callable[[bytes], x509.Certificate], content: bytes) -> bytes:
    try:
        certificate = load(content)
        # The parser is lazy. Reading these now prevents a partly broken certificate from being stored.
        certificate.extensions, certificate.subject, certificate.issuer, certificate.public_key()
        certificate.not_valid_before_utc, certificate.not_valid_after_utc  # noqa: B018
        certificate.signature_algorithm_oid  # noqa: B018
        return certificate.public_bytes(serialization.Encoding.DER)
    except Exception as error:  # parsers of hostile input raise more than they document
        raise NotACertificate from error


def _looks_like_a_private_key(der: bytes) -> bool:
    """Return whether DER has the structure of a private key. The key is not loaded: for a hostile one, that takes minutes.

    PKCS#1, SEC 1, PKCS#8 and PKCS#12 begin with a small version number. An encrypted PKCS#8 is an algorithm and octets.
    """
    inner = content(der)
    if inner[:1] == b"\x02":
        return inner[1:2] == b"\x01"
    return inner[:1] == b"\x30" and after(inner)[:1] == b"\x04"
