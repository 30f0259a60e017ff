"""A workspace a test, and one local DPS for all tests of a file that need not have their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import lesson
from helpers.dps import ProvisioningService, stop_local_dps
from helpers.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    place = Workspace(tmp_path / "workspace")
    yield place
    stop_local_dps(place.local_dps_folder)


@pytest.fixture(scope="module")
def dps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProvisioningService]:
    """The real local DPS, shared; tests register under different names."""
    place = Workspace(tmp_path_factory.mktemp("shared") / "workspace")
    lesson.choose_target(place, lesson.StartHere())
    try:
        service = lesson.connect(place)
        yield service
        service.close()
    finally:
        stop_local_dps(place.local_dps_folder)


@pytest.fixture
def name(tmp_path: Path) -> str:
    """A name that no other test uses at the shared DPS."""
    return tmp_path.name.replace("[", "-").replace("]", "-")[-60:]
