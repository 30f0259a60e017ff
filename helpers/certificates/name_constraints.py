"""Find names that the CAs above a certificate do not allow it to have (RFC 5280 section 4.2.1.10).

Each name, and each subtree of names, is represented by a tuple that begins at the root of its kind. A name is in a subtree
if its tuple begins with the subtree's.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

from helpers.certificates.describe import extension

__all__ = ["names_not_allowed"]

_Place = tuple[str, ...]


def names_not_allowed(path: Sequence[x509.Certificate]) -> list[tuple[str, x509.Certificate, x509.Certificate]]:
    """Return each name that is not allowed, with the certificate that has it and the CA that does not allow it.

    Args:
        path: the device's certificate first, then each issuer.
    """
    found = []
    for height, authority in enumerate(path):
        constraints = extension(authority, x509.NameConstraints)
        for depth, below in enumerate(path[:height]):
            renewed = depth > 0 and below.subject == below.issuer
            if constraints is not None and not renewed:
                found += [
                    (shown, below, authority)
                    for name, shown in _carried(below, device=depth == 0)
                    if not _allows(constraints, name)
                ]
    return found


def _carried(certificate: x509.Certificate, *, device: bool) -> Iterator[tuple[x509.GeneralName, str]]:
    if list(certificate.subject):
        yield x509.DirectoryName(certificate.subject), certificate.subject.rfc4514_string()
    alternative = extension(certificate, x509.SubjectAlternativeName)
    names = [] if alternative is None else list(alternative)
    for name in names:
        yield name, str(name.value)
    # Older certificates have mailboxes and hosts in the subject. Mailboxes always count, as in OpenSSL; hosts count only if
    # the subject alternative name has none.
    for mailbox in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
        yield x509.RFC822Name(str(mailbox.value)), str(mailbox.value)
    if device and not any(isinstance(name, x509.DNSName) for name in names):
        for common in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
            labels = str(common.value).split(".")
            if len(labels) > 1 and all(_is_label(label) for label in labels):
                yield x509.DNSName(str(common.value)), str(common.value)


def _is_label(text: str) -> bool:
    bare = text.replace("_", "a")
    return bare.isascii() and bare.replace("-", "").isalnum() and not (bare.startswith("-") or bare.endswith("-"))


def _allows(constraints: x509.NameConstraints, name: x509.GeneralName) -> bool:
    permitted = [each for each in constraints.permitted_subtrees or () if isinstance(each, type(name))]
    excluded = [each for each in constraints.excluded_subtrees or () if isinstance(each, type(name))]
    try:
        if any(_lies_in(name, each) for each in excluded):
            return False
        return not permitted or any(_lies_in(name, each) for each in permitted)
    except (ValueError, TypeError):  # a name of a kind that is not compared here, or a damaged one
        return False


def _lies_in(name: x509.GeneralName, subtree: x509.GeneralName) -> bool:
    if isinstance(name, x509.IPAddress) and isinstance(subtree, x509.IPAddress):
        network = ipaddress.ip_network(subtree.value)
        return name.value.version == network.version and ipaddress.ip_network(name.value).subnet_of(network)  # type: ignore[arg-type]
    if isinstance(name, x509.RFC822Name) and "@" not in name.value:  # only a subtree may be a host
        raise ValueError(name.value)
    place, top = _place(name), _place(subtree)
    if isinstance(subtree, x509.RFC822Name) and "@" not in subtree.value:
        place = place[:-1]  # the subtree is a host: compare only the mailbox's host
    if isinstance(subtree, x509.DirectoryName | x509.DNSName) and not _asks_for_more(subtree):
        return place[: len(top)] == top
    if _asks_for_more(subtree):
        return place[: len(top)] == top and len(place) > len(top)
    return place == top  # one host, or one mailbox


def _asks_for_more(subtree: x509.GeneralName) -> bool:
    """Return whether the subtree begins with a dot: `.example.com` means all hosts below example.com, but not itself."""
    return isinstance(subtree.value, str) and subtree.value.startswith(".")


def _place(name: x509.GeneralName) -> _Place:
    """Return the tuple that represents the name.

    Raises:
        ValueError: the name is damaged.
        TypeError: names of its kind are not compared here.
    """
    match name:
        case x509.DirectoryName():
            return tuple(
                "+".join(
                    sorted(f"{part.oid.dotted_string}={' '.join(str(part.value).split()).lower()}" for part in relative)
                )
                for relative in name.value.rdns
            )
        case x509.DNSName():
            return _labels(name.value)
        case x509.RFC822Name():
            mailbox, at, host = name.value.rpartition("@")
            return (*_labels(host), f"{mailbox}@") if at else _labels(host)
        case x509.UniformResourceIdentifier():
            host = (urlsplit(name.value).hostname or "") if ":" in name.value else name.value
            if not host:
                raise ValueError(name.value)
            return _labels(host)
    raise TypeError(type(name))


def _labels(host: str) -> _Place:
    return tuple(label for label in reversed(host.lower().split(".")) if label)
