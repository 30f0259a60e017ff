"""Certificates, right and wrong, built with `cryptography` alone: nothing of the package under test is in them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)
TOMORROW = timedelta(days=1)
YESTERDAY = timedelta(days=-1)
PAST = (timedelta(days=-3), YESTERDAY)
FUTURE = (TOMORROW, timedelta(days=3))
TODAY = (YESTERDAY, TOMORROW)


@dataclass(frozen=True)
class Crafted:
    """A certificate and its key."""

    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        return self.private_key.private_bytes(
            Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def craft(
    *common_names: str,
    issuer: Crafted | None = None,
    ca: bool = False,
    path_length: int | None = None,
    life: tuple[timedelta, timedelta] = TODAY,
    purposes: tuple[x509.ObjectIdentifier, ...] = (),
    usages: tuple[str, ...] | None = None,
    further: tuple[x509.ExtensionType, ...] = (),
) -> Crafted:
    """A P-256 certificate, self-signed unless an issuer is given; `life` is counted from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each) for each in common_names])
    signer = issuer.private_key if issuer else key
    now = datetime.now(UTC)
    if usages is None:
        usages = ("key_cert_sign", "crl_sign") if ca else ("digital_signature",)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + life[0])
        .not_valid_after(now + life[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(_usage(usages), critical=True)
    )
    kinds = {each.oid for each in further}
    if x509.BasicConstraints.oid not in kinds:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length if ca else None), critical=True)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    for each in further:
        builder = builder.add_extension(each, critical=False)
    return Crafted(builder.sign(signer, hashes.SHA256()), key)


def _usage(allowed: tuple[str, ...]) -> x509.KeyUsage:
    fields = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{field: field in allowed for field in fields})
