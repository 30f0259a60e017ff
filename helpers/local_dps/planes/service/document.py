"""The settings of an enrollment: all its fields except the attestation."""

from collections.abc import Mapping
from typing import Any

from ...errors import service as errors
from ...store import LinkedHub
from .enrollment_kinds import EnrollmentKind

__all__ = ["read_settings"]

_ALLOCATION_POLICIES = ("hashed", "geoLatency", "static", "custom")
_STATUSES = ("enabled", "disabled")
_ISSUANCE = ("namespaceName", "certificateAuthorityName", "certificatePolicyName", "credentialPolicyName")
_SHARED = (
    "capabilities",
    "reprovisionPolicy",
    "allocationPolicy",
    "iotHubs",
    "iotHubHostName",
    "customAllocationDefinition",
    "initialTwin",
)


def read_settings(sent: Mapping[str, Any], kind: EnrollmentKind, hubs: tuple[LinkedHub, ...]) -> Mapping[str, Any]:
    """Check the fields that the service knows, and return them without nulls, except for a status of null.

    Args:
        hubs: the hubs that are linked to the service. An enrollment can't name another hub.
    """
    _require_choice(sent, "provisioningStatus", _STATUSES)
    _require_choice(sent, "allocationPolicy", _ALLOCATION_POLICIES)
    _require_flags(sent, "reprovisionPolicy", ("updateHubAssignment", "migrateDeviceData"))
    _require_flags(sent, "capabilities", ("iotEdge",))
    _require_object(sent, "initialTwin", "tags and properties")
    _require_object(sent, "customAllocationDefinition", "webhookUrl and apiVersion")
    _require_no_issuance(sent)
    _require_hubs(sent, hubs)
    if "deviceId" in kind.fields:
        _require_device(sent)
    settings = {name: sent[name] for name in (*kind.fields, *_SHARED) if sent.get(name) is not None}
    return {**settings, "provisioningStatus": sent.get("provisioningStatus", "enabled")}


def _require_choice(sent: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> None:
    value = sent.get(name)
    if value is not None and value not in choices:
        raise errors.request_invalid(f"{name} is invalid.", f"It must be one of {', '.join(choices)}.")


def _require_flags(sent: Mapping[str, Any], name: str, flags: tuple[str, ...]) -> None:
    value = sent.get(name)
    if value is None:
        return
    if not isinstance(value, dict) or not all(isinstance(value.get(flag), bool) for flag in flags):
        raise errors.request_invalid(f"{name} is invalid.", f"It must have {' and '.join(flags)}, true or false.")


def _require_object(sent: Mapping[str, Any], name: str, members: str) -> None:
    if not isinstance(sent.get(name), dict | None):
        raise errors.request_invalid(f"{name} is invalid.", f"It must be an object with {members}.")


def _require_hubs(sent: Mapping[str, Any], linked: tuple[LinkedHub, ...]) -> None:
    """Check the hubs. The specification of iotHubs: "Must be a subset of tenant level list of IoT hubs"."""
    hubs = sent.get("iotHubs")
    if hubs is None:
        hubs = []
    if not isinstance(hubs, list) or not all(isinstance(hub, str) for hub in hubs):
        raise errors.request_invalid("iotHubs is invalid.", "It must be a list of host names.")
    one = sent.get("iotHubHostName")
    if not isinstance(one, str | None):
        raise errors.request_invalid("iotHubHostName is invalid.", "It must be a host name.")
    names = {hub.name.lower() for hub in linked}
    unknown = sorted(hub for hub in {*hubs, *([one] if one else [])} if hub.lower() not in names)
    if unknown:
        raise errors.request_invalid(
            f"IoT hub '{unknown[0]}' is not linked.",
            f"The hubs linked to this service: {', '.join(sorted(names)) or 'none'}. Name one of them, or link the hub first.",
        )
    if sent.get("allocationPolicy") == "static" and len(hubs) > 1:
        raise errors.request_invalid("A static allocation policy takes exactly one IoT hub.", "Name one in iotHubs.")
    if sent.get("allocationPolicy") == "custom" and not sent.get("customAllocationDefinition"):
        raise errors.request_invalid(
            "A custom allocation policy needs customAllocationDefinition.", "Send it with webhookUrl and apiVersion."
        )


def _require_no_issuance(sent: Mapping[str, Any]) -> None:
    """Refuse the fields for operational certificates, which need a service with a Device Registry namespace."""
    for name in _ISSUANCE:
        if sent.get(name) is not None:
            raise errors.no_namespace(name)


def _require_device(sent: Mapping[str, Any]) -> None:
    device = sent.get("deviceId")
    if device is not None and not (isinstance(device, str) and 1 <= len(device) <= 128):
        raise errors.request_invalid("deviceId is invalid.", "It must have 1 to 128 characters.")
    _require_object(sent, "optionalDeviceInformation", "members of your choice")
