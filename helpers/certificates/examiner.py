"""The examiner: checks a proof or a chain before it is sent, and explains each mistake and how to fix it.

DPS answers a bad proof with one short line. The examiner makes every check that DPS makes, one by one, with an explanation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from helpers.certificates.describe import (
    CertificateDescription,
    describe,
    extension,
    is_issued_by,
    is_readable,
    is_signed_with,
)
from helpers.certificates.name_constraints import names_not_allowed
from helpers.certificates.storage import public_certificate
from helpers.problem import Problem

__all__ = ["Check", "Examination", "examine_chain", "examine_proof"]

_APPLIED = {
    "basicConstraints",
    "certificatePolicies",  # any policy is accepted
    "extendedKeyUsage",
    "keyUsage",
    "nameConstraints",
    "subjectAltName",
}


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        name: the property that was checked.
        passed: whether the check passed.
        reason: the finding.
        remedy: the way to fix it; "" if the check passed.
    """

    name: str
    passed: bool
    reason: str
    remedy: str = ""


@dataclass(frozen=True)
class Examination:
    """The results of all checks of a proof or a chain, in order."""

    title: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    def require(self) -> None:
        """Raise a Problem that lists the failed checks, unless all passed."""
        failed = [check for check in self.checks if not check.passed]
        if failed:
            raise Problem(
                f"{self.title}: {len(failed)} of {len(self.checks)} checks failed.",
                " ".join(f"{check.name}: {check.reason}" for check in failed),
                " ".join(dict.fromkeys(check.remedy for check in failed)),
            )


def examine_proof(content: bytes, authority: x509.Certificate, code: str, *, at: datetime | None = None) -> Examination:
    """Check whether DPS would accept this proof.

    Args:
        content: the content of the verification certificate's file: PEM or DER.
        authority: the CA certificate that was uploaded to DPS.
        code: the newest verification code that DPS generated for it; "" if there is none.
        at: the time at which certificates must be valid, UTC; by default, now.
    """
    if not is_readable(authority):
        damaged = Check(
            "Encoding of the CA", False, "The CA's own certificate is damaged.", "Upload an intact CA certificate."
        )
        return Examination("Proof", (damaged,))
    title = f"Proof for “{describe(authority).common_name}”"
    try:
        proof = public_certificate(content, "The proof")
    except Problem as problem:
        return Examination(title, (Check("Encoding", False, problem.why, problem.next_step),))
    now = at or datetime.now(UTC)
    facts = describe(proof)
    checks = (
        Check("Encoding", True, "It is one X.509 certificate, without a private key."),
        _not_the_authority_itself(proof, authority),
        _names_the_code(facts, code),
        _signed_by(proof, authority),
        _within_dates("Dates of the proof", facts, now, "Sign the code again: a new proof is valid from today."),
        _within_dates("Dates of the CA", describe(authority), now, "Upload a CA that is valid today."),
    )
    return Examination(title, checks)


def examine_chain(
    chain: Sequence[x509.Certificate],
    authority: x509.Certificate,
    registration_id: str,
    *,
    at: datetime | None = None,
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
        nothing = Check("Chain", False, "It is empty.", "Send the device's certificate and the CAs above it.")
        return Examination(title, (nothing,))
    if not all(map(is_readable, (*chain, authority))):
        damaged = Check(
            "Encoding",
            False,
            "A certificate is damaged, or its key is of an unknown kind.",
            "Issue that certificate again.",
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
            _within_dates(f"Dates of “{each.common_name}”", each, now, "Issue it again with dates that include today.")
            for each in map(describe, relied_on)
        ),
        *filter(None, map(_is_understood, relied_on)),
        *_authorities_may_sign(path or list(chain)),
        *_names_are_allowed(path or list(chain)),
    ]
    return Examination(title, tuple(checks))


def _not_the_authority_itself(proof: x509.Certificate, authority: x509.Certificate) -> Check:
    name = "Not the CA itself"
    if proof == authority:
        return Check(
            name,
            False,
            "This is the CA's own certificate. Anyone may have it, so it proves nothing.",
            "Send the verification certificate that the CA signed.",
        )
    return Check(name, True, "It is a different certificate from the CA's.")


def _names_the_code(facts: CertificateDescription, code: str) -> Check:
    name = "Common name is the code"
    if facts.common_name == code:
        return Check(name, True, "Its CN is exactly the CA's newest code.")
    if not code:
        return Check(
            name, False, "There is no code for this CA yet.", "Generate a code at DPS first, then sign that code."
        )
    if facts.common_name.strip().upper() == code:
        return Check(
            name,
            False,
            "Its CN differs from the code only in case or in white space.",
            "Sign the code exactly: in upper case, with nothing before or after it.",
        )
    if not facts.common_name:
        reason = "It has no CN, or more than one."
    else:
        reason = f"Its CN is “{facts.common_name}”, not the newest code."
    return Check(name, False, reason, "Sign the newest code: each new code makes the earlier ones invalid.")


