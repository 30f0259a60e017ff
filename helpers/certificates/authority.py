"""A certificate authority and what it signs: authorities below it, devices, and the proof that it holds its key."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from helpers.certificates.describe import describe, extension
from helpers.certificates.keys import KeyAlgorithm, PrivateKey, PublicKey, signature_hash
from helpers.problem import Problem

__all__ = [
    "DEVICE_LIFETIME",
    "CertificateAuthority",
    "DeviceCertificate",
    "VerificationCertificate",
    "check_common_name",
    "check_verification_code",
    "require_authority",
]

_BACKDATED = timedelta(hours=1)  # a device or a service whose clock is behind still finds the certificate valid
_CA_LIFETIME = timedelta(days=3650)
DEVICE_LIFETIME = timedelta(days=365)
_PROOF_LIFETIME = timedelta(days=3)  # as long as Microsoft's own sample gave it; it is used within minutes
_LONGEST_COMMON_NAME = 64  # ub-common-name, RFC 5280 appendix A.1; counted in bytes by most software
_CODE = re.compile(r"[0-9A-F]{48}")


@dataclass(frozen=True)
class DeviceCertificate:
    """A device's certificate, its private key, and the authorities above it.

    Attributes:
        chain: the device's certificate first, then each issuer up to, but without, the root: what the device must send
            in its TLS handshake (RFC 8446 section 4.4.2). One PEM file holds it all.
    """

    certificate: x509.Certificate
    private_key: PrivateKey
    chain: tuple[x509.Certificate, ...]


@dataclass(frozen=True)
class VerificationCertificate:
    """A proof: CN = the verification code, signed by the authority to be proved.

    Its own private key is already gone: only the authority's signature on it proves anything.
    """

    certificate: x509.Certificate
    code: str


@dataclass(frozen=True)
class CertificateAuthority:
    """A CA certificate together with its private key.

    Attributes:
        certificate: the public part; this is what DPS gets.
        private_key: never leaves this machine.
        issuers: the certificates above it, its own issuer first and the root last; empty for a root.

    Raises:
        Problem: the key is another certificate's, or the certificate is not a CA's.
    """

    certificate: x509.Certificate
    private_key: PrivateKey
    issuers: tuple[x509.Certificate, ...] = ()

    def __post_init__(self) -> None:
        name = describe(self.certificate).common_name
        if self.private_key.public_key() != self.certificate.public_key():
            raise Problem(
                f"The private key does not belong to the certificate “{name}”.",
                "A signature made with it could not be checked with the public key in the certificate.",
                "Give the key file that was made together with this certificate.",
            )
        require_authority(self.certificate)
        _require_ordinary_key(self.certificate)

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
        """A new self-signed CA.

        Args:
            common_name: 1 to 64 bytes in UTF-8, no control characters, no white space at its ends.
            lifetime: from now; the start is backdated by an hour besides.
            path_length: how many CAs may stand in a row below it (RFC 5280 section 4.2.1.9); None for no limit.
        """
        if path_length is not None and path_length < 0:
            raise Problem(
                f"A path length of {path_length} has no meaning.",
                "It counts the CAs that may stand below this one.",
                "Give 0 or more.",
            )
        key = key_algorithm.generate()
        name = _name(common_name)
        builder = _for_subject(_builder(name, *_validity(lifetime)), name, key.public_key())
        return cls(_as_authority(builder, path_length).sign(key, signature_hash(key)), key)

    def create_intermediate(
        self,
        common_name: str,
        *,
        key_algorithm: KeyAlgorithm = KeyAlgorithm.P256,
        lifetime: timedelta = _CA_LIFETIME,
    ) -> "CertificateAuthority":
        """A CA signed by this one. Its path length is one less; it ends no later than this one.

        Raises:
            Problem: this CA's path length allows no CA below it, the name is bad, or this CA is not valid today.
        """
        path_length = self._path_length()
        if path_length is not None and path_length <= 0:
            raise Problem(
                f"“{describe(self.certificate).common_name}” can't have a CA below it.",
                "Its path length, or that of a CA above it, is used up: it may sign devices, but no further CA "
                "(RFC 5280 section 4.2.1.9).",
                "Sign devices with it directly, or start from a CA with a path length of 1 or more.",
            )
        key = key_algorithm.generate()
        builder = self._start(common_name, key.public_key(), lifetime)
        below = None if path_length is None else path_length - 1
        return CertificateAuthority(self._sign(_as_authority(builder, below)), key, (self.certificate, *self.issuers))

    def issue_device(
        self,
        device_id: str,
        *,
        key_algorithm: KeyAlgorithm = KeyAlgorithm.P256,
        lifetime: timedelta = DEVICE_LIFETIME,
    ) -> DeviceCertificate:
        """A device's certificate with CN = `device_id`, for TLS client authentication only."""
        return next(self.issue_devices([device_id], key_algorithm=key_algorithm, lifetime=lifetime))

    def issue_devices(
        self,
        device_ids: Iterable[str],
        *,
        key_algorithm: KeyAlgorithm = KeyAlgorithm.P256,
        lifetime: timedelta = DEVICE_LIFETIME,
    ) -> Iterator[DeviceCertificate]:
        """A certificate for each device, one after the other. What they have in common is made once."""
        template = _as_end_entity(self._template(lifetime))
        for device_id in device_ids:
            key = key_algorithm.generate()
            certificate = self._sign(_for_subject(template, _name(device_id), key.public_key()))
            yield DeviceCertificate(certificate, key, (certificate, *self.above_devices))

    @cached_property
    def above_devices(self) -> tuple[x509.Certificate, ...]:
        """The CAs that a device sends after its own certificate: this one and those above it, but not the root."""
        return tuple(ca for ca in (self.certificate, *self.issuers) if not describe(ca).is_self_signed)

    def sign_verification_code(self, code: str) -> VerificationCertificate:
        """The proof that this CA's private key is at hand: a certificate with CN = `code`, signed with that key.

        The certificate is for a new key pair which is thrown away at once: nobody ever uses it.

        Args:
            code: exactly as DPS gave it, 48 upper-case hexadecimal characters.

        Raises:
            Problem: the code is not of that form, or this CA is not valid today.
        """
        check_verification_code(code)
        throw_away = KeyAlgorithm.P256.generate()
        builder = self._start(code, throw_away.public_key(), _PROOF_LIFETIME)
        return VerificationCertificate(self._sign(_as_end_entity(builder)), code)

    def require_valid_now(self) -> None:
        """Raises a Problem unless this CA and all above it are valid today: what it signs then convinces nobody."""
        now = datetime.now(UTC)
        for facts in map(describe, (self.certificate, *self.issuers)):
            if now > facts.not_after:
                raise Problem(
                    f"The CA “{facts.common_name}” has expired.",
                    f"It was valid until {facts.not_after:%Y-%m-%d %H:%M} UTC; now it is {now:%Y-%m-%d %H:%M} UTC.",
                    "Create a new CA, or have this one renewed by its issuer.",
                )
            if now < facts.not_before:
                raise Problem(
                    f"The CA “{facts.common_name}” is not valid yet.",
                    f"It begins at {facts.not_before:%Y-%m-%d %H:%M} UTC; now it is {now:%Y-%m-%d %H:%M} UTC.",
                    "Check this machine's clock, or wait until then.",
                )

    def _path_length(self) -> int | None:
        """How many CAs may stand below: the tightest limit of all the CAs from this one up. None for no limit."""
        limits = [describe(ca).path_length for ca in (self.certificate, *self.issuers)]
        return min((limit - above for above, limit in enumerate(limits) if limit is not None), default=None)

    def _start(self, common_name: str, public_key: PublicKey, lifetime: timedelta) -> x509.CertificateBuilder:
        return _for_subject(self._template(lifetime), _name(common_name), public_key)

    def _template(self, lifetime: timedelta) -> x509.CertificateBuilder:
        """What every certificate signed by this CA has. None outlives a CA above it: the chain would break first."""
        self.require_valid_now()
        not_before, not_after = _validity(lifetime)
        for authority in (self.certificate, *self.issuers):
            not_before = max(not_before, authority.not_valid_before_utc)
            not_after = min(not_after, authority.not_valid_after_utc)
        builder = _builder(self.certificate.subject, not_before, not_after)
        return builder.add_extension(self._authority_key_identifier(), critical=False)

    def _authority_key_identifier(self) -> x509.AuthorityKeyIdentifier:
        """The SKI that the CA's certificate carries, letter for letter (RFC 5280 section 4.2.1.1)."""
        subject_key_identifier = extension(self.certificate, x509.SubjectKeyIdentifier)
        if subject_key_identifier is None:  # a CA that another tool made without one
            return x509.AuthorityKeyIdentifier.from_issuer_public_key(self.private_key.public_key())
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject_key_identifier)

    def _sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        return builder.sign(self.private_key, signature_hash(self.private_key))


