"""Requests a second on the management and the service plane, beside a bare aiohttp handler that returns the same bytes."""

import base64
import json
import ssl
import statistics
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from tests.bench.load import Measured, load, once
from tests.bench.processes import started
from tests.local_dps.crafting import root
from tests.local_dps.process import Server
from tests.local_dps.wire import LocalService, group_body, upload_body

__all__ = ["throughput"]

ROUNDS = 5
SECONDS = 1.0
KEPT_HEADERS = ("x-ms-request-id", "content-type")


def throughput(folder: Path) -> None:
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
                        load(server.process.pid, dps.address.port, dps.context, request, SECONDS),
                        load(pid, port, context, request, SECONDS),
                    )
                    for _ in range(ROUNDS)
                ]
            _print_pairs(name, pairs)


def _print_pairs(name: str, pairs: list[tuple[Measured, Measured]]) -> None:
    ours = statistics.median(pair[0].rate for pair in pairs)
    bares = statistics.median(pair[1].rate for pair in pairs)
    rate = statistics.median(pair[0].rate / pair[1].rate for pair in pairs)
    cpu = statistics.median(pair[0].cpu / pair[1].cpu for pair in pairs)
    micro = statistics.median(pair[0].cpu for pair in pairs) * 1e6
    print(
        f"{name:16} {ours:6.0f}/s, bare handler {bares:6.0f}/s: {rate:4.0%} of it (goal 60%); "
        f"CPU {micro:.0f} us a request, {cpu:.2f} times the bare handler's"
    )


@contextmanager
def bare(answer: bytes) -> Iterator[tuple[int, int, ssl.SSLContext]]:
    """The bare handler as a process of its own, returning the body and the headers of that answer."""
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
