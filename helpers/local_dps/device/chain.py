"""A device's chain: from its certificate upwards, each link by name, signature, dates and the right to sign."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from cryptography import x509

from helpers.local_dps.certificates import is_issued

__all__ = ["find_path", "flaw"]

_LONGEST = 10


def find_path(
    leaf: x509.Certificate, presented: Sequence[x509.Certificate], known: Iterable[x509.Certificate]
) -> list[x509.Certificate]:
    """The device's certificate and those above it, as far as they can be told from what it sent and what is known.

    The order in which they were sent does not matter, and what has nothing to do with the device is left out.
    """
    pool = [*presented, *known]
    path = [leaf]
    while len(path) < _LONGEST:
        above = next((each for each in pool if each not in path and is_issued(path[-1], each)), None)
        if above is None:
            return path
        path.append(above)
    return path


def flaw(path: Sequence[x509.Certificate], now: datetime) -> str | None:
    """Why a path, from the device's certificate to its anchor, can't be relied on (RFC 5280 section 6.1); None if it can."""
    for certificate in path:
        name = certificate.subject.rfc4514_string()
        if now < certificate.not_valid_before_utc:
            return f"{name} is not valid yet."
        if now > certificate.not_valid_after_utc:
            return f"{name} has expired."
    for below, authority in enumerate(path[1:]):
        name = authority.subject.rfc4514_string()
        constraints = _basic_constraints(authority)
        if constraints is None or not constraints.ca:
            return f"{name} is no CA."
        # Between it and the device's certificate; a certificate that issues itself does not count.
        between = sum(1 for each in path[1 : below + 1] if each.subject != each.issuer)
        if constraints.path_length is not None and between > constraints.path_length:
            return f"{name} allows {constraints.path_length} CAs below it, and there are {between}."
    return None


def _basic_constraints(certificate: x509.Certificate) -> x509.BasicConstraints | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, ValueError):
        return None
