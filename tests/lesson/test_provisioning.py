"""The steps of 06, against a real local DPS."""

import re
from dataclasses import replace

import pytest

from helpers import lesson
from helpers.dps import ProvisioningService
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.lesson.steps import walk


def test_a_device_and_a_fleet_get_in_and_a_stranger_does_not(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, dps, name)
    inputs = lesson.ProvisionDevices(device_id="pump-1", fleet_size=3)
    device = lesson.issue_device(workspace, inputs, None)
    assert device.key_file.stat().st_mode & 0o777 == 0o600
    assert "pump-1 · end entity [sent by the device]" in repr(lesson.show_chain(workspace, device, dps))
    registered, events = lesson.provision_device(workspace, dps, inputs)
    fleet = lesson.provision_fleet(workspace, dps, inputs, None)
    assert [each.registration_id for each in fleet] == ["pump-1-001", "pump-1-002", "pump-1-003"]
    refused = lesson.provision_stranger(workspace, dps)
    assert refused.status == 401
    assert "merely has the same name" in refused.why
    records = lesson.RecordsCard(lesson.read_records(workspace, dps, []))
    assert "initialAssignment" in repr(records)
    assert records.assigned == {"pump-1", *(each.registration_id for each in fleet)}
    group = lesson.group_now(workspace, dps)
    picture = lesson.GroupPicture(group, lesson.hubs_of(dps, group), [registered, *fleet])
    assert "4 devices" in repr(picture)
    assert "4 devices" in picture._repr_html_()
    card = lesson.RegistrationCard(registered, events)
    assert registered.assigned_hub in card._repr_html_()
    assert re.search(r"assigning.*outcome", repr(card), re.DOTALL)
    assert "stranger" in lesson.RefusalCard(refused)._repr_html_()
    page = [(line.split()[0], line) for line in repr(lesson.show_all_certificates(workspace, dps)).splitlines()]
    assert [name for name, line in page if "another of that name, not yours" in line] == ["stranger"]
    assert [name for name, _ in page if name.startswith("pump")] == ["pump-1", "pump-1-001", "pump-1-002", "pump-1-003"]
    assert "Devices (4)" in repr(lesson.show_all_certificates(workspace, dps)), "the stranger is none of them"
    assert "Devices of other CAs (1)" in repr(lesson.show_all_certificates(workspace, dps))


def test_the_hub_knows_a_device_as_self_signed_by_its_own_certificate(workspace: Workspace) -> None:
    lesson.choose_target(workspace, lesson.StartHere())
    service = lesson.connect_to_rehearse(workspace)
    walk(workspace, service, "hub")
    device = lesson.issue_device(workspace, lesson.ProvisionDevices(), None)
    registration, _ = lesson.provision_device(workspace, service, lesson.ProvisionDevices())
    at_hub = lesson.show_at_hub(workspace, device, registration)
    assert "X.509 Self-Signed" in repr(at_hub)
    assert "(the SHA-256 of its certificate)" in repr(at_hub)
    assert "Walkthrough Intermediate CA, of which the hub knows nothing" in repr(at_hub)
    with pytest.raises(Problem, match="knows no device"):
        lesson.show_at_hub(workspace, device, replace(registration, device_id="valve-1"))
    in_azure = workspace.update(target="azure")
    assert in_azure.target == "azure"
    assert "(the SHA-256 of its certificate)" in repr(lesson.show_at_hub(workspace, device, registration))
    workspace.update(target="local")
    service.close()
    assert "1 registration record is deleted." in lesson.clean_up(workspace, lesson.CleanUp()).done


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
def test_an_impossible_registration_id_is_refused(
    workspace: Workspace, dps: ProvisioningService, device_id: str
) -> None:
    with pytest.raises(Problem, match="device_id"):
        lesson.devices_form(workspace, dps, device_id=device_id)
