"""A workspace for each test, and kernels that a worker's tests share where isolation is not what they test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.dps import stop_local_dps
from helpers.walkthrough import runner
from helpers.workspace import Workspace
from tests.notebooks.walking import ReusedKernels


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    place = Workspace(tmp_path / "workspace")
    yield place
    stop_local_dps(place.local_dps_folder)


@pytest.fixture(scope="session")
def _kernels() -> Iterator[ReusedKernels]:
    kernels = ReusedKernels()
    yield kernels
    kernels.close()


@pytest.fixture
def reused_kernels(_kernels: ReusedKernels, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs in this test use kernels that other tests have used."""
    monkeypatch.setattr(runner, "StandbyKernels", _kernels)


@pytest.fixture
def local_dps_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run leaves the local DPS running, so that a test with many short runs starts it only once."""
    monkeypatch.setattr(runner, "stop_local_dps", lambda _folder: None)
