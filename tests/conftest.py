"""How the tests are spread over workers: one by one, but for the files whose tests share something expensive."""

import pytest
from xdist.scheduler import LoadScopeScheduling

# One worker runs each of these files, because each has a fixture that takes seconds to make.
_TOGETHER = ("tests/notebooks/test_executed.py",)
# These begin first, so that no worker is left with a long one at the end.
_LONGEST = (
    "tests/notebooks/",
    "tests/local_dps/test_kill.py",
    "tests/browser/test_run_all.py",
    "tests/browser/test_portal.py",
)


class _Scheduling(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file in _TOGETHER else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _Scheduling:
    return _Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))
