"""Devices for tests: a CA and another below it, the chain that a device sends, and its raw HTTPS requests."""

import base64
import http.client
import json
import ssl
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.crafting import Crafted, ca, leaf
from tests.local_dps.tls import Files, address, client_context
from tests.local_dps.wire import LocalService, Reply, upload_body

VERSION = "2019-03-31"
ROOT = ca("Root", 1)
INTERMEDIATE = ca("Intermediate", 2, ROOT)
TWIN_ROOT = ca("Root", 4)  # the same name, another key
DEVICE = leaf(INTERMEDIATE)


def write_chain(folder: Path, device: Crafted, *above: Crafted, private_key: bytes | None = None) -> tuple[Path, Path]:
    """Write the chain that a device sends, its own certificate first, and its key, or another key if one is given."""
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(each.certificate_file for each in (device, *above)))
    private.write_bytes(private_key or device.key_file)
    return chain, private


def upload(dps: LocalService, uploaded: str, certificate: Crafted, verified: bool = True) -> None:
    body = upload_body(base64.b64encode(certificate.der).decode(), isVerified=verified)
    assert dps.manage("PUT", f"/certificates/{uploaded}", body).status == 200


class Device:
    """One device on raw HTTPS, with a chain or without one."""

    def __init__(
        self, dps: LocalService, registration: str, files: Files = (), tls: ssl.TLSVersion | None = None
    ) -> None:
        self._dps = dps
        self.registration = registration
        self._host, self._port = address(dps, "device")
        self._context = client_context(dps, files, tls)

    def ask(
        self,
        method: str,
        suffix: str,
        body: Mapping[str, Any] | bytes | None = None,
        scope: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request below the device's own path."""
        path = f"/{scope or self._dps.connection['id_scope']}/registrations/{self.registration}{suffix}"
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        client = http.client.HTTPSConnection(self._host, self._port, context=self._context, timeout=30)
        with closing(client):
            sent = {"Content-Type": "application/json", **(headers or {})}
            client.request(method, f"{path}?api-version={VERSION}", content, sent)
            answer = client.getresponse()
            return Reply(answer.status, answer.headers, answer.read())

    def register(self, scope: str | None = None) -> Reply:
        return self.ask("PUT", "/register", {"registrationId": self.registration}, scope)

    def outcome(self) -> Mapping[str, Any]:
        """Register, and poll once."""
        return self.poll(self.register())

    def poll(self, began: Reply) -> Mapping[str, Any]:
        """The outcome of a registration that began."""
        assert began.status == 202, began.content
        polled = self.ask("GET", f"/operations/{began.json['operationId']}")
        assert polled.status == 200, polled.content
        return polled.json
