"""Switch faults on at a local DPS that runs as a process of its own."""

import http.client
import json
import ssl
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from helpers.local_dps import Fault

__all__ = ["set_faults"]


def set_faults(connection_file: Path, rates: Mapping[Fault, float], seed: int) -> None:
    """Set how often each fault happens, through the control interface."""
    connection = json.loads(connection_file.read_text())
    place = urlsplit(connection["control_endpoint"])
    context = ssl.create_default_context(cafile=connection["ca_file"])
    headers = {"Authorization": f"Bearer {connection['control_token']}"}
    body = json.dumps({"rates": {fault.value: rate for fault, rate in rates.items()}, "seed": seed})
    with closing(http.client.HTTPSConnection(place.hostname, place.port, context=context)) as client:
        client.request("PUT", "/faults", body, headers)
        assert client.getresponse().status == 200
