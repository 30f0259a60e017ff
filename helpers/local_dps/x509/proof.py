"""Verification of a proof of possession."""

from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from ..errors import resource_provider as errors
from .issuing import TEXT_TYPES, is_issued

__all__ = ["judge_proof"]


def judge_proof(proof_der: bytes, uploaded_der: bytes, code: str | None, now: datetime) -> None:
    """Accept a proof of possession, or raise the refusal that the service gives.

    A proof is accepted if and only if the private key that matches the uploaded certificate signed it directly, its only
    common name is exactly the newest code, and the current time is within its dates.
    """
    proof, uploaded = (x509.load_der_x509_certificate(der) for der in (proof_der, uploaded_der))
    if code is None:
        raise errors.no_code_outstanding()
    if not is_issued(proof, uploaded):
        raise errors.proof_not_issued_by_certificate(proof.issuer.rfc4514_string())
    names = proof.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if [name.value for name in names] != [code] or names[0]._type not in TEXT_TYPES:
        raise errors.proof_of_other_code()
    if not proof.not_valid_before_utc <= now <= proof.not_valid_after_utc:
        raise errors.proof_outside_its_dates()
