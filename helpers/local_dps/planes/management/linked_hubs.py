"""Linked IoT hubs as a service resource names them. They are names here: nothing is ever asked of a hub."""

import re
from collections.abc import Mapping
from typing import Any

from ...errors import resource_provider as errors
from ...store import LinkedHub, masked_connection_string

__all__ = ["describe_hub", "read_hubs"]

_MAX_HUBS = 50
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_ECHOED = ("authenticationType", "selectedUserAssignedIdentityResourceId")


def read_hubs(sent: Any) -> tuple[LinkedHub, ...]:
    """The hubs of a PUT, which says all of them each time."""
    if sent is None:
        return ()
    if not isinstance(sent, list) or not all(isinstance(hub, dict) for hub in sent):
        raise _invalid("iotHubs is invalid.", "It is a list of hubs.")
    if len(sent) > _MAX_HUBS:
        raise _invalid("There are too many linked hubs.", f"A service has at most {_MAX_HUBS}.")
    hubs = tuple(_hub(each) for each in sent)
    if len({hub.name.lower() for hub in hubs}) < len(hubs):
        raise _invalid("An IoT hub is linked twice.", "Each host name stands once.")
    return hubs


def describe_hub(hub: LinkedHub) -> Mapping[str, Any]:
    """One entry of `iotHubs`. The key in a connection string never comes back."""
    return {
        "applyAllocationPolicy": hub.apply_allocation_policy,
        **({} if hub.allocation_weight is None else {"allocationWeight": hub.allocation_weight}),
        "name": hub.name,
        "connectionString": hub.connection_string,
        # Azure's client sends no name back when it changes what it has read, so one of the two must say which hub it is.
        **({} if hub.connection_string else {"hostName": hub.name}),
        "location": hub.location,
        **hub.properties,
    }


def _hub(sent: Mapping[str, Any]) -> LinkedHub:
    connection_string = sent.get("connectionString")
    if connection_string is not None and not isinstance(connection_string, str):
        raise _invalid("A hub's connectionString is invalid.", "It is HostName=…;SharedAccessKeyName=…;….")
    parts = dict(part.partition("=")[::2] for part in (connection_string or "").split(";"))
    # A link with an identity names its host instead; a hub that was read has its name, which alone is enough.
    name = parts.get("HostName") or sent.get("hostName") or sent.get("name")
    if not isinstance(name, str) or not _HOST_NAME.fullmatch(name):
        raise _invalid("A hub's host name is missing or invalid.", "connectionString begins with HostName=….")
    location = sent.get("location")
    if not isinstance(location, str) or not location:
        raise _invalid(f"The location of the hub '{name}' is missing.", "Any location will do here.")
    weight, applies = sent.get("allocationWeight"), sent.get("applyAllocationPolicy")
    if weight is not None and (not isinstance(weight, int) or isinstance(weight, bool) or not 1 <= weight <= 1000):
        raise _invalid(f"The allocationWeight of '{name}' is invalid.", "It is a whole number from 1 to 1000.")
    if not isinstance(applies, bool | None):
        raise _invalid(f"The applyAllocationPolicy of '{name}' is invalid.", "It is true or false.")
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


def _invalid(message: str, explanation: str) -> Exception:
    return errors.service_not_understood(message, explanation)
