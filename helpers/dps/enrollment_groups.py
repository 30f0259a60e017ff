"""Enrollment groups on the service plane: which CA lets devices in, and where they land."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeAlias

from azure.iot.deviceprovisioning import DeviceProvisioningClient
from cryptography import x509

from helpers.certificates import certificate_pem, describe
from helpers.dps.errors import DpsError, translated
from helpers.dps.persistence import repeat, settle
from helpers.problem import Problem

__all__ = [
    "AllocationPolicy",
    "CaReference",
    "EnrollmentGroup",
    "EnrollmentGroups",
    "ReprovisionPolicy",
    "SigningCertificate",
]

_GROUP_ID = re.compile(r"[A-Za-z0-9._:-]{0,127}[A-Za-z0-9-]")


class AllocationPolicy(StrEnum):
    """How a hub is chosen for a device."""

    HASHED = "hashed"
    GEO_LATENCY = "geoLatency"
    STATIC = "static"
    CUSTOM = "custom"


@dataclass(frozen=True)
class CaReference:
    """Attestation by the names under which CA certificates are registered."""

    primary: str
    secondary: str | None = None


@dataclass(frozen=True)
class SigningCertificate:
    """Attestation by CA certificates given inline. DPS never returns them: in a group that was read they are None."""

    primary: x509.Certificate | None
    secondary: x509.Certificate | None = None


@dataclass(frozen=True)
class ReprovisionPolicy:
    """What happens when a device registers again. The defaults are the service's."""

    update_hub_assignment: bool = True
    migrate_device_data: bool = True


@dataclass(frozen=True)
class EnrollmentGroup:
    """An enrollment group.

    Attributes:
        group_id: up to 128 letters, digits and - . _ :, ending in a letter, a digit or a hyphen.
        allocation_policy: None for the service's own. iot_hubs: host names of linked hubs; empty for all.
        initial_twin: `{"tags": {…}, "properties": {"desired": {…}}}`, or None.
        etag: None until the service has it.
    """

    group_id: str
    attestation: CaReference | SigningCertificate | None
    enabled: bool = True
    allocation_policy: AllocationPolicy | None = None
    iot_hubs: tuple[str, ...] = ()
    reprovision_policy: ReprovisionPolicy = field(default_factory=ReprovisionPolicy)
    initial_twin: Mapping[str, Any] | None = None
    etag: str | None = None


_Document: TypeAlias = dict[str, Any]


class EnrollmentGroups:
    """The enrollment groups of one provisioning service.

    Every method raises DpsError when the service refuses.
    """

    def __init__(self, client: DeviceProvisioningClient) -> None:
        self._groups = client.enrollment_group

    def create(self, group: EnrollmentGroup) -> EnrollmentGroup:
        """Create the group. The same group again changes nothing and returns what is there; another is an error (409)."""
        document = _document(group)

        def create() -> EnrollmentGroup:
            with translated(f"create the enrollment group “{group.group_id}”"):
                return _group(self._groups.create_or_update(group.group_id, document), group.attestation)

        return settle(create, lambda: self._like(group))

    def get(self, group_id: str) -> EnrollmentGroup:
        """The group as it is now."""
        return self._get(group_id, None)

    def list(self) -> list[EnrollmentGroup]:
        """All groups, however many pages they fill."""

        def read() -> list[EnrollmentGroup]:
            with translated("list the enrollment groups"):
                return [_group(each) for each in self._groups.query({"query": "SELECT * FROM enrollmentGroups"})]

        return repeat(read)

    def update(self, group: EnrollmentGroup) -> EnrollmentGroup:
        """Replace the group by this value, if it has not changed since the value was read (else 412)."""
        document = _document(group)
        etag = _etag(group, "updated")

        def update() -> EnrollmentGroup:
            with translated(f"update the enrollment group “{group.group_id}”"):
                answer = self._groups.create_or_update(group.group_id, document, if_match=etag)
            return _group(answer, group.attestation)

        return settle(update, lambda: self._like(group))

    def disable(self, group: EnrollmentGroup) -> EnrollmentGroup:
        """Let none of its devices in any more; they don't fall through to another group."""
        return self.update(replace(group, enabled=False))

    def delete(self, group: EnrollmentGroup) -> None:
        """Remove the group, if it has not changed since the value was read (else 412)."""
        etag = _etag(group, "deleted")

        def delete() -> bool:
            with translated(f"delete the enrollment group “{group.group_id}”"):
                self._groups.delete(group.group_id, if_match=etag)
            return True

        settle(delete, lambda: self._find(group.group_id, None) is None or None)

    def _get(self, group_id: str, sent: CaReference | SigningCertificate | None) -> EnrollmentGroup:
        def read() -> EnrollmentGroup:
            with translated(f"read the enrollment group “{group_id}”"):
                return _group(self._groups.get(group_id), sent)

        return repeat(read)

    def _find(self, group_id: str, sent: CaReference | SigningCertificate | None) -> EnrollmentGroup | None:
        try:
            return self._get(group_id, sent)
        except DpsError as error:
            if error.status == 404:
                return None
            raise

    def _like(self, group: EnrollmentGroup) -> EnrollmentGroup | None:
        """What is there, if it says what this group says."""
        present = self._find(group.group_id, group.attestation)
        return present if present and replace(present, etag=None) == replace(group, etag=None) else None


