"""Certificates, right and wrong, built with `cryptography` alone: nothing that the local DPS or the helpers share."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Life = tuple[timedelta, timedelta]
Extensions = tuple[x509.ExtensionType, ...]
Kinds = tuple[type[x509.ExtensionType], ...]

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
CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}
CRITICAL = (x509.BasicConstraints, x509.KeyUsage)


@cache
def key(kind: str = "P-256", which: int = 0) -> PrivateKey:
    """One of a few keys that are made once: making RSA keys is slow."""
    if kind in CURVES:
        return ec.generate_private_key(CURVES[kind])
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
    extensions: Extensions = (),
    critical: Kinds = (x509.BasicConstraints,),
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
        builder = builder.add_extension(extension, critical=isinstance(extension, critical))
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


def ca(
    common_name: str,
    which: int,
    issuer: Crafted | None = None,
    *,
    kind: str = "P-256",
    instead: Extensions = (),
    without: Kinds = (),
    **options: Any,
) -> Crafted:
    """A CA's certificate with all that RFC 5280 asks for.

    Args:
        which: of the keys of its kind; certificates of the same key are the same CA's.
        instead: extensions in place of those of their kinds, or added to them. without: kinds to leave out.
        options: of `craft`.
    """
    own = key(kind, which)
    standard = (x509.BasicConstraints(ca=True, path_length=None), usage("key_cert_sign", "crl_sign"))
    extensions = _changed((*_identifiers(own, issuer), *standard), instead, without)
    return craft(name(common_name), own, issuer=issuer, extensions=extensions, **{"critical": CRITICAL, **options})


def leaf(
    issuer: Crafted,
    *common_names: str,
    kind: str = "P-256",
    instead: Extensions = (),
    without: Kinds = (),
    **options: Any,
) -> Crafted:
    """A TLS client's certificate with all that RFC 5280 asks for, by its name device-1; see `ca`."""
    own = key(kind, 8)
    standard = (
        x509.BasicConstraints(ca=False, path_length=None),
        usage("digital_signature"),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]),
    )
    extensions = _changed((*_identifiers(own, issuer), *standard), instead, without)
    options = {"critical": CRITICAL, **options}
    return craft(name(*(common_names or ("device-1",))), own, issuer=issuer, extensions=extensions, **options)


def usage(*allowed: str) -> x509.KeyUsage:
    signing = ("digital_signature", "content_commitment", "key_cert_sign", "crl_sign")
    others = ("key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{each: each in allowed for each in signing + others})


def _identifiers(own: PrivateKey, issuer: Crafted | None) -> Extensions:
    signer = (issuer.private_key if issuer else own).public_key()
    return (
        x509.SubjectKeyIdentifier.from_public_key(own.public_key()),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer),
    )


def _changed(standard: Extensions, instead: Extensions, without: Kinds) -> Extensions:
    left_out = (*without, *map(type, instead))
    return (*(each for each in standard if not isinstance(each, left_out)), *instead)


def proof(issuer: Crafted, code: str, *, life: Life = TODAY) -> Crafted:
    """A proof of possession without any extension, which is all that the service asks for."""
    return craft(name(code), key(which=9), issuer=issuer, life=life)


def repeating_an_extension(subject: x509.Name, private_key: PrivateKey, issuer: Crafted) -> Crafted:
    """What `cryptography` does not make: one of two extensions is turned into the other, and the whole signed again."""
    oids = [x509.ObjectIdentifier(f"1.3.6.1.4.1.99999.{last}") for last in (1, 2)]
    two = tuple(x509.UnrecognizedExtension(oid, b"\x05\x00") for oid in oids)
    signed = craft(subject, private_key, issuer=issuer, extensions=two).certificate.tbs_certificate_bytes
    first, second = (bytes.fromhex("2b06010401868d1f") + bytes([last]) for last in (1, 2))
    signed = signed.replace(second, first)
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")  # ecdsa-with-SHA256
    signature = issuer.private_key.sign(signed, ec.ECDSA(hashes.SHA256()))
    der = _element(0x30, signed + algorithm + _element(0x03, b"\0" + signature))
    return Crafted(x509.load_der_x509_certificate(der), private_key)


def _element(tag: int, content: bytes) -> bytes:
    """DER (X.690 section 8.1)."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def corrupted(certificate: x509.Certificate) -> bytes:
    """DER with one bit of the signature turned over."""
    der = bytearray(certificate.public_bytes(Encoding.DER))
    der[-1] ^= 1
    return bytes(der)


def as_pem(der: bytes, label: str = "CERTIFICATE") -> str:
    body = base64.encodebytes(der).decode().replace("\n", "")
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


ENCODINGS = {
    "base64 of PEM": lambda der: base64.b64encode(as_pem(der).encode()).decode(),
    "base64 of DER": lambda der: base64.b64encode(der).decode(),
    "base64 of PEM with CRLF": lambda der: base64.b64encode(as_pem(der).replace("\n", "\r\n").encode()).decode(),
    "base64 of DER, in base64 again": lambda der: base64.b64encode(base64.b64encode(der)).decode(),
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
