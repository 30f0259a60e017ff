"""Certificates and keys on disk: read whatever tool wrote them, written so that keys stay private."""

import re
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from helpers.certificates.authority import CertificateAuthority
from helpers.certificates.describe import describe, is_issued_by, is_readable
from helpers.certificates.keys import PrivateKey
from helpers.files import PRIVATE, PUBLIC, read_bytes, write_atomically
from helpers.problem import Problem

__all__ = [
    "certificate_pem",
    "export_certificate",
    "is_encrypted",
    "load_authority",
    "public_certificate",
    "read_certificates",
    "read_private_key",
    "save_authority",
    "save_private_key",
]

_PEM_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")


def read_certificates(content: bytes, source: str) -> tuple[x509.Certificate, ...]:
    """Every certificate in a file, in its order: PEM (any number, text around them is allowed) or DER (one).

    Args:
        content: the file's bytes.
        source: the file's name, for the error.

    Raises:
        Problem: there is none; the error says what the file holds instead.
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
            "Give an X.509 certificate as PEM (it begins with -----BEGIN CERTIFICATE-----) or as DER.",
        ) from error


def public_certificate(given: x509.Certificate | bytes | Path, source: str = "") -> x509.Certificate:
    """The one certificate that is about to leave this machine.

    Args:
        given: the certificate, or a file with it alone, or that file's content (PEM or DER).
        source: what errors call the content; a file is called by its name.

    Raises:
        Problem: the file holds a private key besides, holds no certificate, or several.
    """
    if isinstance(given, x509.Certificate):
        return given
    content = given if isinstance(given, bytes) else read_bytes(given)
    source = source or (given.name if isinstance(given, Path) else "The file")
    if any(b"PRIVATE KEY" in label for label in _PEM_LABEL.findall(content)):
        raise Problem(
            f"{source} is not sent.",
            "It contains a private key. The public certificate is all that DPS needs; the key must never leave you.",
            "Give a file with the certificate alone.",
        )
    certificates = read_certificates(content, source)
    if len(certificates) > 1:
        raise Problem(
            f"{source} is not sent.",
            f"It holds {len(certificates)} certificates; DPS takes one CA at a time.",
            "Give a file with the one CA certificate to be registered.",
        )
    return certificates[0]


def is_encrypted(content: bytes) -> bool:
    """Whether it is a private key that a passphrase opens."""
    try:
        _load(content, None)
    except TypeError:  # cryptography's word for a passphrase that is missing
        return True
    except (ValueError, UnsupportedAlgorithm):
        pass  # not a key
    return False


def read_private_key(content: bytes, passphrase: str | None, source: str) -> PrivateKey:
    """A private key from PEM or DER, PKCS#8, PKCS#1 or SEC1, encrypted or not.

    Args:
        passphrase: needed if, and only if, the key is encrypted.

    Raises:
        Problem: not a key, wrong or missing passphrase, an unneeded passphrase, or a kind that DPS does not take.
    """
    try:
        key = _load(content, passphrase)
    except TypeError as error:  # cryptography's word for a passphrase that is missing, or one too many
        if passphrase:
            raise Problem(
                f"{source} was not read with a passphrase.",
                "The key is not encrypted, so a passphrase can't be right.",
                "Leave the passphrase empty, or check that this is the file you meant.",
            ) from error
        raise Problem(
            f"{source} could not be opened.",
            "The key is encrypted and no passphrase was given.",
            "Give its passphrase.",
        ) from error
    except UnsupportedAlgorithm as error:
        raise _unusable_key(source, "an algorithm that is not known here") from error
    except ValueError as error:
        if passphrase:
            raise Problem(
                f"{source} could not be opened.",
                "The passphrase is wrong, or the file is not a private key.",
                "Type the passphrase again; if you are sure of it, check the file.",
            ) from error
        raise Problem(
            f"{source} is not a private key.",
            "It is neither PEM nor DER of PKCS#8, PKCS#1 or SEC1.",
            "Give the file with the CA's private key.",
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise _unusable_key(source, type(key).__name__)
    return key


def _load(content: bytes, passphrase: str | None) -> PrivateKeyTypes:
    load = serialization.load_pem_private_key if _PEM_LABEL.search(content) else serialization.load_der_private_key
    return load(content, passphrase.encode() if passphrase else None)


def load_authority(
    certificate_file: Path, private_key_file: Path, *, passphrase: str | None = None
) -> CertificateAuthority:
    """A CA that another tool made: its certificate (its issuers may follow in the same PEM) and its private key.

    Raises:
        Problem: either file can't be read, they don't belong together, the certificate is not a CA's or has expired.
    """
    certificate, *above = read_certificates(read_bytes(certificate_file), certificate_file.name)
    key = read_private_key(read_bytes(private_key_file), passphrase, private_key_file.name)
    authority = CertificateAuthority(certificate, key, _issuers(certificate, above, certificate_file.name))
    authority.require_valid_now()
    return authority


def certificate_pem(*certificates: x509.Certificate) -> bytes:
    """The certificates as one PEM, in the order given."""
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)


def export_certificate(certificate: x509.Certificate, path: Path) -> Path:
    """Write one certificate for the portal, which takes `.pem` (PEM) and `.cer` (written as DER).

    Raises:
        Problem: another ending, or the file can't be written.
    """
    encodings = {".pem": serialization.Encoding.PEM, ".cer": serialization.Encoding.DER}
    encoding = encodings.get(path.suffix.lower())
    if encoding is None:
        raise Problem(
            f"{path.name} was not written.",
            f"The portal takes files that end in .pem or .cer, not in “{path.suffix}”.",
            "Choose a name with one of the two endings.",
        )
    write_atomically(path, certificate.public_bytes(encoding), mode=PUBLIC)
    return path


def save_private_key(key: PrivateKey, path: Path, *, passphrase: str | None = None, flush: bool = True) -> Path:
    """Write a private key as PKCS#8 PEM, mode 0600; encrypted when a passphrase is given.

    Args:
        flush: as of `write_atomically`.
    """
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    write_atomically(path, pem, mode=PRIVATE, flush=flush)
    return path


def save_authority(
    authority: CertificateAuthority, certificate_file: Path, private_key_file: Path, *, passphrase: str | None = None
) -> None:
    """Write the key first: a certificate without its key is of no use, the reverse is mended by saving again.

    The certificate's file holds the CA first and then its issuers.

    Raises:
        Problem: another CA is kept there (its key can't be had again once it is overwritten), or the disk refuses.
    """
    if certificate_file.exists():
        kept = read_certificates(read_bytes(certificate_file), certificate_file.name)[0]
        if kept.public_key() != authority.certificate.public_key():
            raise Problem(
                f"{certificate_file.name} was not written.",
                f"The CA “{describe(kept).common_name}” is there, and nobody can bring back its private key once it "
                "is overwritten.",
                "Choose another place, or delete that CA first if you are done with it.",
            )
    save_private_key(authority.private_key, private_key_file, passphrase=passphrase)
    write_atomically(certificate_file, certificate_pem(authority.certificate, *authority.issuers), mode=PUBLIC)


def _issuers(certificate: x509.Certificate, above: list[x509.Certificate], source: str) -> tuple[x509.Certificate, ...]:
    """The certificates that follow a CA in its file, once each is seen to have signed the one before it."""
    for below, issuer in pairwise((certificate, *above)):
        if not is_issued_by(below, issuer):
            raise Problem(
                f"The certificates in {source} are not a chain.",
                f"“{describe(below).common_name}” was not signed by the next, “{describe(issuer).common_name}”.",
                "Put the CA first, then its issuer, and so on up to the root; or give the CA alone.",
            )
    return tuple(above)


def _unusable_key(source: str, kind: str) -> Problem:
    return Problem(
        f"{source} holds a kind of key that can't be used here.",
        f"It is {kind}; DPS takes RSA and elliptic curves (ECDSA).",
        "Use a CA with an RSA or an EC key.",
    )


def _instead_of_certificate(content: bytes) -> str:
    label = _PEM_LABEL.search(content)
    if label is None:
        return "It is neither PEM nor the DER of a readable certificate." if content else "The file is empty."
    found = label.group(1).decode()
    if found == "CERTIFICATE":
        return "A certificate in it is cut off or damaged, or its key is neither RSA nor on a usual curve."
    return f"It holds a {found.lower()}."
