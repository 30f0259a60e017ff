"""A group whose policy chooses a hub, and devices of that group."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.crafting import Crafted, craft, key, name, root
from tests.local_dps.devices import Device, write_chain
from tests.local_dps.wire import LocalService, group_body, upload_body

CA = root()
NEAR, FAR = "local-hub-1.azure-devices.net", "local-hub-2.azure-devices.net"  # the hubs of a new local DPS


def bind(dps: LocalService, **more: Any) -> None:
    """Create the group of all devices in this module, or change it."""
    if dps.manage("GET", "/certificates/ca").status == 404:
        body = upload_body(CA.pem, isVerified=True)
        assert dps.manage("PUT", "/certificates/ca", body).status == 200
    dps.put_group(group_body("group", reference="ca", **more), if_match="*")


def device(dps: LocalService, folder: Path, called: str = "device-1", which: int = 8) -> Device:
    """Write the files of a device of the group, and return the device."""
    return Device(dps, called, write_chain(folder, leaf(called, which)))


def leaf(called: str = "device-1", which: int = 8) -> Crafted:
    """The certificate of a device of the group."""
    return craft(name(called), key(which=which), issuer=CA)


def hub_of(outcome: Mapping[str, Any]) -> str:
    return outcome["registrationState"]["assignedHub"]


def final(mine: Device, operation: str) -> Mapping[str, Any]:
    """Poll until the registration has an outcome."""
    while True:
        reply = mine.ask("GET", f"/operations/{operation}")
        if reply.status != 202:
            assert reply.status == 200, reply.content
            return reply.json
        assert reply.json["registrationState"] == {"registrationId": mine.registration, "status": "assigning"}