def check_verification_code(code: str) -> str:
    """Returns `code` if it has the form that DPS gives: 48 upper-case hexadecimal characters (24 bytes).

    Raises:
        Problem: white space, another length or other characters: the CN would not equal the code.
    """
    if any(character.isspace() for character in code):
        reason = "It contains white space; the certificate's name must equal the code to the letter."
    elif len(code) != 48:
        reason = f"It has {len(code)} characters; DPS gives 48. (IoT Hub's codes have other lengths.)"
    elif not _CODE.fullmatch(code):
        reason = "It has characters other than 0–9 and A–F in upper case."
    else:
        return code
    raise Problem("This is not a verification code.", reason, "Copy the whole code from DPS again, and nothing else.")


def require_authority(certificate: x509.Certificate) -> None:
    """Raises a Problem unless the certificate is a CA's, which may sign others."""
    facts = describe(certificate)
    if not facts.is_authority:
        reason = "Its basic constraints do not say that it is a CA (RFC 5280 section 4.2.1.9)."
    elif (usage := extension(certificate, x509.KeyUsage)) is not None and not usage.key_cert_sign:
        reason = "Its key usage does not allow it to sign certificates (RFC 5280 section 4.2.1.3)."
    else:
        return
    raise Problem(
        f"“{facts.common_name}” is not a CA certificate.",
        f"{reason} It looks like a device's certificate.",
        "Give the certificate of the CA that signs your devices.",
    )


