"""A device's chain: from its certificate upwards, each link by name, signature, dates and the right to sign."""

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
# RFC 5280 section 4.2: who does not process a critical extension must refuse the certificate. These are processed:
# certificate policies because every policy will do.
_PROCESSED_EXTENSIONS = (
    x509.BasicConstraints,
    x509.CertificatePolicies,
    x509.ExtendedKeyUsage,
    x509.KeyUsage,
    x509.NameConstraints,
    x509.SubjectAlternativeName,
)
# A device's certificate and three CAs of RSA-4096 take 8 KiB. Names may be so large that comparing them takes long.
MAX_CHAIN_BYTES = 32 * 1024
_MAX_PATH_LENGTH = 10
_MAX_PRESENTED_CAS = 16  # looked at besides the device's own: it must not decide how long that takes


# The same CAs stand above every device of a fleet, and a device asks at least twice.
_is_issued = lru_cache(512)(is_issued)


def chain_size(chain: Iterable[x509.Certificate]) -> int:
    """Bytes of the certificates together, but for their signatures."""
    return sum(len(each.tbs_certificate_bytes) for each in chain)


def find_paths(
    leaf: x509.Certificate, presented: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate]
) -> Iterator[list[x509.Certificate]]:
    """The ways up from the device's certificate, as far as they can be told.

    There may be several, as a CA that is renewed or cross-signed has more than one certificate of its key, and it is
    enough if one holds. None has a name and key twice (RFC 4158 section 2.2). The order in which they were sent does not
    matter, and what has nothing to do with the device is left out.
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
    """RSA keys have an exponent that everybody chooses small; a stranger's may cost a thousand times as much."""
    try:
        key = authority.public_key()
    except UNREADABLE:
        return False
    return not isinstance(key, rsa.RSAPublicKey) or (key.key_size <= 8192 and key.public_numbers().e < 1 << 32)


def _identity(authority: x509.Certificate) -> _Identity:
    """A CA, whichever of its certificates this is."""
    key = authority.public_key()
    return comparable_name(authority.subject), key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def find_flaw(path: Sequence[x509.Certificate], now: datetime) -> str | None:
    """Why a path, from the device's certificate to its anchor, can't be relied on (RFC 5280 section 6.1); None if it can."""
    try:
        return next(_flaws(path, now), None)
    except UNREADABLE:
        return "An extension of a certificate can't be read, or is there twice."


def _flaws(path: Sequence[x509.Certificate], now: datetime) -> Iterator[str]:
    for certificate in path:
        name = certificate.subject.rfc4514_string()
        if now < certificate.not_valid_before_utc:
            yield f"{name} is not valid yet."
        if now > certificate.not_valid_after_utc:
            yield f"{name} has expired."
        purposes = find_extension(certificate, x509.ExtendedKeyUsage)
        if purposes is not None and _CLIENT_PURPOSES.isdisjoint(purposes):
            yield f"The extended key usage of {name} is not that of a TLS client."
        for each in certificate.extensions:
            if each.critical and not isinstance(each.value, _PROCESSED_EXTENSIONS):
                yield f"{name} has a critical extension that is not applied here, {each.oid.dotted_string}."
    usage = find_extension(path[0], x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        yield f"The key usage of {path[0].subject.rfc4514_string()} does not let it sign a TLS handshake."
    for below, authority in enumerate(path[1:]):
        name = authority.subject.rfc4514_string()
        constraints = find_extension(authority, x509.BasicConstraints)
        if constraints is None or not constraints.ca:
            yield f"{name} is no CA."
            return
        # Between it and the device's certificate; a certificate that issues itself does not count.
        between = sum(1 for each in path[1 : below + 1] if each.subject != each.issuer)
        if constraints.path_length is not None and between > constraints.path_length:
            yield f"{name} allows {constraints.path_length} CAs below it, and there are {between}."
    yield from forbidden_names(path)
