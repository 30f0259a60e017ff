"""Checks a proof before it is sent, and explains each mistake and how to fix it.

DPS answers a bad proof with one short line. This makes every check that DPS makes, one by one, with an explanation.
"""

from datetime import UTC, datetime

from cryptography import x509

from helpers.certificates.describe import CertificateDescription, describe, is_issued_by, is_readable, is_signed_with
from helpers.certificates.examination import Check, Examination, within_dates
from helpers.certificates.storage import public_certificate
from helpers.problem import Problem

__all__ = ["examine_proof"]


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
            "Encoding of the CA", "The CA's own certificate is damaged.", "Upload an intact CA certificate."
        )
        return Examination("Proof", (damaged,))
    title = f"Proof for “{describe(authority).common_name}”"
    try:
        proof = public_certificate(content, "The proof")
    except Problem as problem:
        return Examination(title, (Check("Encoding", problem.why, problem.next_step),))
    now = at or datetime.now(UTC)
    facts = describe(proof)
    checks = (
        Check("Encoding", "It is one X.509 certificate, without a private key."),
        _not_the_authority_itself(proof, authority),
        _names_the_code(facts, code),
        _signed_by(proof, authority),
        within_dates("Dates of the proof", facts, now, "Sign the code again: a new proof is valid from today."),
        within_dates("Dates of the CA", describe(authority), now, "Upload a CA that is valid today."),
    )
    return Examination(title, checks)


def _not_the_authority_itself(proof: x509.Certificate, authority: x509.Certificate) -> Check:
    name = "Not the CA itself"
    if proof == authority:
        return Check(
            name,
            "This is the CA's own certificate. Anyone may have it, so it proves nothing.",
            "Send the verification certificate that the CA signed.",
        )
    return Check(name, "It is a different certificate from the CA's.")


def _names_the_code(facts: CertificateDescription, code: str) -> Check:
    name = "Common name is the code"
    if facts.common_name == code:
        return Check(name, "Its CN is exactly the CA's newest code.")
    if not code:
        return Check(name, "There is no code for this CA yet.", "Generate a code at DPS first, then sign that code.")
    if facts.common_name.strip().upper() == code:
        return Check(
            name,
            "Its CN differs from the code only in case or in white space.",
            "Sign the code exactly: in upper case, with nothing before or after it.",
        )
    if not facts.common_name:
        reason = "It has no CN, or more than one."
    else:
        reason = f"Its CN is “{facts.common_name}”, not the newest code."
    return Check(name, reason, "Sign the newest code: each new code makes the earlier ones invalid.")


def _signed_by(proof: x509.Certificate, authority: x509.Certificate) -> Check:
    name = "Signed by the CA"
    to_prove = describe(authority).common_name
    if is_issued_by(proof, authority):
        return Check(name, f"The signature was made with the private key of “{to_prove}”.")
    signer = proof.issuer.rfc4514_string()
    if proof.issuer != authority.subject and is_signed_with(proof, authority):
        return Check(
            name,
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
    return Check(name, reason, f"Sign the code with the private key of “{to_prove}”.")
