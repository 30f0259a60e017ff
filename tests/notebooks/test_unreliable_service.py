"""The whole walkthrough while one request in five fails: one in thirty-three in each possible way."""

import pytest

from helpers.dps import start_local_dps
from helpers.local_dps import Fault
from helpers.workspace import Workspace
from tests.faults import set_faults
from tests.notebooks.walking import run


@pytest.mark.usefixtures("reused_kernels")
def test_every_notebook_runs_to_its_end(workspace: Workspace) -> None:
    set_faults(start_local_dps(workspace.local_dps_folder), dict.fromkeys(Fault, 0.03), seed=3)
    run(workspace)
    log = (workspace.local_dps_folder / "log.txt").read_text()
    assert log.count("[fault ") >= 10
    assert {fault for fault in Fault if f"[fault {fault.value}: " in log} >= {Fault.SLOW, Fault.THROTTLE}
