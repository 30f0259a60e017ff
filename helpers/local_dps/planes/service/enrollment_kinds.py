"""In what enrollment groups and individual enrollments differ. Everything else about them is the same."""

import re
from dataclasses import dataclass

__all__ = ["GROUPS", "INDIVIDUALS", "EnrollmentKind", "is_id"]

_ID = re.compile(r"[A-Za-z0-9._:-]{0,127}[A-Za-z0-9-]")


@dataclass(frozen=True)
class EnrollmentKind:
    """One of the two kinds.

    Attributes:
        collection: in paths, in queries and in bulk bodies.
        id_name: the member that holds the id. noun, item_type: what messages and the header call one.
        entity: what a custom allocation's webhook is told it under.
        not_found, exists, stale: error codes.
        attestations: the types that it may have.
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
    """Whether a text may be an enrollment's id, and so a registration id (concepts-service.md)."""
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
