"""Switch faults on: at a local DPS that runs as a process of its own, or in the next requests to one in this process."""

import http.client
import json
import re
import ssl
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from helpers.local_dps import Fault, Faults

__all__ = ["Once", "set_faults"]


class Once(Faults):
    """Causes a fault in the next requests with a certain method, to paths with a certain end, a regular expression."""

    def __init__(self) -> None:
        super().__init__()
        self._wanted: tuple[Fault, str, str] | None = None
        self.left = 0

    def cause(self, fault: Fault, method: str, end: str, times: int = 1) -> None:
        """Cause the fault in that many requests."""
        self._wanted, self.left = (fault, method, end), times

    def draw(self, call):  # type: ignore[no-untyped-def]
        if not (self._wanted and self.left):
            return None
        fault, method, end = self._wanted
        if call.method != method or not re.search(f"{end}$", call.path):
            return None
        if fault is Fault.CHANGE_ETAG and call.if_match() in (None, "*"):
            return None
        self.left -= 1
        return fault


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
