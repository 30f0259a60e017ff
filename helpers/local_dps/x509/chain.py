"""Verification of a device's chain, from its certificate upwards: names, signatures, dates and the right to sign."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from .issuing import UNREADABLE, ComparableName, comparable_name, find_extension, is_issued
from .name_constraints import forbidden_names

__all__ = ["MAX_CHAIN_BYTES", "chain_size", "find_flaw", "find_paths"]

_Identity = tuple[ComparableName, bytes]
_CLIENT_PURPOSES = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
# RFC 5280 section 4.2: a certificate must be rejected if it has a critical extension that is not processed. Certificate
# policies count as processed, because every policy is accepted.
_PROCESSED_EXTENSIONS = (
    x509.BasicConstraints,
    x509.CertificatePolicies,
    x509.ExtendedKeyUsage,
    x509.KeyUsage,
    x509.NameConstraints,
    x509.SubjectAlternativeName,
)
# A device's certificate and three CAs with RSA-4096 keys take 8 KiB. Comparing very large names would take long.
MAX_CHAIN_BYTES = 32 * 1024
_MAX_PATH_LENGTH = 10
_MAX_PRESENTED_CAS = 16  # besides the device's own certificate; a device must not decide how long verification takes


# Every device of a fleet has the same CAs in its chain, and each device sends at least two requests.
_is_issued = lru_cache(512)(is_issued)


def chain_size(chain: Iterable[x509.Certificate]) -> int:
    """Return the size of all certificates in bytes, without their signatures."""
    return sum(len(each.tbs_certificate_bytes) for each in chain)


def find_paths(
    leaf: x509.Certificate, presented: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate]
) -> Iterator[list[x509.Certificate]]:
    """Return the paths from the device's certificate upwards, each as long as possible.

    There may be several paths, because a renewed or cross-signed CA has more than one certificate with the same key. One
    valid path is enough. No path has the same name and key twice (RFC 4158 section 2.2). The order of the presented
    certificates does not matter, and unrelated ones are left out.
    """
    pool = dict.fromkeys((*trusted, *filter(_is_cheap, presented[:_MAX_PRESENTED_CAS])))

    @cache
    def issuers(certificate: x509.Certificate) -> Mapping[x509.Certificate, _Identity]:
        return {each: _identity(each) for each in pool if each != leaf and _is_issued(certificate, each)}

    def climb(path: list[x509.Certificate]) -> Iterator[list[x509.Certificate]]:
        passed = set(map(_identity, path[1:]))
        above = [each for each, identity in issuers(path[-1]).items() if identity not in passed]
        if not above or len(path) == _MAX_PATH_LENGTH:
            yield path
            return
        for each in above:
            yield from climb([*path, each])

    return climb([leaf])


def _is_cheap(authority: x509.Certificate) -> bool:
    """Whether it is cheap to verify a signature with a key. An attacker's RSA exponent may make it a thousand times slower."""
    try:
        key = authority.public_key()
    except UNREADABLE:
        return False
    return not isinstance(key, rsa.RSAPublicKey) or (key.key_size <= 8192 and key.public_numbers().e < 1 << 32)


def _identity(authority: x509.Certificate) -> _Identity:
    """Return the name and key of a CA, which all of its certificates share."""
    key = authority.public_key()
    return comparable_name(authority.subject), key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def find_flaw(path: Sequence[x509.Certificate], now: datetime) -> str | None:
    """Return why a path is invalid, or None if it is valid (RFC 5280 section 6.1).

    Args:
        path: from the device's certificate to its trust anchor.
    """
    try:
        return next(_flaws(path, now), None)
    except UNREADABLE:
        return "A certificate has an extension that can't be read, or that occurs twice."


def _flaws(path: Sequence[x509.Certificate], now: datetime) -> Iterator[str]:
    for certificate in path:
        name = certificate.subject.rfc4514_string()
        if now < certificate.not_valid_before_utc:
            yield f"{name} is not valid yet."
        if now > certificate.not_valid_after_utc:
            yield f"{name} has expired."
        purposes = find_extension(certificate, x509.ExtendedKeyUsage)
        if purposes is not None and _CLIENT_PURPOSES.isdisjoint(purposes):
            yield f"The extended key usage of {name} does not include TLS client authentication."
        for each in certificate.extensions:
            if each.critical and not isinstance(each.value, _PROCESSED_EXTENSIONS):
                yield f"{name} has a critical extension that this DPS does not process, {each.oid.dotted_string}."
    usage = find_extension(path[0], x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        yield f"The key usage of {path[0].subject.rfc4514_string()} lacks digitalSignature, which a TLS handshake requires."
    for below, authority in enumerate(path[1:]):
        name = authority.subject.rfc4514_string()
        constraints = find_extension(authority, x509.BasicConstraints)
        if constraints is None or not constraints.ca:
            yield f"{name} is not a CA."
            return
        # CAs between this one and the device's certificate. Self-issued certificates don't count.
        between = sum(1 for each in path[1 : below + 1] if each.subject != each.issuer)
        if constraints.path_length is not None and between > constraints.path_length:
            yield f"{name} allows {constraints.path_length} CAs below it, but there are {between}."
    yield from forbidden_names(path)
