"""Name constraints: which names a CA may issue certificates for (RFC 5280 sections 4.2.1.10 and 6.1.4(b) and (g)).

They apply whether critical or not. A constraint on one form of name applies only to names of that form: a CA that is
limited to certain DNS names may issue certificates without any DNS name.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

from .issuing import comparable_name, find_extension

__all__ = ["forbidden_names"]

# A common name that OpenSSL treats as a DNS name (in cn2dnsid): labels of letters, digits, hyphens and underscores, with
# at least one full stop.
_LIKE_A_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)+")


def forbidden_names(path: Sequence[x509.Certificate]) -> Iterator[str]:
    """Yield one sentence for each name in a path that a name constraint forbids.

    Args:
        path: from the device's certificate to its trust anchor, whose constraints apply like any other CA's.
    """
    for above, authority in enumerate(path):
        constraints = find_extension(authority, x509.NameConstraints)
        if constraints is None:
            continue
        for at, certificate in enumerate(path[:above]):
            if at > 0 and certificate.subject == certificate.issuer:  # a self-issued certificate, as for a renewed key
                continue
            for name in _names(certificate, is_leaf=at == 0):
                if not _is_allowed(name, constraints):
                    yield (
                        f"The name constraints of {authority.subject.rfc4514_string()} do not allow "
                        f"{_shown(name)}, which is a name of {certificate.subject.rfc4514_string()}."
                    )


def _names(certificate: x509.Certificate, *, is_leaf: bool) -> Iterator[x509.GeneralName]:
    """Yield every name of a certificate, in each form."""
    subject = certificate.subject
    if subject.rdns:
        yield x509.DirectoryName(subject)
    alternative = list(find_extension(certificate, x509.SubjectAlternativeName) or ())
    yield from alternative
    # RFC 5280 asks for this only if there is no subject alternative name. OpenSSL always does it.
    for each in subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
        yield x509.RFC822Name(str(each.value))
    if is_leaf and not any(isinstance(each, x509.DNSName) for each in alternative):
        for each in subject.get_attributes_for_oid(NameOID.COMMON_NAME):
            if _LIKE_A_HOST.fullmatch(str(each.value)):
                yield x509.DNSName(str(each.value))


def _is_allowed(name: x509.GeneralName, constraints: x509.NameConstraints) -> bool:
    permitted = [each for each in constraints.permitted_subtrees or () if type(each) is type(name)]
    excluded = [each for each in constraints.excluded_subtrees or () if type(each) is type(name)]
    if not (permitted or excluded):
        return True
    is_within = _FORMS.get(type(name))
    if is_within is None:  # names of this form are constrained, and the check is not implemented
        return False
    try:
        if any(is_within(name.value, each.value) for each in excluded):
            return False
        return not permitted or any(is_within(name.value, each.value) for each in permitted)
    except ValueError:  # a malformed name
        return False


def _is_directory_within(name: x509.Name, subtree: x509.Name) -> bool:
    return comparable_name(name)[: len(subtree.rdns)] == comparable_name(subtree)


def _is_host_within(name: str, subtree: str) -> bool:
    """A host is within its own name and its parent domains. A leading full stop requires at least one more label."""
    name, subtree = name.lower(), subtree.lower()
    if subtree.startswith("."):
        return name.endswith(subtree)
    return not subtree or name == subtree or name.endswith(f".{subtree}")


def _is_mailbox_within(name: str, subtree: str) -> bool:
    local, at, host = name.rpartition("@")
    if not at:
        raise ValueError("no mailbox")
    if "@" in subtree:
        wanted_local, _, wanted_host = subtree.rpartition("@")
        return local == wanted_local and host.lower() == wanted_host.lower()
    return host.lower().endswith(subtree.lower()) if subtree.startswith(".") else host.lower() == subtree.lower()


def _is_address_within(name: Any, subtree: Any) -> bool:
    return name.version == subtree.version and name in subtree


def _is_uri_within(name: str, subtree: str) -> bool:
    host = urlsplit(name).hostname
    if not host:
        raise ValueError("no host")
    return host.endswith(subtree.lower()) if subtree.startswith(".") else host == subtree.lower()


_FORMS: dict[type[x509.GeneralName], Callable[[Any, Any], bool]] = {
    x509.DirectoryName: _is_directory_within,
    x509.DNSName: _is_host_within,
    x509.RFC822Name: _is_mailbox_within,
    x509.IPAddress: _is_address_within,
    x509.UniformResourceIdentifier: _is_uri_within,
}


def _shown(name: x509.GeneralName) -> str:
    return name.value.rfc4514_string() if isinstance(name, x509.DirectoryName) else str(name.value)
