"""The steps of 06, against a real local DPS."""

import re

import pytest

from helpers import lesson
from helpers.dps import ProvisioningService
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.lesson.test_steps import walk


def test_a_device_and_a_fleet_get_in_and_a_stranger_does_not(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, dps, name)
    inputs = lesson.ProvisionDevices(device_id="pump-1", fleet_size=3)
    device = lesson.issue_device(workspace, inputs, None)
    assert device.key_file.stat().st_mode & 0o777 == 0o600
    assert "pump-1" in repr(lesson.show_chain(device))
    registered, events = lesson.provision_device(workspace, dps, inputs)
    fleet = lesson.provision_fleet(workspace, dps, inputs, None)
    assert [each.registration_id for each in fleet] == ["pump-1-001", "pump-1-002", "pump-1-003"]
    refused = lesson.provision_stranger(workspace, dps)
    assert refused.status == 401
    assert "merely has the same name" in refused.why
    records = dps.devices.records(name)
    assert "initialAssignment" in repr(lesson.RecordsCard(records))
    known = {each.registration_id for each in records}
    assert known == {"pump-1", *(each.registration_id for each in fleet)}
    chart = lesson.FleetChart([registered, *fleet])
    assert "4 devices" in repr(chart)
    assert "4 devices" in chart._repr_html_()
    card = lesson.RegistrationCard(registered, events)
    assert registered.assigned_hub in card._repr_html_()
    assert re.search(r"assigning.*outcome", repr(card), re.DOTALL)
    assert "stranger" in lesson.RefusalCard(refused)._repr_html_()


def test_each_step_says_which_notebook_comes_first(workspace: Workspace, dps: ProvisioningService, name: str) -> None:
    inputs = lesson.ProvisionDevices()
    with pytest.raises(Problem, match="02_upload_ca"):
        lesson.issue_device(workspace, inputs, None)
    with pytest.raises(Problem, match="05_create_enrollment_group"):
        lesson.provision_device(workspace, dps, inputs)
    walk(workspace, dps, name)
    with pytest.raises(Problem, match="certificate"):
        lesson.provision_device(workspace, dps, inputs)


@pytest.mark.parametrize("device_id", ["", "a/b", "ü", "a.", "a" * 65])
def test_an_impossible_registration_id_is_refused(device_id: str) -> None:
    with pytest.raises(Problem, match="device_id"):
        lesson.Form(lesson.ProvisionDevices, device_id=device_id)