def _etag(group: EnrollmentGroup, changed: str) -> str:
    """Without an ETag the service would change the group whatever it is now."""
    if group.etag is None:
        raise Problem(
            f"The enrollment group “{group.group_id}” was not {changed}.",
            "The value has no ETag, so it was never read from the service.",
            "Read the group first and use what you read.",
        )
    return group.etag


def _document(group: EnrollmentGroup) -> _Document:
    """The body of a PUT (dps.md's EnrollmentGroup, api-version 2021-10-01)."""
    if not _GROUP_ID.fullmatch(group.group_id):
        raise Problem(
            f"{group.group_id!r} can't be an enrollment group's id.",
            "An id has up to 128 letters, digits and - . _ : and ends in a letter, a digit or a hyphen.",
            "Choose another id.",
        )
    document: _Document = {
        "enrollmentGroupId": group.group_id,
        "attestation": {"type": "x509", "x509": _attestation(group)},
        "provisioningStatus": "enabled" if group.enabled else "disabled",
        "reprovisionPolicy": {
            "updateHubAssignment": group.reprovision_policy.update_hub_assignment,
            "migrateDeviceData": group.reprovision_policy.migrate_device_data,
        },
    }
    if group.allocation_policy is not None:
        document["allocationPolicy"] = group.allocation_policy.value
    if group.iot_hubs:
        document["iotHubs"] = list(group.iot_hubs)
    if group.initial_twin is not None:
        document["initialTwin"] = dict(group.initial_twin)
    return document


def _attestation(group: EnrollmentGroup) -> _Document:
    match group.attestation:
        case CaReference(primary, secondary) if primary:
            return {"caReferences": {"primary": primary, "secondary": secondary}}
        case SigningCertificate(x509.Certificate() as primary, secondary):
            signing = {"primary": {"certificate": certificate_pem(primary).decode()}}
            if secondary is not None:
                signing["secondary"] = {"certificate": certificate_pem(secondary).decode()}
            return {"signingCertificates": signing}
        case _:
            raise Problem(
                f"The enrollment group “{group.group_id}” has no attestation.",
                "Without a CA nobody could say which devices belong to it. (DPS returns no inline certificates: give them "
                "again to update such a group.)",
                "Give it a CaReference to a registered CA, or a SigningCertificate.",
            )


def _group(answer: Mapping[str, Any], sent: CaReference | SigningCertificate | None = None) -> EnrollmentGroup:
    """A group from the service's answer; inline certificates, which it leaves out, from what was sent."""
    attestation = (answer.get("attestation") or {}).get("x509") or {}
    references = attestation.get("caReferences")
    kept: CaReference | SigningCertificate | None = None
    if references and references.get("primary"):
        kept = CaReference(references["primary"], references.get("secondary"))
    elif signing := attestation.get("signingCertificates"):
        kept = (
            sent if isinstance(sent, SigningCertificate) and _is_described(sent, signing) else SigningCertificate(None)
        )
    policy, reprovision = answer.get("allocationPolicy"), answer.get("reprovisionPolicy") or {}
    return EnrollmentGroup(
        group_id=answer["enrollmentGroupId"],
        attestation=kept,
        enabled=answer.get("provisioningStatus") != "disabled",
        allocation_policy=AllocationPolicy(policy) if policy else None,
        iot_hubs=tuple(answer.get("iotHubs") or ()),
        reprovision_policy=ReprovisionPolicy(
            reprovision.get("updateHubAssignment", True), reprovision.get("migrateDeviceData", True)
        ),
        initial_twin=answer.get("initialTwin"),
        etag=answer.get("etag"),
    )


def _is_described(certificates: SigningCertificate, signing: Mapping[str, Any]) -> bool:
    """Whether these are the certificates of which the service gives the description."""
    given = {"primary": certificates.primary, "secondary": certificates.secondary}
    mine = {slot: describe(certificate).sha256 for slot, certificate in given.items() if certificate}
    return mine == {slot: each["info"]["sha256Thumbprint"] for slot, each in signing.items() if each}