def _require_ordinary_key(certificate: x509.Certificate) -> None:
    """OpenSSL refuses curves spelled out by their parameters, and keys bound to RSA-PSS sign nothing else.

    Both are seen by writing the public key again: the ordinary form stands in the certificate to the byte.
    """
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    if certificate.public_key().public_bytes(encoding, form) not in certificate.public_bytes(encoding):
        raise Problem(
            f"The key of “{describe(certificate).common_name}” is of a form that others refuse.",
            "It is an RSA-PSS key, or an elliptic curve that is not named but spelled out.",
            "Use a CA with an ordinary RSA key (rsaEncryption) or a named curve (RFC 5480 section 2.1.1).",
        )


def check_common_name(common_name: str) -> str:
    """Returns `common_name` if it can be a certificate's: 1 to 64 bytes in UTF-8, all of them visible.

    Raises:
        Problem: it can't.
    """
    if not common_name.strip():
        reason = "It is empty."
    elif common_name != common_name.strip():
        reason = "It begins or ends with white space, which nobody sees and everything compares."
    elif not common_name.isprintable():
        reason = "It contains control characters or others that nobody can see."
    elif len(common_name.encode()) > _LONGEST_COMMON_NAME:
        reason = f"It takes {len(common_name.encode())} bytes in UTF-8; {_LONGEST_COMMON_NAME} fit."
    else:
        return common_name
    raise Problem(f"{common_name!r} can't be a certificate's common name.", reason, "Choose another name.")


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, check_common_name(common_name))])


def _validity(lifetime: timedelta) -> tuple[datetime, datetime]:
    now = datetime.now(UTC).replace(microsecond=0)
    if lifetime <= timedelta(0):
        raise Problem(
            "The lifetime is not positive.", "Such a certificate would never be valid.", "Give at least one day."
        )
    try:
        return now - _BACKDATED, now + lifetime
    except OverflowError as error:
        raise Problem(
            "The lifetime is too long.", "It ends after the year 9999, where X.509 dates end.", "Give fewer days."
        ) from error


def _builder(issuer: x509.Name, not_before: datetime, not_after: datetime) -> x509.CertificateBuilder:
    return x509.CertificateBuilder().issuer_name(issuer).not_valid_before(not_before).not_valid_after(not_after)


def _for_subject(
    builder: x509.CertificateBuilder, subject: x509.Name, public_key: PublicKey
) -> x509.CertificateBuilder:
    """What no two certificates have in common."""
    return (
        builder.subject_name(subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _as_authority(builder: x509.CertificateBuilder, path_length: int | None) -> x509.CertificateBuilder:
    """Both critical, as RFC 5280 sections 4.2.1.3 and 4.2.1.9 ask of a CA."""
    return builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True).add_extension(
        _key_usage(key_cert_sign=True, crl_sign=True), critical=True
    )


def _as_end_entity(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    """A TLS client, as RFC 5280 section 4.2.1.12 asks: it signs handshakes, and never certificates."""
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    )


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
