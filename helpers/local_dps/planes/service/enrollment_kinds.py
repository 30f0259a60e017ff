"""The differences between enrollment groups and individual enrollments. Everything else about them is the same."""

import re
from dataclasses import dataclass

__all__ = ["GROUPS", "INDIVIDUALS", "EnrollmentKind", "is_id"]

_ID = re.compile(r"[A-Za-z0-9._:-]{0,127}[A-Za-z0-9-]")


@dataclass(frozen=True)
class EnrollmentKind:
    """One of the two kinds of enrollment.

    Attributes:
        collection: the name in paths and in bulk bodies.
        id_name: the member that holds the id.
        noun: the name in messages.
        item_type: the name in the header x-ms-item-type.
        entity: the member of a webhook's request that holds the enrollment.
        not_found, exists, stale: error codes.
        attestations: the attestation types that it supports.
        certificates: the member of an X.509 attestation that holds certificates.
        fields: members of the document that only this kind has.
    """

    collection: str
    id_name: str
    noun: str
    item_type: str
    entity: str
    not_found: int
    exists: int
    stale: int
    attestations: tuple[str, ...]
    certificates: str
    fields: tuple[str, ...] = ()


def is_id(text: str) -> bool:
    """Return whether a text is valid as an enrollment's id or as a registration id (concepts-service.md)."""
    return _ID.fullmatch(text) is not None


GROUPS = EnrollmentKind(
    collection="enrollmentGroups",
    id_name="enrollmentGroupId",
    noun="EnrollmentGroup",
    item_type="EnrollmentGroup",
    entity="enrollmentGroup",
    not_found=404204,
    exists=409202,
    stale=412202,
    attestations=("x509", "symmetricKey"),
    certificates="signingCertificates",
)
INDIVIDUALS = EnrollmentKind(
    collection="enrollments",
    id_name="registrationId",
    noun="Enrollment",
    item_type="Enrollment",
    entity="individualEnrollment",
    not_found=404201,
    exists=409201,
    stale=412201,
    attestations=("x509", "symmetricKey", "tpm"),
    certificates="clientCertificates",
    fields=("deviceId", "optionalDeviceInformation"),
)
