"""Provisioning services, and the resource groups around them, on the management plane."""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from tests.local_dps.wire import NEWEST, LocalService, Reply

HUB_KEY = base64.b64encode(b"the key of an IoT hub, for all to see?").decode()
READER = {"keyName": "reader", "rights": "EnrollmentRead"}


def ask(
    dps: LocalService,
    method: str,
    path: str,
    body: Any = None,
    *,
    version: str | None = NEWEST,
    if_match: str | None = None,
) -> Reply:
    """Make a request to any path of the management plane, with a token."""
    headers = {"Authorization": f"Bearer {dps.management_token}"}
    if if_match is not None:
        headers["If-Match"] = if_match
    return dps.call(method, path + (f"?api-version={version}" if version else ""), body, headers)


def subscription(dps: LocalService) -> str:
    return f"/subscriptions/{dps.connection['subscription_id']}"


def group_path(dps: LocalService, group: str) -> str:
    return f"{subscription(dps)}/resourceGroups/{quote(group, safe='()')}"


def service_path(dps: LocalService, name: str, group: str | None = None) -> str:
    group = dps.connection["resource_group"] if group is None else group
    return f"{group_path(dps, group)}/providers/Microsoft.Devices/provisioningServices/{quote(name, safe='')}"


def description(**changes: Any) -> dict[str, Any]:
    """The body of a PUT as the Azure CLI sends it."""
    return {"location": "local", "tags": {}, "properties": {}, "sku": {"name": "S1", "capacity": 1}} | changes


def create(dps: LocalService, name: str, group: str | None = None, **properties: Any) -> Mapping[str, Any]:
    """Create a service, and return it as it is read afterwards."""
    path = service_path(dps, name, group)
    reply = ask(dps, "PUT", path, description(properties=properties))
    assert reply.status == 201, reply.content
    return ask(dps, "GET", path).json


def poll(dps: LocalService, url: str) -> Reply:
    """Return the answer at the address in a header."""
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("https", dps.host)
    return ask(dps, "GET", f"{parts.path}?{parts.query}", version=None)


def census(dps: LocalService) -> Mapping[str, Any]:
    """All resource groups, all services and their keys, to compare before and after."""
    services = ask(dps, "GET", f"{subscription(dps)}/providers/Microsoft.Devices/provisioningServices").json
    return {
        "groups": ask(dps, "GET", f"{subscription(dps)}/resourceGroups").json,
        "services": services,
        "keys": [ask(dps, "POST", f"{service['id']}/listkeys").json for service in services["value"]],
        **dps.everything(),
    }


def read(dps: LocalService) -> dict[str, Any]:
    """The service resource."""
    reply = dps.manage("GET")
    assert reply.status == 200, reply.content
    return reply.json


def updated(dps: LocalService, **properties: Any) -> Reply:
    """Read, change, write back."""
    present = read(dps)
    return dps.manage("PUT", "", {**present, "properties": {**present["properties"], **properties}})


def hub(name: str = "hub.azure-devices.net", **changes: Any) -> dict[str, Any]:
    """Return a linked hub as a client writes it. Its key exists only for the test, and must not be found anywhere."""
    connection = f"HostName={name};SharedAccessKeyName=iothubowner;SharedAccessKey={HUB_KEY}"
    return {"connectionString": connection, "location": "westus"} | changes


def rules(dps: LocalService) -> dict[str, Mapping[str, str]]:
    """The access policies of a service, by their names."""
    return {rule["keyName"]: rule for rule in dps.manage("POST", "/listkeys").json["value"]}
