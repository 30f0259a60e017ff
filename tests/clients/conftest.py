"""A local DPS with a record of its requests, and Azure's Python clients in both their forms, sync and aio."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from helpers.local_dps import RequestRecord, running
from tests.clients.devices import prepare
from tests.clients.forms import Clients
from tests.local_dps.wire import LocalService


@pytest.fixture
def exchanges() -> list[RequestRecord]:
    """Every request that the local DPS received."""
    return []


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def dps(state: Path, exchanges: list[RequestRecord]) -> Iterator[LocalService]:
    with running(state, observe=exchanges.append) as connection:
        yield LocalService(connection, state)


@pytest.fixture
def service(dps: LocalService) -> LocalService:
    """A service with a root CA and groups for devices."""
    prepare(dps)
    return dps


@pytest.fixture(params=["sync", "aio"])
def clients(request: pytest.FixtureRequest, dps: LocalService) -> Iterator[Clients]:
    with ExitStack() as stack:
        yield Clients(request.param, dps, stack)
