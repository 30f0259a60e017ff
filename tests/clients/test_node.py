"""Azure's Node client, unmodified: `azure-iot-provisioning-service` from npm against a local DPS."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from helpers.local_dps import RequestRecord
from tests.crafting import root
from tests.local_dps.wire import LocalService

PROGRAM = Path(__file__).parent / "node"
PACKAGE = "azure-iot-provisioning-service"
VERSION = json.loads((PROGRAM / "package.json").read_text())["dependencies"][PACKAGE]
CA = "ca-of-the-node-client"
PATIENCE = 60.0  # seconds; it needs two


@dataclass(frozen=True)
class NodeKind:
    """One kind of enrollment, with its names in the program and on the service plane."""

    argument: str
    path: str
    id_field: str
    ids: tuple[str, str, str]
    device_ids: tuple[str | None, str | None, str | None]


GROUPS = NodeKind(
    "groups",
    "/enrollmentGroups",
    "enrollmentGroupId",
    ("node-group-1", "node-group-2", "node-group-3"),
    (None, None, None),
)
INDIVIDUALS = NodeKind(
    "individuals",
    "/enrollments",
    "registrationId",
    ("node-device-1", "node-device-2", "node-device-3"),
    ("device-at-hub-1", "device-at-hub-2", "device-at-hub-3"),
)


@pytest.fixture
def dps(dps: LocalService) -> LocalService:
    dps.upload(CA, root().pem)
    return dps


def run_node(dps: LocalService, argument: str) -> Mapping[str, Any]:
    """Run the program, and return its output. The connection string contains a key, so it is passed in the environment."""
    node = shutil.which("node")
    assert node, "Node.js is not installed: install Node 18 or newer with npm, then `make test`."
    installed = PROGRAM / "node_modules" / PACKAGE / "package.json"
    assert installed.is_file(), "The Node client is not installed: `make test` installs it before it runs the tests."
    assert json.loads(installed.read_text())["version"] == VERSION, "Another version is installed: run `make test`."
    environment = {
        "PATH": os.environ["PATH"],
        "NODE_EXTRA_CA_CERTS": dps.connection["ca_file"],
        "DPS_CONNECTION_STRING": dps.connection["connection_string"],
        "DPS_CA_NAME": CA,
    }
    result = subprocess.run(
        [node, "service_client.js", argument],
        cwd=PROGRAM, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def without_state(enrollment: Mapping[str, Any]) -> Mapping[str, Any]:
    """Remove the registrationState, which in Azure a query leaves out and a GET returns."""
    return {name: value for name, value in enrollment.items() if name != "registrationState"}


@pytest.mark.parametrize("kind", [GROUPS, INDIVIDUALS], ids=lambda kind: kind.argument)
def test_azures_node_client_creates_reads_changes_pages_and_deletes(
    dps: LocalService, exchanges: list[RequestRecord], kind: NodeKind
) -> None:
    before = len(exchanges)
    seen = run_node(dps, kind.argument)
    by_node = exchanges[before:]
    created, updated = seen["created"], seen["updated"]

    assert [each[kind.id_field] for each in created] == list(kind.ids)
    assert [each.get("deviceId") for each in created] == list(kind.device_ids)
    for each in created:
        assert each["attestation"]["type"] == "x509"
        assert each["attestation"]["x509"]["caReferences"]["primary"] == CA
        assert each["provisioningStatus"] == "enabled"
        assert base64.b64decode(each["etag"], validate=True)
    assert without_state(seen["got"]) == without_state(created[0])

    differing = {name for name, value in without_state(updated).items() if value != created[0].get(name)}
    assert differing == {"provisioningStatus", "etag", "lastUpdatedDateTimeUtc"}
    assert updated["provisioningStatus"] == "disabled"

    # The pages are read after the refused change, which changed nothing.
    assert [len(page) for page in seen["pages"]] == [2, 1]
    found = sorted((each for page in seen["pages"] for each in page), key=lambda each: each[kind.id_field])
    assert list(map(without_state, found)) == list(map(without_state, [updated, *created[1:]]))

    for refusal, error, status in (("stale", "InvalidEtagError", 412), ("gone", "Error", 404)):
        assert (seen[refusal]["error"], seen[refusal]["status"]) == (error, status)
        assert seen[refusal]["body"]["errorCode"] // 1000 == status

    # The service now has all but the deleted one.
    left = [dps.serve("GET", f"{kind.path}/{each}") for each in kind.ids]
    assert [reply.status for reply in left] == [404, 200, 200]
    assert [without_state(reply.json) for reply in left[1:]] == list(map(without_state, created[1:]))

    # The requests came from the unmodified client, and it sent its ETags without quotes.
    assert {each.headers["user-agent"] for each in by_node} == {f"{PACKAGE}/{VERSION}"}
    assert {each.query for each in by_node} == {"api-version=2021-10-01"}
    sent = [(each.method, each.headers["if-match"]) for each in by_node if "if-match" in each.headers]
    stale, present = seen["got"]["etag"], updated["etag"]
    assert sent == [("PUT", stale), ("PUT", stale), ("DELETE", present)]
