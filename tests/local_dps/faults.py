"""The faults of a local DPS, switched on and counted."""

import http.client
from collections.abc import Mapping
from typing import Any

from tests.local_dps.client import Client
from tests.local_dps.wire import LocalService, Reply

MIXED = {"throttle": 0.2, "internal-error": 0.1, "unavailable": 0.1, "drop-request": 0.1, "drop-answer": 0.1}


def control(dps: LocalService, method: str = "GET", body: Any = None, **headers: str) -> Reply:
    """Make a request about the faults to the control interface."""
    return dps.control(method, "/faults", body, headers)


def switch_on(dps: LocalService, rates: Mapping[str, float], seed: int = 0) -> None:
    """Switch on these faults, each at its rate."""
    reply = control(dps, "PUT", {"rates": rates, "seed": seed})
    assert reply.status == 200, reply.content


def counts(dps: LocalService) -> Mapping[str, int]:
    """Return how often each fault has happened."""
    return {fault: count for fault, count in control(dps).json["counts"].items() if count}


def happenings(dps: LocalService, requests: int) -> list[int | None]:
    """Make that many requests, and return the status of each, None for a dropped one."""
    seen: list[int | None] = []
    with Client(dps) as client:
        for _ in range(requests):
            try:
                seen.append(client.manage("GET", "/certificates/ca").status)
            except (http.client.HTTPException, ConnectionError):
                client.own_line.close()  # it connects again by itself
                seen.append(None)
    return seen
