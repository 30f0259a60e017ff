"""How fast the local DPS is, as ratios that a noisy machine does not move much: `make bench`.

Beside it runs a bare aiohttp handler that returns the same bytes over the same TLS; the two are measured in turn.
"""

import base64
import json
import os
import random
import secrets
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from helpers.local_dps.core import Core
from helpers.local_dps.endpoints import Endpoints
from helpers.local_dps.errors import Plane
from helpers.local_dps.identity.assertion import new_client_certificate
from helpers.local_dps.identity.tokens import SERVICE, issue_token
from helpers.local_dps.routing import Call
from helpers.local_dps.store import RegistrationRow, Store, new_etag
from tests.bench.load import Measured, load, once, resident_megabytes
from tests.local_dps.crafting import root
from tests.local_dps.process import Server
from tests.local_dps.wire import LocalService, group_body, upload_body

ROUNDS = 5
SECONDS = 2.0
KEPT_HEADERS = ("x-ms-request-id", "content-type")


def main() -> None:
    """Measure, and print a line a figure."""
    with tempfile.TemporaryDirectory() as folder:
        throughput(Path(folder, "throughput"))
        memory(Path(folder))
        lookups(Path(folder))


# --- requests a second, CPU a request ---------------------------------------------------------------------------------


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
            with bare(answer) as (process, port, context):
                pairs = [
                    (
                        load(server.process.pid, dps.address.port, dps.context, request, SECONDS),
                        load(process.pid, port, context, request, SECONDS),
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
def bare(answer: bytes) -> Iterator[tuple[subprocess.Popen[bytes], int, ssl.SSLContext]]:
    """The bare handler as a process of its own, returning the body and the headers of that answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = (line.decode().partition(": ") for line in head.split(b"\r\n")[1:])
    headers = {name: value for name, _, value in lines if name.lower() in KEPT_HEADERS}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bare"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps({"body": base64.b64encode(body).decode(), "headers": headers}).encode())
        process.stdin.close()
        said = json.loads(process.stdout.readline())
        yield process, said["port"], ssl.create_default_context(cadata=said["authority"])
    finally:
        process.kill()
        process.wait()


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


# --- memory, and the time of one lookup ---------------------------------------------------------------------------------


def memory(folder: Path) -> None:
    """The most memory after looking up 2,000 registrations and reading a page of 1,000."""
    for count in (0, 1_000, 100_000):
        place = folder / f"memory-{count}"
        place.mkdir()
        _seed(place / "state", count)
        with Server(place) as server:
            dps = server.start()
            dps.put_group(group_body("fleet", signing=root().pem))
            for number in random.Random(1).choices(range(max(count, 1)), k=2000):
                assert dps.serve("GET", f"/registrations/device-{number}").status == (200 if count else 404)
            assert dps.serve("POST", "/registrations/fleet/query").status == 200
            print(
                f"memory           {resident_megabytes(server.process.pid):.0f} MB with {count:,} registrations (goal 80)"
            )
            os.kill(server.process.pid, signal.SIGTERM)


def lookups(folder: Path) -> None:
    """One registration among 100 and among 100,000, in turn."""
    counts = (100, 100_000)
    askers = {count: _asker(folder / f"lookup-{count}", count) for count in counts}
    times: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(40):
        for count, ask in askers.items():
            began = time.perf_counter()
            for _ in range(250):
                ask()
            times[count].append((time.perf_counter() - began) / 250)
    few, many = (statistics.median(times[count]) for count in counts)
    print(
        f"lookup           {few * 1e6:.0f} us among 100, {many * 1e6:.0f} us among 100,000: "
        f"{many / few:.2f} times (goal 1.20)"
    )


def _asker(state: Path, count: int) -> Callable[[], None]:
    store = _seed(state, count)
    core = Core(store, Endpoints(1, 1, {1: 1}), new_client_certificate(datetime.now(UTC))[1])
    token = issue_token(store.identity, f"{SERVICE}/.default", datetime.now(UTC))
    headers, query = {"authorization": f"Bearer {token}"}, {"api-version": "2021-10-01"}
    numbers = random.Random(1)

    def ask() -> None:
        path = f"/registrations/device-{numbers.randrange(count)}"
        outcome = core.read(Call("GET", "localhost", 1, Plane.SERVICE, path, query, headers, b"", datetime.now(UTC)))
        assert outcome.answer
        assert outcome.answer.status == 200

    return ask


def _seed(state: Path, count: int) -> Store:
    state.mkdir()
    store = Store(state / "dps.sqlite3")
    now = "2026-11-24T00:00:00.0000000Z"
    with store.transaction():
        for number in range(count):
            name = f"device-{number}"
            document = {
                "assignedHub": "local-hub-1.azure-devices.net",
                "deviceId": name,
                "status": "assigned",
                "substatus": "initialAssignment",
                "payload": secrets.token_hex(64),
            }
            store.registrations.put(RegistrationRow(1, name, "fleet", document, new_etag(), now, now))
    return store


if __name__ == "__main__":
    main()
