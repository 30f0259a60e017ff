"""The fields and extensions of the certificates that a CA issues."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from helpers.certificates.checks import check_common_name
from helpers.certificates.keys import PublicKey
from helpers.problem import Problem

__all__ = ["as_authority", "as_end_entity", "begin_certificate", "distinguished_name", "for_subject", "validity"]

_BACKDATED = timedelta(hours=1)  # so that a certificate is valid for a device or a service whose clock is slow


def distinguished_name(common_name: str) -> x509.Name:
    """Return the name that has only this common name, after checking it."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, check_common_name(common_name))])


def validity(lifetime: timedelta) -> tuple[datetime, datetime]:
    """Return the dates of a certificate that is valid from an hour ago. Raises Problem for an impossible lifetime."""
    now = datetime.now(UTC).replace(microsecond=0)
    if lifetime <= timedelta(0):
        raise Problem(
            "The lifetime is not positive.", "Such a certificate would never be valid.", "Choose at least one day."
        )
    try:
        return now - _BACKDATED, now + lifetime
    except OverflowError as error:
        raise Problem(
            "The lifetime is too long.", "It ends after 9999, the last year of an X.509 date.", "Choose fewer days."
        ) from error


def begin_certificate(issuer: x509.Name, not_before: datetime, not_after: datetime) -> x509.CertificateBuilder:
    return x509.CertificateBuilder().issuer_name(issuer).not_valid_before(not_before).not_valid_after(not_after)


def for_subject(builder: x509.CertificateBuilder, subject: x509.Name, public_key: PublicKey) -> x509.CertificateBuilder:
    """Add the fields that differ from certificate to certificate."""
    return (
        builder.subject_name(subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def as_authority(builder: x509.CertificateBuilder, path_length: int | None) -> x509.CertificateBuilder:
    """Add a CA's extensions, both critical as RFC 5280 sections 4.2.1.3 and 4.2.1.9 require."""
    return builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True).add_extension(
        _key_usage(key_cert_sign=True, crl_sign=True), critical=True
    )


def as_end_entity(
    builder: x509.CertificateBuilder, purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH
) -> x509.CertificateBuilder:
    """Add an end entity's extensions: its key may sign data, but not certificates.

    Args:
        purpose: the only extended key usage (RFC 5280 section 4.2.1.12); by default, that of a TLS client.
    """
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
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
