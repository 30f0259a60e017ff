"""Valid and invalid certificates, built only with `cryptography`, so that the tests share no code with the helpers."""

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

CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)
PAST = (timedelta(days=-3), timedelta(days=-1))
TODAY = (timedelta(days=-1), timedelta(days=1))
FUTURE = (timedelta(days=1), timedelta(days=3))
LIVES: dict[str, Life] = {
    "good": TODAY,
    "expired": PAST,
    "future": FUTURE,
    "began a minute ago": (timedelta(minutes=-1), timedelta(days=1)),
    "begins in a minute": (timedelta(minutes=1), timedelta(days=1)),
    "ended a minute ago": (timedelta(days=-1), timedelta(minutes=-1)),
    "ends in a minute": (timedelta(days=-1), timedelta(minutes=1)),
}
CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1()}
CRITICAL = (x509.BasicConstraints, x509.KeyUsage)


@cache
def key(kind: str = "P-256", which: int = 0) -> PrivateKey:
    """One of a few keys that are created only once, because creating RSA keys is slow."""
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

    @property
    def certificate_file(self) -> bytes:
        """The content of a PEM file with the certificate."""
        return self.pem.encode()

    @property
    def key_file(self) -> bytes:
        """The content of a PEM file with the key, as PKCS#8, unencrypted."""
        return self.private_key.private_bytes(
            Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def name(*common_names: str, organization: str | None = None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, each) for each in common_names]
    if organization is not None:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def respelled(given: x509.Name, how: str) -> x509.Name:
    """Return a name that is equal by RFC 5280 section 7.1 (which ignores string type, case and doubled spaces), but has other
    bytes."""

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
    """A CA's certificate with everything that RFC 5280 requires.

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
    """A TLS client's certificate with everything that RFC 5280 requires, by default for device-1; see `ca`."""
    own = key(kind, 8)
    standard = (
        x509.BasicConstraints(ca=False, path_length=None),
        usage("digital_signature"),
        x509.ExtendedKeyUsage(CLIENT),
    )
    extensions = _changed((*_identifiers(own, issuer), *standard), instead, without)
    options = {"critical": CRITICAL, **options}
    return craft(name(*(common_names or ("device-1",))), own, issuer=issuer, extensions=extensions, **options)


def issue(
    *common_names: str,
    issuer: Crafted | None = None,
    ca: bool = False,
    path_length: int | None = None,
    life: Life = TODAY,
    purposes: tuple[x509.ObjectIdentifier, ...] = (),
    usages: tuple[str, ...] | None = None,
    instead: Extensions = (),
) -> Crafted:
    """A usual certificate with a new P-256 key, self-signed unless an issuer is given; for `instead` see `ca`."""
    own = ec.generate_private_key(ec.SECP256R1())
    if usages is None:
        usages = ("key_cert_sign", "crl_sign") if ca else ("digital_signature",)
    standard = (x509.BasicConstraints(ca, path_length if ca else None), usage(*usages))
    purpose = (x509.ExtendedKeyUsage(purposes),) if purposes else ()
    extensions = _changed((*_identifiers(own, issuer), *standard, *purpose), instead, ())
    return craft(name(*common_names), own, issuer=issuer, life=life, extensions=extensions, critical=CRITICAL)


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
    left_out = {each.oid for each in (*without, *instead)}
    return (*(each for each in standard if each.oid not in left_out), *instead)


def proof(issuer: Crafted, code: str, *, life: Life = TODAY) -> Crafted:
    """A proof of possession without any extension; the service requires none."""
    return craft(name(code), key(which=9), issuer=issuer, life=life)
