"""The linked IoT hubs of a service resource. Here a hub is only a name: the local DPS sends it no requests."""

import re
from collections.abc import Mapping
from typing import Any

from ...errors.resource_provider import service_not_understood as invalid
from ...store import LinkedHub, masked_connection_string

__all__ = ["describe_hub", "read_hubs"]

_MAX_HUBS = 50
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_ECHOED = ("authenticationType", "selectedUserAssignedIdentityResourceId")


def read_hubs(sent: Any) -> tuple[LinkedHub, ...]:
    """Return the hubs in the body of a PUT, which must list all of them."""
    if sent is None:
        return ()
    if not isinstance(sent, list) or not all(isinstance(hub, dict) for hub in sent):
        raise invalid("iotHubs is invalid.", "It must be a list of objects.")
    if len(sent) > _MAX_HUBS:
        raise invalid("There are too many linked hubs.", f"A service may have at most {_MAX_HUBS}.")
    hubs = tuple(_hub(each) for each in sent)
    if len({hub.name.lower() for hub in hubs}) < len(hubs):
        raise invalid("An IoT hub is linked twice.", "List each host name once.")
    return hubs


def describe_hub(hub: LinkedHub) -> Mapping[str, Any]:
    """Return one entry of `iotHubs`. The key in a connection string is never returned."""
    return {
        "applyAllocationPolicy": hub.apply_allocation_policy,
        **({} if hub.allocation_weight is None else {"allocationWeight": hub.allocation_weight}),
        "name": hub.name,
        "connectionString": hub.connection_string,
        # Azure's client omits the name when it sends back a hub that it has read, so another field must identify the hub.
        **({} if hub.connection_string else {"hostName": hub.name}),
        "location": hub.location,
        **hub.properties,
    }


def _hub(sent: Mapping[str, Any]) -> LinkedHub:
    connection_string = sent.get("connectionString")
    if connection_string is not None and not isinstance(connection_string, str):
        raise invalid(
            "A hub's connectionString is invalid.", "It must have the form HostName=…;SharedAccessKeyName=…;…."
        )
    parts = dict(part.partition("=")[::2] for part in (connection_string or "").split(";"))
    # A hub that is linked by an identity has hostName. A hub that was read before has name, which is enough.
    name = parts.get("HostName") or sent.get("hostName") or sent.get("name")
    if not isinstance(name, str) or not _HOST_NAME.fullmatch(name):
        raise invalid(
            "A hub's host name is missing or invalid.", "Send a connectionString that begins with HostName=…."
        )
    location = sent.get("location")
    if not isinstance(location, str) or not location:
        raise invalid(f"The location of the hub '{name}' is missing.", "Send a location. Any location will do here.")
    weight, applies = sent.get("allocationWeight"), sent.get("applyAllocationPolicy")
    if weight is not None and (not isinstance(weight, int) or isinstance(weight, bool) or not 1 <= weight <= 1000):
        raise invalid(f"The allocationWeight of '{name}' is invalid.", "It must be a whole number from 1 to 1000.")
    if not isinstance(applies, bool | None):
        raise invalid(f"The applyAllocationPolicy of '{name}' is invalid.", "It must be true or false.")
    return LinkedHub(
        name=name,
        location=location,
        allocation_weight=weight,
        apply_allocation_policy=applies is not False,
        connection_string=masked_connection_string(name, parts.get("SharedAccessKeyName"))
        if connection_string
        else None,
        properties={key: sent[key] for key in _ECHOED if sent.get(key) is not None},
    )
