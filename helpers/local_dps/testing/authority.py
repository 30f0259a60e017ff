"""CAs and devices for tests, with new EC keys."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["CaForTests", "DeviceForTests"]

_CLOCK_SKEW = timedelta(minutes=5)
_LIFETIME = timedelta(days=2)  # longer than any test, but too short for use elsewhere
_CERTIFICATE_SIGN_ONLY = {"key_cert_sign": True, "crl_sign": True, "digital_signature": False}
_SIGNATURE_ONLY = {"key_cert_sign": False, "crl_sign": False, "digital_signature": True}
_OTHER_USAGES = (
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, eq=False)
class DeviceForTests:
    """A device: its certificate with the CAs below the root, and its private key.

    Attributes:
        registration_id: the common name of its certificate.
        chain_pem: the device's certificate first, then each CA up to the root, but without the root.
        chain_file: a PEM file with chain_pem.
        key_file: a PEM file with the private key in PKCS#8, not encrypted, with mode 0600.
    """

    registration_id: str
    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey
    chain_pem: str
    chain_file: Path
    key_file: Path


@dataclass(frozen=True, eq=False)
class CaForTests:
    """A CA with its private key.

    Attributes:
        issuer: the CA above; None for a root.
    """

    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey
    issuer: "CaForTests | None" = None

    @classmethod
    def create_root(cls, common_name: str) -> Self:
        """Create a root CA."""
        private_key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign(common_name, private_key, _CA, _CERTIFICATE_SIGN_ONLY, common_name, private_key)
        return cls(certificate, private_key)

    def create_intermediate(self, common_name: str) -> "CaForTests":
        """Create a CA below this one."""
        private_key = ec.generate_private_key(ec.SECP256R1())
        return CaForTests(self._issue(common_name, private_key, _CA, _CERTIFICATE_SIGN_ONLY), private_key, self)

    def issue_device(self, registration_id: str, folder: Path) -> DeviceForTests:
        """Issue a device certificate, and write its files.

        Args:
            folder: a folder that exists; the files are named after the registration id.
        """
        private_key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._issue(registration_id, private_key, _LEAF, _SIGNATURE_ONLY, for_clients=True)
        above = [ca.certificate for ca in self.line() if ca.issuer is not None]
        chain_pem = "".join(_pem(each) for each in (certificate, *above))
        chain_file, key_file = folder / f"{registration_id}.chain.pem", folder / f"{registration_id}.key.pem"
        chain_file.write_text(chain_pem, encoding="ascii")
        _write_private(key_file, private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return DeviceForTests(registration_id, certificate, private_key, chain_pem, chain_file, key_file)

    def sign_verification_code(self, code: str) -> x509.Certificate:
        """Sign the proof of possession: a certificate with the code as its common name, for an ephemeral key, which is
        discarded."""
        return self._issue(code, ec.generate_private_key(ec.SECP256R1()), _LEAF, _SIGNATURE_ONLY)

    @property
    def pem(self) -> str:
        """The certificate as PEM."""
        return _pem(self.certificate)

    def line(self) -> "list[CaForTests]":
        """Return this CA and each one above it, the root last."""
        return [self, *(self.issuer.line() if self.issuer else ())]

    def _issue(
        self,
        common_name: str,
        private_key: ec.EllipticCurvePrivateKey,
        constraints: x509.BasicConstraints,
        usages: dict[str, bool],
        *,
        for_clients: bool = False,
    ) -> x509.Certificate:
        issuer = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        return _sign(
            common_name, private_key, constraints, usages, str(issuer), self.private_key, for_clients=for_clients
        )


_CA = x509.BasicConstraints(ca=True, path_length=None)
_LEAF = x509.BasicConstraints(ca=False, path_length=None)


def _sign(
    common_name: str,
    private_key: ec.EllipticCurvePrivateKey,
    constraints: x509.BasicConstraints,
    usages: dict[str, bool],
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    for_clients: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    public = private_key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(_name(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _LIFETIME)
        .add_extension(constraints, critical=True)
        .add_extension(x509.KeyUsage(**usages, **dict.fromkeys(_OTHER_USAGES, False)), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if for_clients:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode("ascii")


def _write_private(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
