"""Checks a device's chain before the device sends it, and explains each mistake and how to fix it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from helpers.certificates.describe import CertificateDescription, describe, extension, is_issued_by, is_readable
from helpers.certificates.examination import Check, Examination, within_dates
from helpers.certificates.name_constraints import names_not_allowed

__all__ = ["examine_chain"]

_APPLIED = {
    "basicConstraints",
    "certificatePolicies",  # any policy is accepted
    "extendedKeyUsage",
    "keyUsage",
    "nameConstraints",
    "subjectAltName",
}


def examine_chain(
    chain: Sequence[x509.Certificate], authority: x509.Certificate, registration_id: str, *, at: datetime | None = None
) -> Examination:
    """Check whether DPS would accept a device that sends this chain.

    Args:
        chain: the device's certificate first, then each issuer, as the device sends it.
        authority: the CA that the enrollment group is bound to.
        registration_id: the id with which the device registers; compared with its CN, ignoring case.
        at: the time at which certificates must be valid, UTC; by default, now.
    """
    title = f"Chain of “{registration_id}”"
    if not chain:
        nothing = Check("Chain", "It is empty.", "Send the device's certificate and the CAs above it.")
        return Examination(title, (nothing,))
    if not all(map(is_readable, (*chain, authority))):
        damaged = Check(
            "Encoding", "A certificate is damaged, or its key is of an unknown kind.", "Issue that certificate again."
        )
        return Examination(title, (damaged,))
    now = at or datetime.now(UTC)
    device = describe(chain[0])
    path = _path_to(chain, authority)
    relied_on = list(dict.fromkeys(path or chain))  # certificates above the CA don't matter
    checks = [
        _is_a_device(chain[0], device),
        _names_the_device(device, registration_id),
        *_links(chain),
        _reaches(path, authority),
        *(
            within_dates(f"Dates of “{each.common_name}”", each, now, "Issue it again with dates that include today.")
            for each in map(describe, relied_on)
        ),
        *filter(None, map(_is_understood, relied_on)),
        *_authorities_may_sign(path or list(chain)),
        *_names_are_allowed(path or list(chain)),
    ]
    return Examination(title, tuple(checks))


def _is_a_device(certificate: x509.Certificate, facts: CertificateDescription) -> Check:
    name = "First certificate is a device's"
    purposes = extension(certificate, x509.ExtendedKeyUsage)
    if facts.is_authority:
        return Check(
            name,
            f"“{facts.common_name}” is a CA's certificate, not a device's.",
            "Put the device's certificate first and its issuers after it.",
        )
    if purposes is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        return Check(
            name,
            "Its extended key usage does not allow it to be a TLS client.",
            "Issue it for TLS client authentication.",
        )
    usage = extension(certificate, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        return Check(
            name,
            "Its key usage does not allow it to sign a TLS handshake.",
            "Issue it with the key usage digitalSignature.",
        )
    return Check(name, f"“{facts.common_name}” may be a TLS client and is not a CA.")


def _is_understood(certificate: x509.Certificate) -> Check | None:
    """RFC 5280 section 4.2: software must reject a certificate with a critical extension that it does not know."""
    unknown = [
        each.oid.dotted_string for each in certificate.extensions if each.critical and each.oid._name not in _APPLIED
    ]
    if not unknown:
        return None
    return Check(
        f"Extensions of “{describe(certificate).common_name}”",
        f"Its critical extension {unknown[0]} is unknown, and a critical extension must not be ignored.",
        "Issue the certificate without that extension, or make the extension non-critical.",
    )


def _names_are_allowed(path: Sequence[x509.Certificate]) -> Iterator[Check]:
    for name, below, authority in names_not_allowed(path):
        yield Check(
            f"Names of “{describe(below).common_name}”",
            f"It has the name {name}, which the name constraints of “{describe(authority).common_name}” do not allow.",
            "Issue it with a name that they allow, or from a CA without name constraints.",
        )


def _names_the_device(facts: CertificateDescription, registration_id: str) -> Check:
    name = "Common name is the registration id"
    if facts.common_name.casefold() == registration_id.casefold():
        return Check(name, "They are the same. DPS ignores case when it compares them.")
    return Check(
        name,
        f"The CN is “{facts.common_name}”, but the registration id is “{registration_id}”.",
        "Register with the CN as the registration id, or issue a certificate with the id as its CN.",
    )


def _links(chain: Sequence[x509.Certificate]) -> Iterator[Check]:
    for below, above in pairwise(chain):
        names = describe(below).common_name, describe(above).common_name
        name = f"“{names[0]}” signed by “{names[1]}”"
        if is_issued_by(below, above):
            yield Check(name, "The signature was made with the next certificate's key.")
        else:
            yield Check(
                name,
                "The next certificate in the chain did not sign it: the order is wrong, or a certificate is missing.",
                "Send the device's certificate, then its issuer, then the issuer's issuer.",
            )


def _path_to(chain: Sequence[x509.Certificate], authority: x509.Certificate) -> list[x509.Certificate] | None:
    """Return the chain from the device up to the CA, whether or not the device sends the CA's certificate; None if there
    is no such chain.

    An older or newer certificate of the same CA, with the same name and key, counts as the CA.
    """
    ca = (authority.subject, authority.public_key())
    for index, certificate in enumerate(chain):
        if certificate == authority or (index and (certificate.subject, certificate.public_key()) == ca):
            return [*chain[:index], authority]
    return [*chain, authority] if is_issued_by(chain[-1], authority) else None


def _reaches(path: list[x509.Certificate] | None, authority: x509.Certificate) -> Check:
    wanted = describe(authority).common_name
    name = f"Reaches “{wanted}”"
    if path:
        return Check(name, "The enrollment group's CA signed it, directly or through the CAs that the device sends.")
    return Check(
        name,
        f"No certificate in the chain is “{wanted}” or signed by it. DPS would say: CA certificate not found.",
        "Send the device's certificate and every CA between it and the group's CA, in one PEM file.",
    )


def _authorities_may_sign(path: Sequence[x509.Certificate]) -> Iterator[Check]:
    """RFC 5280 section 4.2.1.9: a CA's path length counts the CAs between it and the device."""
    for index, certificate in enumerate(path[1:]):
        facts = describe(certificate)
        # A CA's certificate for its own next key (self-issued) does not count.
        between = sum(1 for each in path[1 : index + 1] if each.subject != each.issuer)
        name = f"“{facts.common_name}” may sign"
        usage, purposes = extension(certificate, x509.KeyUsage), extension(certificate, x509.ExtendedKeyUsage)
        if not facts.is_authority or (usage and not usage.key_cert_sign):
            yield Check(name, "It is not a CA's certificate.", "Issue the device's certificate from a CA.")
        elif purposes is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
            yield Check(
                name,
                "Its extended key usage does not allow TLS clients below it.",
                "Use a CA without an extended key usage, or with TLS client authentication in it.",
            )
        elif facts.path_length is not None and facts.path_length < between:
            yield Check(
                name,
                f"Its path length is {facts.path_length}, but the number of CAs between it and the device is {between}.",
                "Use a CA with a longer path length, or fewer CAs.",
            )
        else:
            yield Check(name, "It is a CA, and its path length allows the chain.")
