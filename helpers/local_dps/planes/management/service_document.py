"""The body of a PUT of a provisioning service."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ...errors import resource_provider as errors
from ...store import LinkedHub, ServiceRow
from .access_policies import read_policies
from .linked_hubs import read_hubs
from .management_door import normalized

__all__ = ["read_properties", "read_sku"]

_ALLOCATION_POLICIES = ("Hashed", "GeoLatency", "Static")
_RESIDENCY_LOCATIONS = ("brazilsouth", "southeastasia")  # Azure can store a service's data in one region there
_ECHOED_PROPERTIES = (
    "publicNetworkAccess",
    "ipFilterRules",
    "enableDataResidency",
    "portalOperationsHostName",
    "disableLocalAuth",
    "minTlsVersion",
)


def read_properties(
    sent: Any, location: str, present: ServiceRow | None, known_hubs: Collection[str]
) -> dict[str, Any]:
    """Return the columns of a service that come from the properties in a PUT.

    Args:
        known_hubs: see `ServiceRoutes`.
    """
    if not isinstance(sent, dict):
        raise errors.service_not_understood(
            "The properties are missing.", "properties must be an object, which may be empty."
        )
    allocation = sent.get("allocationPolicy")
    if allocation is None:
        allocation = "Hashed"
    if allocation not in _ALLOCATION_POLICIES:
        raise errors.service_not_understood(
            "allocationPolicy is invalid.", f"It must be one of {', '.join(_ALLOCATION_POLICIES)}."
        )
    if sent.get("enableDataResidency") and normalized(location) not in _RESIDENCY_LOCATIONS:
        raise errors.data_residency_unavailable(location)
    hubs = read_hubs(sent.get("iotHubs"))
    _require_known(hubs, present, known_hubs)
    echoed = {name: sent[name] for name in _ECHOED_PROPERTIES if sent.get(name) is not None}
    return {
        "properties": {"allocationPolicy": allocation, **echoed},
        "policies": read_policies(sent.get("authorizationPolicies"), present),
        "iot_hubs": hubs,
    }


def _require_known(hubs: Iterable[LinkedHub], present: ServiceRow | None, known: Collection[str]) -> None:
    """Refuse a new hub that does not exist. Hubs that are linked already are not checked again."""
    if known:
        linked = {hub.name.lower() for hub in present.iot_hubs} if present else set()
        for hub in hubs:
            if hub.name.lower() not in linked and hub.name.lower() not in known:
                raise errors.hub_not_found(hub.name)


def read_sku(sent: Any) -> Mapping[str, Any]:
    """Return the sku of a service, which is S1 with 1 to 1,000,000 units."""
    if not isinstance(sent, dict) or sent.get("name") != "S1":
        raise errors.service_not_understood(
            "The sku is invalid.", "It must have the form {'name': 'S1', 'capacity': 1}."
        )
    capacity = sent.get("capacity")
    sku = {"name": "S1", "tier": "Standard"}
    if capacity is None:
        return sku
    if not isinstance(capacity, int) or isinstance(capacity, bool) or not 1 <= capacity <= 1_000_000:
        raise errors.service_not_understood(
            "The sku's capacity is invalid.", "It must be a whole number from 1 to 1,000,000."
        )
    return {**sku, "capacity": capacity}
