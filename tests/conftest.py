"""The distribution of tests over workers, and the parts that all tests share because they take long to create."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from xdist.scheduler import LoadScopeScheduling

from helpers.local_dps import composition
from helpers.local_dps.planes.identity.assertion import new_client_certificate

# Each of these files runs in one worker, because it has a fixture that takes seconds to create.
_IN_ONE_WORKER = (
    "tests/notebooks/test_executed.py",
    "tests/browser/test_exported.py",
    "tests/browser/test_controls.py",
    "tests/test_local_dps_action.py",
)
# These start first, so that no worker has a long one left at the end.
_STARTED_FIRST = (
    "tests/notebooks/",
    "tests/record/test_record.py",
    "tests/browser/test_run_all.py",
    "tests/browser/test_course.py",
    "tests/browser/test_portal.py",
)

# The markers of tests that are about something which this system lacks. They are left out there.
_LACKING = {"linux": (), "win32": ("linux", "unix")}.get(sys.platform, ("linux",))


class _Scheduling(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file in _IN_ONE_WORKER else nodeid


# As helpers/walkthrough/runner.py says: a second for each worker.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _Scheduling:
    return _Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    lacking = [item for item in items if any(map(item.get_closest_marker, _LACKING))]
    if lacking:
        config.hook.pytest_deselected(items=lacking)
        items[:] = [item for item in items if item not in lacking]
    items.sort(key=lambda item: not item.nodeid.startswith(_STARTED_FIRST))


@pytest.fixture(autouse=True, scope="session")
def _one_client_certificate() -> Iterator[None]:
    """A local DPS makes an RSA key at each start, which takes four times as long as the rest of the start.

    In this process all of them have the same key, because no test is about the difference.
    """
    made = new_client_certificate(datetime.now(UTC))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(composition, "new_client_certificate", lambda _now: made)
        yield
