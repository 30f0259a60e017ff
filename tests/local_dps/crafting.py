"""Certificates, right and wrong, built with `cryptography` alone: nothing that the local DPS or the helpers share."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Life = tuple[timedelta, timedelta]

TODAY = (timedelta(days=-1), timedelta(days=1))
LIVES: dict[str, Life] = {
    "good": TODAY,
    "expired": (timedelta(days=-3), timedelta(days=-1)),
    "future": (timedelta(days=1), timedelta(days=3)),
    "began a minute ago": (timedelta(minutes=-1), timedelta(days=1)),
    "begins in a minute": (timedelta(minutes=1), timedelta(days=1)),
    "ended a minute ago": (timedelta(days=-1), timedelta(minutes=-1)),
    "ends in a minute": (timedelta(days=-1), timedelta(minutes=1)),
}


@cache
def key(kind: str = "P-256", which: int = 0) -> PrivateKey:
    """One of a few keys that are made once: making RSA keys is slow."""
    if kind == "P-256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 2048)


@dataclass(frozen=True)
class Crafted:
    """A certificate and its key."""

    certificate: x509.Certificate
    private_key: PrivateKey

    @property
    def pem(self) -> str:
        return pem(self.certificate)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def name(*common_names: str, organization: str | None = None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, each) for each in common_names]
    if organization is not None:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def respelled(given: x509.Name, how: str) -> x509.Name:
    """The same name to RFC 5280 section 7.1 (which ignores string type, case and doubled spaces), in other bytes."""

    def attribute(each: x509.NameAttribute[str]) -> x509.NameAttribute[str]:
        if how == "printable string":
            return x509.NameAttribute(each.oid, each.value, _ASN1Type.PrintableString)
        return x509.NameAttribute(each.oid, each.value.upper())

    return x509.Name([attribute(each) for each in given])


def craft(
    subject: x509.Name,
    private_key: PrivateKey,
    *,
    issuer: Crafted | None = None,
    issuer_name: x509.Name | None = None,
    life: Life = TODAY,
    extensions: tuple[x509.ExtensionType, ...] = (),
) -> Crafted:
    """A certificate with these extensions and no others, self-signed unless an issuer is given."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name or (issuer.certificate.subject if issuer else subject))
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + life[0])
        .not_valid_after(now + life[1])
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    signer = issuer.private_key if issuer else private_key
    return Crafted(builder.sign(signer, hashes.SHA256()), private_key)


def authority(
    subject: x509.Name,
    private_key: PrivateKey,
    *,
    issuer: Crafted | None = None,
    key_identifier: bool = True,
    life: Life = TODAY,
) -> Crafted:
    """A CA certificate."""
    extensions: list[x509.ExtensionType] = [x509.BasicConstraints(ca=True, path_length=None)]
    if key_identifier:
        extensions.append(x509.SubjectKeyIdentifier.from_public_key(private_key.public_key()))
    return craft(subject, private_key, issuer=issuer, life=life, extensions=tuple(extensions))


def root(common_name: str = "Root", kind: str = "P-256") -> Crafted:
    return authority(name(common_name), key(kind))


def proof(issuer: Crafted, code: str, *, life: Life = TODAY) -> Crafted:
    """A proof of possession without any extension, which is all that the service asks for."""
    return craft(name(code), key(which=9), issuer=issuer, life=life)


def corrupted(certificate: x509.Certificate) -> bytes:
    """DER with one bit of the signature turned over."""
    der = bytearray(certificate.public_bytes(Encoding.DER))
    der[-1] ^= 1
    return bytes(der)


def as_pem(der: bytes) -> str:
    body = base64.encodebytes(der).decode().replace("\n", "")
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


ENCODINGS = {
    "base64 of PEM": lambda der: base64.b64encode(as_pem(der).encode()).decode(),
    "base64 of DER": lambda der: base64.b64encode(der).decode(),
    "base64 of PEM with CRLF": lambda der: base64.b64encode(as_pem(der).replace("\n", "\r\n").encode()).decode(),
    "PEM": as_pem,
}


def key_files(private_key: PrivateKey) -> dict[str, bytes]:
    """The private key in the files that a person may pick by mistake."""
    traditional, pkcs8 = serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8
    clear, locked = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"passphrase")
    return {
        "PKCS#8 PEM": private_key.private_bytes(Encoding.PEM, pkcs8, clear),
        "PKCS#8 DER": private_key.private_bytes(Encoding.DER, pkcs8, clear),
        "traditional PEM": private_key.private_bytes(Encoding.PEM, traditional, clear),
        "traditional DER": private_key.private_bytes(Encoding.DER, traditional, clear),
        "encrypted PEM": private_key.private_bytes(Encoding.PEM, pkcs8, locked),
        "encrypted DER": private_key.private_bytes(Encoding.DER, pkcs8, locked),
        "encrypted traditional PEM": private_key.private_bytes(Encoding.PEM, traditional, locked),
    }
