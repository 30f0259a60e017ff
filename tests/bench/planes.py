"""Requests a second on the management and the service plane, beside a bare aiohttp handler that returns the same bytes."""

import base64
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from tests.bench.load import load, once
from tests.bench.processes import started
from tests.bench.report import Figure
from tests.bench.size import Size
from tests.crafting import root
from tests.local_dps.process import Server
from tests.local_dps.wire import LocalService, group_body, upload_body

__all__ = ["throughput"]

KEPT_HEADERS = ("x-ms-request-id", "content-type")


def throughput(folder: Path, size: Size) -> Iterator[Figure]:
    """get-certificate and put-group beside the bare handler."""
    folder.mkdir()
    with Server(folder) as server:
        dps = server.start()
        certificate = root().certificate.public_bytes(serialization.Encoding.PEM)
        dps.manage("PUT", "/certificates/ca", upload_body(base64.b64encode(certificate).decode()))
        requests = {
            "get-certificate": _request(dps, "GET", f"{dps.root}/certificates/ca?api-version=2026-11-01", None, {}),
            "put-group": _request(
                dps,
                "PUT",
                "/enrollmentGroups/bench?api-version=2021-10-01",
                group_body("bench", reference="ca"),
                {"If-Match": "*"},
            ),
        }
        for name, request in requests.items():
            answer = once(dps.address.port, dps.context, request)
            with bare(answer) as (pid, port, context):
                pairs = [
                    (
                        load(server.process.pid, dps.address.port, dps.context, request, size.requests_seconds),
                        load(pid, port, context, request, size.requests_seconds),
                    )
                    for _ in range(size.rounds)
                ]
            rates = [[each.rate for each in side] for side in zip(*pairs, strict=True)]
            costs = [[each.cpu * 1e6 for each in side] for side in zip(*pairs, strict=True)]
            yield Figure(name, "/s", rates[0], "a bare handler", rates[1], True)
            yield Figure(f"{name}: CPU", "us", costs[0], "a bare handler's", [max(each, 1) for each in costs[1]])


@contextmanager
def bare(answer: bytes) -> Iterator[tuple[int, int, ssl.SSLContext]]:
    """Run the bare handler in its own process; it returns the body and the headers of that answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = (line.decode().partition(": ") for line in head.split(b"\r\n")[1:])
    headers = {name: value for name, _, value in lines if name.lower() in KEPT_HEADERS}
    with started("tests.bench.bare", {"body": base64.b64encode(body).decode(), "headers": headers}) as (pid, said):
        yield pid, said["port"], ssl.create_default_context(cadata=said["authority"])


def _request(
    dps: LocalService, method: str, target: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
) -> bytes:
    token = dps.management_token if target.startswith("/subscriptions") else dps.service_token
    content = b"" if body is None else json.dumps(body).encode()
    lines = {
        "Host": dps.host,
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + content
