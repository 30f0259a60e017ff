"""Reading the certificates that clients send, in all the forms in which they send them."""

import base64
import binascii
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from .der import after, content

__all__ = ["NotACertificate", "PrivateKeyInside", "read_certificate", "text_to_store"]

_PEM_BEGIN, _PEM_END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


class NotACertificate(ValueError):
    """Neither base64 of PEM, nor base64 of DER, nor PEM."""


class PrivateKeyInside(ValueError):
    """The client sent a private key along; it is neither kept nor logged."""


def read_certificate(text: str) -> bytes:
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


def text_to_store(text: str, der: bytes) -> str:
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
