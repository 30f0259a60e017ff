"""A workspace for each test, and one local DPS for all tests that need not have their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.dps import ProvisioningService, connect_local, start_local_dps, stop_local_dps
from helpers.workspace import Workspace


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a local DPS that the tests of one file share."""
    folder = tmp_path_factory.mktemp("shared") / "local-dps"
    start_local_dps(folder)
    yield folder
    stop_local_dps(folder)


@pytest.fixture(scope="module")
def dps(shared_folder: Path) -> Iterator[ProvisioningService]:
    """The shared local DPS, as another program reaches it."""
    service = connect_local(start_local_dps(shared_folder))
    yield service
    service.close()


@pytest.fixture
def workspace(tmp_path: Path, shared_folder: Path) -> Workspace:
    """A workspace whose local DPS is the shared one; tests register under different names."""
    place = Workspace(tmp_path / "workspace")
    place.local_dps_folder.symlink_to(shared_folder)
    return place


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with a local DPS of its own."""
    place = Workspace(tmp_path / "workspace")
    yield place
    stop_local_dps(place.local_dps_folder)


@pytest.fixture
def name(tmp_path: Path, dps: ProvisioningService) -> Iterator[str]:
    """A name that no other test uses at the shared DPS, which has room for 25 CAs: those of the test are removed after it."""
    own = tmp_path.name.replace("[", "-").replace("]", "-")[-55:]
    yield own
    for group in dps.enrollment_groups.list():
        if group.group_id.startswith(own):
            dps.enrollment_groups.delete(group)
    for certificate in dps.certificates.list():
        if certificate.name.startswith(own):
            dps.certificates.delete(certificate)
