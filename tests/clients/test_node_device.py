"""Azure's Node clients for devices, unmodified: HTTPS, MQTT and MQTT over a websocket from npm against a local DPS."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.local_dps import RequestRecord
from tests.clients.devices import INTERMEDIATE, ROOT, STRANGER, WITHDRAWN, device_certificate
from tests.crafting import Crafted
from tests.local_dps.devices import write_chain
from tests.local_dps.wire import LocalService

PROGRAM = Path(__file__).parent / "node_device"
PACKAGES = json.loads((PROGRAM / "package.json").read_text())["dependencies"]
PATIENCE = 60.0  # seconds; it needs five
TRANSPORTS = ("http", "mqtt", "websocket")


@dataclass(frozen=True)
class NodeDevice:
    """The properties of a device: the CA that issued its certificate, the CAs that it sends, and its kind of key."""

    issuer: Crafted
    above: tuple[Crafted, ...] = ()
    kind: str = "P-256"

    def describe(self, registration: str, folder: Path) -> Mapping[str, str]:
        """Write the device's files, and return its description for the program."""
        own = folder / registration
        own.mkdir()
        made = device_certificate(registration, self.issuer, self.kind)
        chain, private = write_chain(own, made, *self.above)
        return {"registrationId": registration, "certificate": str(chain), "key": str(private)}


def register(service: LocalService, folder: Path, devices: Mapping[str, NodeDevice]) -> Mapping[str, Any]:
    """Return the answer to each device over each transport, by registration id: `http-` and its name, and so on."""
    node = shutil.which("node")
    assert node, "Node.js is not installed: install Node 18 or newer with npm, then `make test`."
    for package, version in PACKAGES.items():
        installed = PROGRAM / "node_modules" / package / "package.json"
        assert installed.is_file(), "The Node clients are not installed: `make test` installs them."
        assert json.loads(installed.read_text())["version"] == version, f"Another {package} is here: run `make test`."
    described = [
        {"transport": transport, **device.describe(f"{transport}-{each}", folder)}
        for transport in TRANSPORTS
        for each, device in devices.items()
    ]
    environment = {
        "PATH": os.environ["PATH"],
        "NODE_EXTRA_CA_CERTS": service.connection["ca_file"],
        "DPS_CONNECTION_FILE": str(service.state / "connection.json"),
    }
    result = subprocess.run(
        [node, "device_client.js"], cwd=PROGRAM, env=environment, input=json.dumps(described),
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def over_each(devices: Iterable[str]) -> list[tuple[str, str]]:
    return [(transport, each) for transport in TRANSPORTS for each in devices]


def test_azures_node_clients_are_assigned_to_a_hub_and_the_record_matches_their_answers(
    service: LocalService, tmp_path: Path, exchanges: list[RequestRecord]
) -> None:
    devices = {
        "p256-below-root": NodeDevice(ROOT),
        "p256-below-intermediate": NodeDevice(INTERMEDIATE, (INTERMEDIATE,)),
        "rsa-below-root": NodeDevice(ROOT, kind="RSA-2048"),
        "rsa-below-intermediate": NodeDevice(INTERMEDIATE, (INTERMEDIATE,), kind="RSA-2048"),
    }
    began = len(exchanges)
    told = register(service, tmp_path, devices)
    by_node = exchanges[began:]
    for transport, each in over_each(devices):
        registration = f"{transport}-{each}"
        assert "state" in told[registration], told[registration]
        state = told[registration]["state"]
        assert state.pop("x509") == {}
        assert state == service.serve("GET", f"/registrations/{registration}").json
        assert (state["registrationId"], state["deviceId"]) == (registration, registration)
        assert (state["status"], state["substatus"]) == ("assigned", "initialAssignment")
        assert state["assignedHub"] in service.connection["iot_hubs"]

        path = f"/{service.connection['id_scope']}/registrations/{registration}/"
        register_then_poll = [exchange for exchange in by_node if exchange.path.startswith(path)]
        assert [exchange.status for exchange in register_then_poll] == [202, 200]
        methods = ["PUT", "GET"] if transport == "http" else ["MQTT", "MQTT"]
        assert [exchange.method for exchange in register_then_poll] == methods

    # The requests came from the unmodified client.
    agent = f"azure-iot-provisioning-device/{PACKAGES['azure-iot-provisioning-device']}"
    agents = [each.headers["user-agent"] for each in by_node if each.method in ("PUT", "GET")]
    assert agents == [agent] * 2 * len(devices)


UNAUTHORIZED = ("UnauthorizedError", None, 401002)
OUTCOMES: Mapping[str, tuple[NodeDevice, tuple[str, str | None, int | None]]] = {
    "stranger": (NodeDevice(STRANGER, (STRANGER,)), UNAUTHORIZED),
    "lonely": (NodeDevice(INTERMEDIATE), UNAUTHORIZED),
    "withdrawn": (NodeDevice(WITHDRAWN, (WITHDRAWN,)), ("SyntaxError", "disabled", None)),
    "homeless": (NodeDevice(ROOT), ("ProvisioningRegistrationFailedError", "failed", 400208)),
}


def test_azures_node_clients_report_why_a_device_was_refused(service: LocalService, tmp_path: Path) -> None:
    """An unknown CA, an intermediate that was not sent, a group that is disabled, and no hub to go to."""
    document = service.manage("GET").json
    document["properties"]["iotHubs"] = []
    assert service.manage("PUT", "", document).status == 201
    outcomes = register(service, tmp_path, {each: device for each, (device, _) in OUTCOMES.items()})
    for transport, each in over_each(OUTCOMES):
        registration = f"{transport}-{each}"
        outcome, record = outcomes[registration], service.serve("GET", f"/registrations/{registration}")
        told = outcome["told"]
        error, status, code = OUTCOMES[each][1]
        assert outcome["error"] == error, registration
        if status is None:
            assert (told["errorCode"], told["message"]) == (code, "CA certificate not found.")
            assert record.status == 404
            continue
        state = told["registrationState"]
        assert (told["status"], state["status"], state.get("errorCode")) == (status, status, code)
        assert state.pop("x509") == {}
        assert state == record.json
        assert "assignedHub" not in state
