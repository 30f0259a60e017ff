"""Certificate authorities. They issue certificates for intermediate CAs, for devices, and for proofs of possession."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from cryptography import x509

from helpers.certificates.checks import check_verification_code, require_authority, require_ordinary_key
from helpers.certificates.describe import describe, extension
from helpers.certificates.fields import (
    as_authority,
    as_end_entity,
    begin_certificate,
    distinguished_name,
    for_subject,
    validity,
)
from helpers.certificates.keys import KeyAlgorithm, PrivateKey, PublicKey, signature_hash
from helpers.problem import Problem

__all__ = [
    "DEVICE_LIFETIME",
    "CertificateAuthority",
    "DeviceCertificate",
    "VerificationCertificate",
]

_CA_LIFETIME = timedelta(days=3650)
DEVICE_LIFETIME = timedelta(days=365)
_PROOF_LIFETIME = timedelta(days=3)  # as in Microsoft's own sample, although a proof is used within minutes


@dataclass(frozen=True)
class DeviceCertificate:
    """A device's certificate, its private key and its chain.

    Attributes:
        chain: the certificates that the device must send in its TLS handshake (RFC 8446 section 4.4.2): its own first, then
            each issuer up to, but not including, the root.
    """

    certificate: x509.Certificate
    private_key: PrivateKey
    chain: tuple[x509.Certificate, ...]


@dataclass(frozen=True)
class VerificationCertificate:
    """A proof of possession: a certificate whose CN is the verification code, signed with the CA's private key.

    Its own private key no longer exists: the proof is the CA's signature.
    """

    certificate: x509.Certificate
    code: str


@dataclass(frozen=True)
class CertificateAuthority:
    """A CA certificate together with its private key.

    Attributes:
        certificate: the public part, which you upload to DPS.
        private_key: never leaves this machine.
        issuers: the CAs above this one, its own issuer first and the root last; empty for a root.

    Raises:
        Problem: the private key does not match the certificate, or the certificate is not a CA's, or its key has a form
            that other software rejects.
    """

    certificate: x509.Certificate
    private_key: PrivateKey
    issuers: tuple[x509.Certificate, ...] = ()

    def __post_init__(self) -> None:
        name = describe(self.certificate).common_name
        if self.private_key.public_key() != self.certificate.public_key():
            raise Problem(
                f"The private key does not belong to the certificate “{name}”.",
                "The public key in the certificate can't verify a signature made with this private key.",
                "Choose the key file that was created together with this certificate.",
            )
        require_authority(self.certificate)
        require_ordinary_key(self.certificate)

    def __repr__(self) -> str:
        return f"CertificateAuthority({describe(self.certificate).common_name!r})"

    @classmethod
    def create_root(
        cls,
        common_name: str,
        *,
        key_algorithm: KeyAlgorithm = KeyAlgorithm.P256,
        lifetime: timedelta = _CA_LIFETIME,
        path_length: int | None = 1,
    ) -> "CertificateAuthority":
        """Return a new self-signed CA.

        Args:
            common_name: 1 to 64 bytes in UTF-8, without control characters, and without white space at either end.
            lifetime: from now; in addition, the start is backdated by an hour.
            path_length: the number of CAs that may follow below it in a chain (RFC 5280 section 4.2.1.9); None for no limit.
        """
        if path_length is not None and path_length < 0:
            raise Problem(
                f"A path length of {path_length} is not possible.",
                "It is the number of CAs that may follow below this one in a chain.",
                "Choose 0 or more.",
            )
        key = key_algorithm.generate()
        name = distinguished_name(common_name)
        builder = for_subject(begin_certificate(name, *validity(lifetime)), name, key.public_key())
        return cls(as_authority(builder, path_length).sign(key, signature_hash(key)), key)

    def create_intermediate(
        self,
        common_name: str,
        *,
        key_algorithm: KeyAlgorithm = KeyAlgorithm.P256,
        lifetime: timedelta = _CA_LIFETIME,
    ) -> "CertificateAuthority":
        """Return a new CA, signed by this one. Its path length is one less, and it expires no later than this one.

        Raises:
            Problem: this CA's path length allows no CA below it, or the name is invalid, or this CA is not valid today.
        """
        path_length = self._path_length()
        if path_length is not None and path_length <= 0:
            raise Problem(
                f"“{describe(self.certificate).common_name}” can't have a CA below it.",
                "Because of its path length, or that of a CA above it, it may issue certificates to devices, but not to "
                "another CA (RFC 5280 section 4.2.1.9).",
                "Issue device certificates from it directly, or start from a CA with a path length of 1 or more.",
            )
        key = key_algorithm.generate()
        builder = self._start(common_name, key.public_key(), lifetime)
        below = None if path_length is None else path_length - 1
        return CertificateAuthority(self._sign(as_authority(builder, below)), key, (self.certificate, *self.issuers))

    def issue_device(
        self,
        device_id: str,
        *,
        key_algorithm: KeyAlgorithm = KeyAlgorithm.P256,
        lifetime: timedelta = DEVICE_LIFETIME,
    ) -> DeviceCertificate:
        """Issue a device's certificate with `device_id` as its CN, for TLS client authentication only."""
        return next(self.issue_devices([device_id], key_algorithm=key_algorithm, lifetime=lifetime))

    def issue_devices(
        self,
        device_ids: Iterable[str],
        *,
        key_algorithm: KeyAlgorithm = KeyAlgorithm.P256,
        lifetime: timedelta = DEVICE_LIFETIME,
    ) -> Iterator[DeviceCertificate]:
        """Issue a certificate for each device, one after another. The parts that they have in common are built only once."""
        template = as_end_entity(self._template(lifetime))
        for device_id in device_ids:
            key = key_algorithm.generate()
            certificate = self._sign(for_subject(template, distinguished_name(device_id), key.public_key()))
            yield DeviceCertificate(certificate, key, (certificate, *self.above_devices))

    @cached_property
    def above_devices(self) -> tuple[x509.Certificate, ...]:
        """The CAs that a device sends after its own certificate: this one and those above it, except the root."""
        return tuple(ca for ca in (self.certificate, *self.issuers) if not describe(ca).is_self_signed)

    def sign_verification_code(self, code: str) -> VerificationCertificate:
        """Return a proof of possession: a certificate with `code` as its CN, signed with this CA's private key.

        The certificate is for an ephemeral key pair, whose private key is discarded at once because nothing uses it.

        Args:
            code: exactly as DPS returned it, 48 upper-case hexadecimal characters.

        Raises:
            Problem: the code does not have that form, or this CA is not valid today.
        """
        check_verification_code(code)
        ephemeral = KeyAlgorithm.P256.generate()
        builder = self._start(code, ephemeral.public_key(), _PROOF_LIFETIME)
        return VerificationCertificate(self._sign(as_end_entity(builder)), code)

    def issue_for_purpose(
        self, common_name: str, public_key: PublicKey, purpose: x509.ObjectIdentifier, *, lifetime: timedelta
    ) -> x509.Certificate:
        """Issue an end entity's certificate whose only extended key usage is this purpose.

        Raises:
            Problem: the name is invalid, or this CA is not valid today.
        """
        return self._sign(as_end_entity(self._start(common_name, public_key, lifetime), purpose))

    def require_valid_now(self) -> None:
        """Raise a Problem unless this CA and all CAs above it are valid now: otherwise, a chain through it is rejected."""
        now = datetime.now(UTC)
        for facts in map(describe, (self.certificate, *self.issuers)):
            if now > facts.not_after:
                raise Problem(
                    f"The CA “{facts.common_name}” has expired.",
                    f"It was valid until {facts.not_after:%Y-%m-%d %H:%M} UTC; now it is {now:%Y-%m-%d %H:%M} UTC.",
                    "Create a new CA, or get a renewed certificate for this one from its issuer.",
                )
            if now < facts.not_before:
                raise Problem(
                    f"The CA “{facts.common_name}” is not valid yet.",
                    f"It is valid from {facts.not_before:%Y-%m-%d %H:%M} UTC; now it is {now:%Y-%m-%d %H:%M} UTC.",
                    "Check this machine's clock, or wait until then.",
                )

    def _path_length(self) -> int | None:
        """Return how many CAs may follow below: the tightest limit of this CA and those above it. None for no limit."""
        limits = [describe(ca).path_length for ca in (self.certificate, *self.issuers)]
        return min((limit - above for above, limit in enumerate(limits) if limit is not None), default=None)

    def _start(self, common_name: str, public_key: PublicKey, lifetime: timedelta) -> x509.CertificateBuilder:
        return for_subject(self._template(lifetime), distinguished_name(common_name), public_key)

    def _template(self, lifetime: timedelta) -> x509.CertificateBuilder:
        """Return the builder with the fields that all certificates from this CA share.

        None of them outlives a CA above it, because the chain is invalid from then on.
        """
        self.require_valid_now()
        not_before, not_after = validity(lifetime)
        for authority in (self.certificate, *self.issuers):
            not_before = max(not_before, authority.not_valid_before_utc)
            not_after = min(not_after, authority.not_valid_after_utc)
        builder = begin_certificate(self.certificate.subject, not_before, not_after)
        return builder.add_extension(self._authority_key_identifier(), critical=False)

    def _authority_key_identifier(self) -> x509.AuthorityKeyIdentifier:
        """Return the AKI: exactly the SKI in the CA's certificate (RFC 5280 section 4.2.1.1)."""
        subject_key_identifier = extension(self.certificate, x509.SubjectKeyIdentifier)
        if subject_key_identifier is None:  # another tool created the CA without one
            return x509.AuthorityKeyIdentifier.from_issuer_public_key(self.private_key.public_key())
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject_key_identifier)

    def _sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        return builder.sign(self.private_key, signature_hash(self.private_key))
