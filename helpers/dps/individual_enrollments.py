"""Individual enrollments: each is for one device, and takes precedence over any group."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from helpers.certificates import certificate_pem, describe
from helpers.dps.enrollments import ENROLLMENT_ID, EnrollmentCollection
from helpers.problem import Problem

__all__ = ["IndividualEnrollment", "IndividualEnrollments"]


@dataclass(frozen=True)
class IndividualEnrollment:
    """An individual enrollment with the device's own certificate as attestation.

    Disabling it revokes the device: DPS checks the individual enrollment first, and then rejects the device even if an
    enrollment group matches it (how-to-revoke-device-access-portal.md).

    Attributes:
        certificate: the device's. DPS never returns it: in an enrollment that was read it is None.
        etag: None until the service has created the enrollment.
    """

    registration_id: str
    certificate: x509.Certificate | None
    enabled: bool = True
    etag: str | None = None


class IndividualEnrollments(EnrollmentCollection[IndividualEnrollment]):
    """The individual enrollments of one provisioning service."""

    noun, collection = "individual enrollment", "enrollments"

    def _id(self, value: IndividualEnrollment) -> str:
        return value.registration_id

    def _document(self, value: IndividualEnrollment) -> dict[str, Any]:
        if not ENROLLMENT_ID.fullmatch(value.registration_id) or value.certificate is None:
            raise Problem(
                f"{value.registration_id!r} can't be enrolled.",
                "A registration id has up to 128 letters, digits and - . _ : and ends in a letter, a digit or a hyphen. "
                "The enrollment also needs the device's certificate, which DPS never returns.",
                "Choose another id, or add the certificate to the enrollment.",
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
