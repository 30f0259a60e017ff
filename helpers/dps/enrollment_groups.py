"""Enrollment groups on the service plane: the CA whose devices DPS accepts, and the hubs to which it assigns them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from cryptography import x509

from helpers.certificates import certificate_pem, describe
from helpers.dps.enrollments import ENROLLMENT_ID, EnrollmentCollection
from helpers.problem import Problem
from helpers.urls import mask_keys

__all__ = [
    "AllocationPolicy",
    "CaReference",
    "CustomAllocation",
    "EnrollmentGroup",
    "EnrollmentGroups",
    "ReprovisionPolicy",
    "SigningCertificate",
    "check_group_id",
]


class AllocationPolicy(StrEnum):
    """How DPS chooses a hub for a device."""

    HASHED = "hashed"
    GEO_LATENCY = "geoLatency"
    STATIC = "static"
    CUSTOM = "custom"


@dataclass(frozen=True)
class CaReference:
    """Attestation by registered CA certificates, given by their names at DPS."""

    primary: str
    secondary: str | None = None


@dataclass(frozen=True)
class SigningCertificate:
    """Attestation by CA certificates in the group itself. DPS never returns them: in a group that was read they are None."""

    primary: x509.Certificate | None
    secondary: x509.Certificate | None = None


@dataclass(frozen=True)
class CustomAllocation:
    """Your own function that chooses a hub for each device.

    Attributes:
        webhook_url: the function's URL, with its key if it requires one. The `repr` masks the key.
        api_version: of the request that DPS sends to the function.
    """

    webhook_url: str
    api_version: str = "2021-10-01"

    def __repr__(self) -> str:
        return f"CustomAllocation({mask_keys(self.webhook_url)!r}, api_version={self.api_version!r})"


@dataclass(frozen=True)
class ReprovisionPolicy:
    """What DPS does when a device registers again. The defaults are DPS's own."""

    update_hub_assignment: bool = True
    migrate_device_data: bool = True


@dataclass(frozen=True)
class EnrollmentGroup:
    """An enrollment group.

    Attributes:
        group_id: up to 128 letters, digits and - . _ :, ending in a letter, a digit or a hyphen.
        allocation_policy: None for the service's default policy. iot_hubs: host names of linked hubs; empty for all.
        custom_allocation: only for the policy `custom`.
        initial_twin: `{"tags": {…}, "properties": {"desired": {…}}}`, or None.
        etag: None until the service has created the group.
    """

    group_id: str
    attestation: CaReference | SigningCertificate | None
    enabled: bool = True
    allocation_policy: AllocationPolicy | None = None
    iot_hubs: tuple[str, ...] = ()
    custom_allocation: CustomAllocation | None = None
    reprovision_policy: ReprovisionPolicy = field(default_factory=ReprovisionPolicy)
    initial_twin: Mapping[str, Any] | None = None
    etag: str | None = None


class EnrollmentGroups(EnrollmentCollection[EnrollmentGroup]):
    """The enrollment groups of one provisioning service."""

    noun, collection = "enrollment group", "enrollmentGroups"

    def disable(self, group: EnrollmentGroup) -> EnrollmentGroup:
        """Disable the group. DPS then rejects its devices; it does not look for another group that matches them."""
        return self.update(replace(group, enabled=False))

    def _id(self, value: EnrollmentGroup) -> str:
        return value.group_id

    def _document(self, value: EnrollmentGroup) -> dict[str, Any]:
        document: dict[str, Any] = {
            "enrollmentGroupId": check_group_id(value.group_id),
            "attestation": {"type": "x509", "x509": _attestation(value)},
            "provisioningStatus": "enabled" if value.enabled else "disabled",
            "reprovisionPolicy": {
                "updateHubAssignment": value.reprovision_policy.update_hub_assignment,
                "migrateDeviceData": value.reprovision_policy.migrate_device_data,
            },
        }
        if value.allocation_policy is not None:
            document["allocationPolicy"] = value.allocation_policy.value
        if value.iot_hubs:
            document["iotHubs"] = list(value.iot_hubs)
        if value.custom_allocation is not None:
            webhook = value.custom_allocation
            document["customAllocationDefinition"] = {
                "webhookUrl": webhook.webhook_url,
                "apiVersion": webhook.api_version,
            }
        if value.initial_twin is not None:
            document["initialTwin"] = dict(value.initial_twin)
        return document

    def _value(self, answer: Mapping[str, Any], sent: EnrollmentGroup | None) -> EnrollmentGroup:
        mine = sent.attestation if sent else None
        attestation = (answer.get("attestation") or {}).get("x509") or {}
        references = attestation.get("caReferences")
        known: CaReference | SigningCertificate | None = None
        if references and references.get("primary"):
            known = CaReference(references["primary"], references.get("secondary"))
        elif signing := attestation.get("signingCertificates"):
            known = (
                mine
                if isinstance(mine, SigningCertificate) and _is_described(mine, signing)
                else SigningCertificate(None)
            )
        policy, reprovision = answer.get("allocationPolicy"), answer.get("reprovisionPolicy") or {}
        custom = answer.get("customAllocationDefinition")
        return EnrollmentGroup(
            group_id=answer["enrollmentGroupId"],
            attestation=known,
            enabled=answer.get("provisioningStatus") != "disabled",
            allocation_policy=AllocationPolicy(policy) if policy else None,
            iot_hubs=tuple(answer.get("iotHubs") or ()),
            custom_allocation=CustomAllocation(custom["webhookUrl"], custom["apiVersion"]) if custom else None,
            reprovision_policy=ReprovisionPolicy(
                reprovision.get("updateHubAssignment", True), reprovision.get("migrateDeviceData", True)
            ),
            initial_twin=answer.get("initialTwin"),
            etag=answer.get("etag"),
        )


def check_group_id(group_id: str) -> str:
    """Return `group_id` if it is a valid id of an enrollment group.

    Raises:
        Problem: it isn't.
    """
    if not ENROLLMENT_ID.fullmatch(group_id):
        raise Problem(
            f"{group_id!r} can't be an enrollment group's id.",
            "An id has up to 128 letters, digits and - . _ : and ends in a letter, a digit or a hyphen.",
            "Choose another id.",
        )
    return group_id


def _attestation(group: EnrollmentGroup) -> dict[str, Any]:
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
                "Without a CA, DPS can't tell which devices belong to the group. DPS does not return a group's own "
                "certificates, so a group that was read has none.",
                "Set its attestation to a CaReference to a registered CA, or to a SigningCertificate.",
            )


def _is_described(certificates: SigningCertificate, signing: Mapping[str, Any]) -> bool:
    """Return whether the service's descriptions describe these certificates."""
    given = {"primary": certificates.primary, "secondary": certificates.secondary}
    mine = {slot: describe(certificate).sha256 for slot, certificate in given.items() if certificate}
    return mine == {slot: each["info"]["sha256Thumbprint"] for slot, each in signing.items() if each}
