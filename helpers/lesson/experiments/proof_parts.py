"""The parts from which cases make their proofs. Unlike `CertificateAuthority`, they can also make a wrong one."""

import base64
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from helpers.certificates import CertificateAuthority, PrivateKey, certificate_pem, signature_hash
from helpers.lesson.experiments.proof_case import Attempt

__all__ = ["DAY", "Life", "crafted", "encoded", "name_of", "named", "sent_as_pem", "signed"]

Life: TypeAlias = tuple[timedelta, timedelta]
"""The beginning and the end of a validity period, from now."""
DAY = timedelta(days=1)
_LIFE = (-timedelta(hours=1), DAY)


def signed(
    authority: CertificateAuthority,
    common_name: str,
    *,
    life: Life = _LIFE,
    around: tuple[x509.Certificate, ...] = (),
    cn_is: str = "",
) -> Attempt:
    """Return a request with a certificate of that common name, signed with the CA's key."""
    proof = crafted(named(common_name), authority.certificate.subject, authority.private_key, life=life)
    return sent_as_pem(proof, around=around, cn_is=cn_is)


def sent_as_pem(proof: x509.Certificate, *, around: tuple[x509.Certificate, ...] = (), cn_is: str = "") -> Attempt:
    """Return a request with this certificate."""
    return Attempt(encoded(certificate_pem(proof)), "base64 of a certificate", proof, around, cn_is)


def crafted(
    subject: x509.Name,
    issuer: x509.Name,
    signer: PrivateKey,
    *,
    own_key: PrivateKey | None = None,
    life: Life = _LIFE,
    extensions: bool = True,
) -> x509.Certificate:
    """Return a certificate with exactly these fields.

    Args:
        signer: the key that makes the signature. own_key: the key pair of the certificate itself; by default a new one.
        extensions: whether it says that it is not a CA.
    """
    now = datetime.now(UTC)
    key = own_key or ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now + life[0])
    builder = builder.not_valid_after(now + life[1])
    if extensions:
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return builder.sign(signer, signature_hash(signer))


def named(common_name: str, **further: str) -> x509.Name:
    """Return a name. Further attributes, such as `organization_name`, stand before the common name."""
    attributes = [x509.NameAttribute(getattr(NameOID, kind.upper()), value) for kind, value in further.items()]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def name_of(authority: CertificateAuthority) -> str:
    """Return the common name of a CA."""
    (name,) = authority.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(name.value)


def encoded(content: bytes) -> str:
    """Return content as the request's field has it."""
    return base64.b64encode(content).decode()
