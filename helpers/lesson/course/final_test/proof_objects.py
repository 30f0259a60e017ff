"""Proofs that were sent to DPS, beside what DPS has: wrong ones, and good ones that look unusual."""

import secrets
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from helpers.certificates import describe, signature_hash
from helpers.lesson.course.final_test.objects import Cast, SentProof, Shown, Together, maker, new_cast
from helpers.lesson.experiments.proof_case import Stage
from helpers.lesson.experiments.wrong_proofs import WRONG_PROOFS
from helpers.lesson.figures import Listing, show_certificate

__all__ = ["new_code"]


def new_code() -> str:
    """Return a code like those of DPS: 24 random bytes in upper-case hexadecimal."""
    return secrets.token_hex(24).upper()


def _wrong(name: str) -> Shown:
    """Return one of the wrong proofs of 08."""
    cast, code = new_cast(), new_code()
    attempt = WRONG_PROOFS[name].make(
        Stage(cast.root, cast.factory, cast.sibling, cast.factory, code, new_code(), new_code)
    )
    assert attempt.proof is not None, name
    return _sent(cast, code, attempt.proof)


def _sent(cast: Cast, code: str, proof: x509.Certificate) -> Shown:
    uploaded = cast.factory.certificate
    names = {"ca": describe(uploaded).common_name, "root": describe(cast.root.certificate).common_name, "code": code}
    at_dps = Listing("At DPS", [f"The CA “{names['ca']}”, not verified yet", f"Its newest code: {code}"])
    return Shown(Together([at_dps, show_certificate(proof)]), names, SentProof(uploaded, code, proof))


@maker
def proof_in_lower_case() -> Shown:
    return _wrong("lower_case_code")


@maker
def proof_by_root() -> Shown:
    return _wrong("root_instead_of_intermediate")


@maker
def proof_by_itself() -> Shown:
    return _wrong("self_signed")


@maker
def proof_is_the_ca() -> Shown:
    return _wrong("the_ca_itself")


@maker
def proof_expired() -> Shown:
    return _wrong("expired")


@maker
def proof_from_tomorrow() -> Shown:
    return _wrong("not_yet_valid")


@maker
def proof_by_namesake() -> Shown:
    """A proof by another CA of the same name. The picture shows the result of the check with the uploaded public key."""
    made = _wrong("namesake")
    assert isinstance(made.evidence, SentProof)
    says = "valid"
    try:
        made.evidence.proof.verify_directly_issued_by(made.evidence.uploaded)
    except InvalidSignature:
        says = "InvalidSignature"
    checked = Listing("Checks", [f"The signature, with the public key of the uploaded certificate: {says}"])
    return Shown(Together([made.picture, checked]), made.names, made.evidence)


@maker
def proof_with_rsa_key() -> Shown:
    """A good proof whose own key pair is of another kind than the CA's."""
    return _good(timedelta(days=1), rsa.generate_private_key(65537, 2048).public_key())


@maker
def proof_for_minutes() -> Shown:
    """A good proof that is valid for a few minutes only."""
    return _good(timedelta(minutes=10), None)


def _good(life: timedelta, key: rsa.RSAPublicKey | None) -> Shown:
    """Return a good proof without extensions: DPS requires none."""
    cast, code, now = new_cast(), new_code(), datetime.now(UTC)
    builder = x509.CertificateBuilder().issuer_name(cast.factory.certificate.subject)
    builder = builder.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, code)]))
    builder = builder.public_key(key or cast.device.certificate.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(minutes=5)).not_valid_after(now + life)
    signer = cast.factory.private_key
    return _sent(cast, code, builder.sign(signer, signature_hash(signer)))
