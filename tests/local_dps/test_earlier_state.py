"""A state that an earlier version wrote is read, and the walkthrough in it goes on."""

import json
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

from helpers.local_dps import running
from tests.crafting import Crafted, proof, root
from tests.local_dps.wire import LocalService

SCHEMA_3 = Path(__file__).with_name("schema_3.sql")
HUB = "local-hub-1.azure-devices.net"
CODE = "0123456789ABCDEF" * 3
RFC_1123, DOTNET = "Fri, 27 Nov 2026 21:17:49 GMT", "2026-11-27T21:18:13.9408030Z"
SKU = '{"name": "S1", "tier": "Standard", "capacity": 1}'
POLICY = {"name": "provisioningserviceowner", "rights": "ServiceConfig, DeviceConnect, EnrollmentWrite"}
LINKED = {
    "name": HUB,
    "location": "local",
    "allocation_weight": None,
    "apply_allocation_policy": True,
    "connection_string": f"HostName={HUB};SharedAccessKeyName=iothubowner;SharedAccessKey=****",
    "properties": {},
}
GROUP = {
    "attestation": {"type": "x509", "x509": {"caReferences": {"primary": "factory", "secondary": None}}},
    "reprovisionPolicy": {"updateHubAssignment": True, "migrateDeviceData": True},
    "allocationPolicy": "hashed",
    "provisioningStatus": "enabled",
}
REGISTRATION = {"assignedHub": HUB, "substatus": "initialAssignment", "deviceId": "pump", "status": "assigned"}


def write_schema_3(file: Path, ca: Crafted, client_secret: str, key: str) -> None:
    """Half-way through a walkthrough: a CA has a code, and a device of its group is assigned."""
    policies, hubs = json.dumps([POLICY | {"primary_key": key, "secondary_key": key}]), json.dumps([LINKED])
    rows = {
        "identity": ("tenant", "subscription", "client", client_secret, secrets.token_bytes(32)),
        "resource_group": ("local-group", "local", "{}"),
        "service": (
            1,
            "local-group",
            "local-dps",
            "0ne540C220B",
            "AAAAcqjOXgw=",
            "local",
            "{}",
            SKU,
            "{}",
            policies,
            hubs,
        ),
        "certificate": (1, "factory", ca.pem, ca.der, '{"subject": "CN=Root"}', 0, CODE, "IjAi", RFC_1123, RFC_1123),
        "enrollment": (1, "enrollmentGroups", "pumps", "x509", json.dumps(GROUP), "IjAi", DOTNET, DOTNET),
        "registration": (1, "pump", "pumps", json.dumps(REGISTRATION), "IjAi", DOTNET, DOTNET),
        "hub_device": (HUB, "pump", "C1" * 32, '{"capabilities": {"iotEdge": false}, "twin": {}}'),
    }
    with closing(sqlite3.connect(file)) as database:
        database.executescript(SCHEMA_3.read_text())
        for table, row in rows.items():
            database.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        database.commit()


def test_a_state_of_schema_3_is_read_and_its_walkthrough_goes_on(tmp_path: Path) -> None:
    ca, client_secret, key = root(), secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    write_schema_3(tmp_path / "dps.sqlite3", ca, client_secret, key)
    with running(tmp_path) as connection:
        dps = LocalService(connection, tmp_path)
        assert (connection["id_scope"], connection["client_secret"]) == ("0ne540C220B", client_secret)
        assert dps.keys()["primaryKey"] == key
        assert dps.verify("factory", proof(ca, CODE).pem, if_match="IjAi").status == 200
        assert dps.certificate("factory")["properties"]["isVerified"] is True
        assert dps.group("pumps")["attestation"]["x509"]["caReferences"]["primary"] == "factory"
        record = dps.serve("GET", "/registrations/pump").json
        assert (record["status"], record["assignedHub"], record["etag"]) == ("assigned", HUB, "IjAi")
