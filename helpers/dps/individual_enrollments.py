"""Individual enrollments: one device, which it decides about before any group does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from helpers.certificates import certificate_pem, describe
from helpers.dps.enrollments import ENROLLMENT_ID, Enrollments
from helpers.problem import Problem

__all__ = ["IndividualEnrollment", "IndividualEnrollments"]


@dataclass(frozen=True)
class IndividualEnrollment:
    """An individual enrollment by the device's own certificate.

    A disabled one revokes the device: whatever group would let it in, the individual enrollment is asked first
    (how-to-revoke-device-access-portal.md).

    Attributes:
        certificate: the device's. DPS never returns it: in an enrollment that was read it is None.
        etag: None until the service has it.
    """

    registration_id: str
    certificate: x509.Certificate | None
    enabled: bool = True
    etag: str | None = None


class IndividualEnrollments(Enrollments[IndividualEnrollment]):
    """The individual enrollments of one provisioning service."""

    noun, collection = "individual enrollment", "enrollments"

    def _id(self, value: IndividualEnrollment) -> str:
        return value.registration_id

    def _document(self, value: IndividualEnrollment) -> dict[str, Any]:
        if not ENROLLMENT_ID.fullmatch(value.registration_id) or value.certificate is None:
            raise Problem(
                f"{value.registration_id!r} can't be enrolled.",
                "A registration id has up to 128 letters, digits and - . _ : and ends in a letter, a digit or a hyphen; and "
                "the device's certificate must be given, for DPS never returns it.",
                "Give another id, or the certificate.",
            )
        pem = certificate_pem(value.certificate).decode()
        return {
            "registrationId": value.registration_id,
            "attestation": {"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": pem}}}},
            "provisioningStatus": "enabled" if value.enabled else "disabled",
        }

    def _value(self, answer: Mapping[str, Any], sent: IndividualEnrollment | None) -> IndividualEnrollment:
        shown = answer["attestation"].get("x509", {}).get("clientCertificates") or {}
        thumbprint = ((shown.get("primary") or {}).get("info") or {}).get("sha256Thumbprint")
        mine = sent.certificate if sent else None
        return IndividualEnrollment(
            answer["registrationId"],
            mine if mine and describe(mine).sha256 == thumbprint else None,
            answer.get("provisioningStatus") != "disabled",
            answer.get("etag"),
        )
