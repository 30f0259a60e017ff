"""The pytest plugin of the local DPS: the fixture `local_dps`.

It adds no option and no marker. Nothing is imported or started before a test asks for a fixture.
"""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .testing import LocalDpsProcess, ServiceForTests

__all__ = ["local_dps", "local_dps_options", "local_dps_process", "pytest_runtest_makereport"]

_SERVICE = pytest.StashKey["ServiceForTests"]()


@pytest.fixture(scope="session")
def local_dps_options() -> tuple[str, ...]:
    """The options of `local-dps serve` for this suite. Override it in conftest.py to choose others."""
    return "--in-memory", "--retry-after", "0"


@pytest.fixture(scope="session")
def local_dps_process(
    local_dps_options: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[LocalDpsProcess]":
    """The process that serves this test session."""
    from .testing import LocalDpsProcess

    with LocalDpsProcess(tmp_path_factory.mktemp("local-dps"), local_dps_options) as process:
        yield process


@pytest.fixture
def local_dps(
    request: pytest.FixtureRequest, local_dps_process: "LocalDpsProcess", tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[ServiceForTests]":
    """A provisioning service of this test's own. It is deleted afterwards."""
    from .testing import ServiceForTests

    service = ServiceForTests.create(local_dps_process, tmp_path_factory.mktemp("devices"))
    request.node.stash[_SERVICE] = service
    yield service
    service.delete()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failed test's report its requests to the local DPS, with the reason for each refusal."""
    report = yield
    service = item.stash.get(_SERVICE, None)
    if call.when == "call" and report.failed and service is not None:
        report.sections.append(("Requests to the local DPS", "\n".join(service.log())))
    return report
