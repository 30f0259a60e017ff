"""The whole walkthrough while one request in five fails: one in thirty-three in each possible way."""

import http.client
import json
import ssl
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from helpers.dps import start_local_dps
from helpers.local_dps import Fault
from helpers.workspace import Workspace
from tests.notebooks.walking import run


def set_faults(connection: Mapping[str, Any], rate: float) -> None:
    """Set the faults of a running local DPS through its control interface."""
    place = urlsplit(connection["control_endpoint"])
    context = ssl.create_default_context(cafile=connection["ca_file"])
    headers = {"Authorization": f"Bearer {connection['control_token']}"}
    body = json.dumps({"rates": {fault.value: rate for fault in Fault}, "seed": 3})
    with closing(http.client.HTTPSConnection(place.hostname, place.port, context=context)) as client:
        client.request("PUT", "/faults", body, headers)
        assert client.getresponse().status == 200


@pytest.mark.usefixtures("reused_kernels")
def test_every_notebook_runs_to_its_end(workspace: Workspace) -> None:
    set_faults(json.loads(start_local_dps(workspace.local_dps_folder).read_text()), 0.03)
    run(workspace)
    log = (workspace.local_dps_folder / "log.txt").read_text()
    assert log.count("[fault ") >= 10
    assert {fault for fault in Fault if f"[fault {fault.value}: " in log} >= {Fault.SLOW, Fault.THROTTLE}
