"""Memory, and the time of one lookup, with many registrations."""

import os
import random
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from helpers.local_dps.core import Core
from helpers.local_dps.errors import ApiPlane
from helpers.local_dps.planes.identity.assertion import new_client_certificate
from helpers.local_dps.planes.identity.tokens import SERVICE_AUDIENCE, issue_token
from helpers.local_dps.request.endpoints import Endpoints
from helpers.local_dps.request.routing import Request
from helpers.local_dps.store import RegistrationRow, Store, new_etag
from tests.bench.processes import most_megabytes
from tests.bench.report import Figure
from tests.bench.size import Size
from tests.crafting import root
from tests.local_dps.process import Server
from tests.local_dps.wire import group_body

__all__ = ["lookups", "memory"]


def memory(folder: Path, size: Size) -> Iterator[Figure]:
    """The most memory after looking up 2,000 registrations and reading a page of 1,000."""
    for count in (0, size.rows):
        place = folder / f"memory-{count}"
        place.mkdir()
        _seed(place / "state", count)
        with Server(place) as server:
            dps = server.start()
            dps.put_group(group_body("fleet", signing=root().pem))
            for number in random.Random(1).choices(range(max(count, 1)), k=2000):
                assert dps.serve("GET", f"/registrations/device-{number}").status == (200 if count else 404)
            assert dps.serve("POST", "/registrations/fleet/query").status == 200
            megabytes = [most_megabytes(server.process.pid)]
            yield Figure(f"memory with {count:,} registrations", "MB", megabytes, goal=80)
            os.kill(server.process.pid, signal.SIGTERM)


def lookups(folder: Path, size: Size) -> Iterator[Figure]:
    """Look up one registration among 100 and among many, in turn."""
    counts = (100, size.rows)
    askers = {count: _asker(folder / f"lookup-{count}", count) for count in counts}
    times: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(40):
        for count, ask in askers.items():
            began = time.perf_counter()
            for _ in range(250):
                ask()
            times[count].append((time.perf_counter() - began) / 250)
    few, many = ([each * 1e6 for each in times[count]] for count in counts)
    what = f"a lookup among {size.rows:,}"
    yield Figure(what, "us", many, "among 100", few, goal=1.2, goal_of_ratio=True)


def _asker(state: Path, count: int) -> Callable[[], None]:
    store = _seed(state, count)
    core = Core(store, Endpoints(1, 1, {1: 1}), new_client_certificate(datetime.now(UTC))[1])
    token = issue_token(store.identity, SERVICE_AUDIENCE, datetime.now(UTC))
    headers, query = {"authorization": f"Bearer {token}"}, {"api-version": "2021-10-01"}
    numbers = random.Random(1)

    def ask() -> None:
        path = f"/registrations/device-{numbers.randrange(count)}"
        outcome = core.read(
            Request("GET", "localhost", 1, ApiPlane.SERVICE, path, query, headers, b"", datetime.now(UTC))
        )
        assert outcome.response
        assert outcome.response.status == 200

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
