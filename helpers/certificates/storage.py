"""Read certificates and CAs from files of any tool, and write them."""

import re
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from helpers.certificates.authority import CertificateAuthority
from helpers.certificates.describe import describe, is_issued_by, is_readable
from helpers.certificates.key_files import read_private_key, save_private_key
from helpers.files import PUBLIC, read_bytes, write_atomically
from helpers.problem import Problem

__all__ = [
    "certificate_pem",
    "export_certificate",
    "load_authority",
    "public_certificate",
    "read_certificates",
    "save_authority",
]

_PEM_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")


def read_certificates(content: bytes, source: str) -> tuple[x509.Certificate, ...]:
    """Return all certificates in a file, in order: PEM (any number, with text around them or without) or DER (one).

    Args:
        content: the file's bytes.
        source: the file's name, for the error.

    Raises:
        Problem: there is none, or one is damaged; the error describes the file's content.
    """
    begun = len(re.findall(rb"-----BEGIN (?:X509 )?CERTIFICATE-----", content))
    try:
        if _PEM_LABEL.search(content):
            certificates = x509.load_pem_x509_certificates(content)
        else:
            certificates = [x509.load_der_x509_certificate(content)]
        if len(certificates) < begun or not all(map(is_readable, certificates)):
            raise ValueError
        return tuple(certificates)
    except ValueError as error:
        raise Problem(
            f"{source} is not a certificate.",
            _instead_of_certificate(content),
            "Choose an X.509 certificate as PEM (it begins with -----BEGIN CERTIFICATE-----) or as DER.",
        ) from error


def public_certificate(given: x509.Certificate | bytes | Path, source: str = "") -> x509.Certificate:
    """Return the certificate to be sent to DPS, after checking that the file holds nothing else.

    Args:
        given: the certificate, or a file that holds only this certificate, or that file's content (PEM or DER).
        source: the name that errors use for the content; by default, the file's name.

    Raises:
        Problem: the file also holds a private key, or it does not hold exactly one certificate.
    """
    if isinstance(given, x509.Certificate):
        return given
    content = given if isinstance(given, bytes) else read_bytes(given)
    source = source or (given.name if isinstance(given, Path) else "The file")
    if any(b"PRIVATE KEY" in label for label in _PEM_LABEL.findall(content)):
        raise Problem(
            f"{source} was not sent.",
            "It contains a private key. DPS needs only the certificate, and the private key must never leave your machine.",
            "Choose a file that contains only the certificate.",
        )
    certificates = read_certificates(content, source)
    if len(certificates) > 1:
        raise Problem(
            f"{source} was not sent.",
            f"It holds {len(certificates)} certificates, but DPS accepts one at a time.",
            "Choose a file that contains only the certificate to be sent.",
        )
    return certificates[0]


def load_authority(
    certificate_file: Path, private_key_file: Path, *, passphrase: str | None = None
) -> CertificateAuthority:
    """Load a CA from two files of any tool: its key, and its certificate, after which the PEM may hold its issuers.

    Raises:
        Problem: a file can't be read, or the files don't belong together, or the certificate is not a CA's, or a CA in the
            file is not valid today.
    """
    certificate, *above = read_certificates(read_bytes(certificate_file), certificate_file.name)
    key = read_private_key(read_bytes(private_key_file), passphrase, private_key_file.name)
    authority = CertificateAuthority(certificate, key, _issuers(certificate, above, certificate_file.name))
    authority.require_valid_now()
    return authority


def certificate_pem(*certificates: x509.Certificate) -> bytes:
    """Return the certificates as one PEM, in this order."""
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)


def export_certificate(certificate: x509.Certificate, path: Path) -> Path:
    """Write one certificate as a file that the portal accepts: `.pem` (written as PEM) or `.cer` (written as DER).

    Raises:
        Problem: the path ends differently, or the file can't be written.
    """
    encodings = {".pem": serialization.Encoding.PEM, ".cer": serialization.Encoding.DER}
    encoding = encodings.get(path.suffix.lower())
    if encoding is None:
        raise Problem(
            f"{path.name} was not written.",
            f"The portal accepts files that end in .pem or .cer, but not in “{path.suffix}”.",
            "Choose a name that ends in .pem or .cer.",
        )
    write_atomically(path, certificate.public_bytes(encoding), mode=PUBLIC)
    return path


def save_authority(
    authority: CertificateAuthority, certificate_file: Path, private_key_file: Path, *, passphrase: str | None = None
) -> None:
    """Write a CA's private key, and a PEM file with its certificate and then its issuers.

    The key is written first: a certificate without its key is of no use, but a missing certificate can be saved again.

    Raises:
        Problem: the file holds another CA, whose key could not be recovered once it is overwritten; or the files can't be
            written.
    """
    if certificate_file.exists():
        present = read_certificates(read_bytes(certificate_file), certificate_file.name)[0]
        if present.public_key() != authority.certificate.public_key():
            raise Problem(
                f"{certificate_file.name} was not written.",
                f"It holds the CA “{describe(present).common_name}”, whose private key can't be recovered once it is "
                "overwritten.",
                "Choose another folder, or delete that CA first if you no longer need it.",
            )
    save_private_key(authority.private_key, private_key_file, passphrase=passphrase)
    write_atomically(certificate_file, certificate_pem(authority.certificate, *authority.issuers), mode=PUBLIC)


def _issuers(certificate: x509.Certificate, above: list[x509.Certificate], source: str) -> tuple[x509.Certificate, ...]:
    """Return the certificates that follow a CA in its file, after checking that each signed the one before it."""
    for below, issuer in pairwise((certificate, *above)):
        if not is_issued_by(below, issuer):
            raise Problem(
                f"The certificates in {source} are not a chain.",
                f"“{describe(below).common_name}” was not signed by the next one, “{describe(issuer).common_name}”.",
                "Put the CA first, then its issuer, and so on up to the root; or leave only the CA in the file.",
            )
    return tuple(above)


def _instead_of_certificate(content: bytes) -> str:
    label = _PEM_LABEL.search(content)
    if label is None:
        return "It is neither PEM nor the DER of a readable certificate." if content else "The file is empty."
    found = label.group(1).decode()
    if found == "CERTIFICATE":
        return "A certificate in it is cut off or damaged, or its key is neither RSA nor on a supported curve."
    return f"Its first PEM block is “{found}”, not “CERTIFICATE”."