def _signed_by(proof: x509.Certificate, authority: x509.Certificate) -> Check:
    name = "Signed by the CA"
    to_prove = describe(authority).common_name
    if is_issued_by(proof, authority):
        return Check(name, True, f"The signature was made with the private key of “{to_prove}”.")
    signer = proof.issuer.rfc4514_string()
    if proof.issuer != authority.subject and is_signed_with(proof, authority):
        return Check(
            name,
            False,
            f"It was signed with the right key, but it names “{signer}” as its issuer.",
            "Use the CA's subject as the issuer of the proof.",
        )
    if proof.issuer == authority.subject:
        reason = f"Its issuer also has the name “{to_prove}”, but the signature was made with another key."
    elif proof.issuer == authority.issuer:
        reason = f"Its issuer is “{signer}”, the CA above “{to_prove}”. Each CA must prove possession of its own key."
    elif proof.issuer == proof.subject:
        reason = "It is self-signed, and anyone can create such a certificate."
    else:
        reason = f"Its issuer is “{signer}”."
    return Check(name, False, reason, f"Sign the code with the private key of “{to_prove}”.")


def _within_dates(name: str, facts: CertificateDescription, now: datetime, remedy: str) -> Check:
    life = f"{facts.not_before:%Y-%m-%d %H:%M} to {facts.not_after:%Y-%m-%d %H:%M} UTC"
    if now < facts.not_before:
        return Check(name, False, f"Not valid yet ({life}).", f"Check this machine's clock. {remedy}")
    if now > facts.not_after:
        return Check(name, False, f"Expired ({life}).", remedy)
    return Check(name, True, f"Valid on {now:%Y-%m-%d} ({life}).")


def _is_a_device(certificate: x509.Certificate, facts: CertificateDescription) -> Check:
    name = "First certificate is a device's"
    purposes = extension(certificate, x509.ExtendedKeyUsage)
    if facts.is_authority:
        return Check(
            name,
            False,
            f"“{facts.common_name}” is a CA's certificate, not a device's.",
            "Put the device's certificate first and its issuers after it.",
        )
    if purposes is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        return Check(
            name,
            False,
            "Its extended key usage does not allow it to be a TLS client.",
            "Issue it for TLS client authentication.",
        )
    usage = extension(certificate, x509.KeyUsage)
    if usage is not None and not usage.digital_signature:
        return Check(
            name,
            False,
            "Its key usage does not allow it to sign a TLS handshake.",
            "Issue it with the key usage digitalSignature.",
        )
    return Check(name, True, f"“{facts.common_name}” may be a TLS client and is not a CA.")


def _is_understood(certificate: x509.Certificate) -> Check | None:
    """RFC 5280 section 4.2: software must reject a certificate with a critical extension that it does not know."""
    unknown = [
        each.oid.dotted_string for each in certificate.extensions if each.critical and each.oid._name not in _APPLIED
    ]
    if not unknown:
        return None
    return Check(
        f"Extensions of “{describe(certificate).common_name}”",
        False,
        f"Its critical extension {unknown[0]} is unknown, and a critical extension must not be ignored.",
        "Issue the certificate without that extension, or make the extension non-critical.",
    )


def _names_are_allowed(path: Sequence[x509.Certificate]) -> Iterator[Check]:
    for name, below, authority in names_not_allowed(path):
        yield Check(
            f"Names of “{describe(below).common_name}”",
            False,
            f"It has the name {name}, which the name constraints of “{describe(authority).common_name}” do not allow.",
            "Issue it with a name that they allow, or from a CA without name constraints.",
        )


def _names_the_device(facts: CertificateDescription, registration_id: str) -> Check:
    name = "Common name is the registration id"
    if facts.common_name.casefold() == registration_id.casefold():
        return Check(name, True, "They are the same. DPS ignores case when it compares them.")
    return Check(
        name,
        False,
        f"The CN is “{facts.common_name}”, but the registration id is “{registration_id}”.",
        "Register with the CN as the registration id, or issue a certificate with the id as its CN.",
    )


def _links(chain: Sequence[x509.Certificate]) -> Iterator[Check]:
    for below, above in pairwise(chain):
        names = describe(below).common_name, describe(above).common_name
        name = f"“{names[0]}” signed by “{names[1]}”"
        if is_issued_by(below, above):
            yield Check(name, True, "The signature was made with the next certificate's key.")
        else:
            yield Check(
                name,
                False,
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
        return Check(
            name, True, "The enrollment group's CA signed it, directly or through the CAs that the device sends."
        )
    return Check(
        name,
        False,
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
            yield Check(name, False, "It is not a CA's certificate.", "Issue the device's certificate from a CA.")
        elif purposes is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
            yield Check(
                name,
                False,
                "Its extended key usage does not allow TLS clients below it.",
                "Use a CA without an extended key usage, or with TLS client authentication in it.",
            )
        elif facts.path_length is not None and facts.path_length < between:
            yield Check(
                name,
                False,
                f"Its path length is {facts.path_length}, but the number of CAs between it and the device is {between}.",
                "Use a CA with a longer path length, or fewer CAs.",
            )
        else:
            yield Check(name, True, "It is a CA, and its path length allows the chain.")
