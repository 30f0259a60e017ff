"""The steps when one request in ten goes wrong, in each of the ways in which one can."""

from pathlib import Path

import pytest

from helpers.dps import connect_local, read_and_change
from helpers.local_dps import Fault, Faults, running
from helpers.workspace import Workspace
from tests.lesson.steps import walk

ROUNDS = 3


@pytest.mark.parametrize("fault", Fault)
def test_every_step_is_taken(tmp_path: Path, fault: Fault) -> None:
    faults = Faults({fault: 0.1}, seed=1)
    with running(tmp_path / "state", faults=faults) as connection:
        service = connect_local(Path(connection["ca_file"]).with_name("connection.json"))
        for number in range(ROUNDS):
            place = Workspace(tmp_path / f"workspace-{number}")
            walk(place, service, "ca")
            assert service.certificates.get("ca").verified
            assert [group.group_id for group in service.enrollment_groups.list()] == ["ca"]
            read_and_change(lambda: service.enrollment_groups.get("ca"), service.enrollment_groups.delete)
            read_and_change(lambda: service.certificates.get("ca"), service.certificates.delete)
            assert (service.enrollment_groups.list(), service.certificates.list()) == ([], [])
        service.close()
    assert faults.counts[fault] >= 1, "no fault was met: choose another seed"
