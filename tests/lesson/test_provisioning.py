"""06, against a real local DPS."""

from dataclasses import replace

import pytest

from helpers import lesson
from helpers.certificates import describe
from helpers.dps import ProvisioningService
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.lesson.cells import CLEAN_UP, Notebook, walk
from tests.modes import has_mode

CALLS = ["form.value", "register_with_azure_sdk", "issue_fleet", "create_root("]


def test_a_device_and_a_fleet_are_accepted_and_an_unknown_device_is_not(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, name)
    notebook = Notebook("06", workspace, registration_id=name, fleet_size=3)
    assert "✔" in repr(notebook.run())
    names = [f"{name}-00{number}" for number in (1, 2, 3)]
    assert has_mode(notebook.device.key_file, 0o600)
    chain = lesson.walkthrough.showing.picture_of(notebook.walkthrough, notebook.device)
    assert f"{name} · end entity [sent by the device]" in repr(chain)
    assert [each.registration_id for each in notebook.registrations] == names
    assert notebook.answer.status == 401
    assert "with the same subject" in notebook.answer.why
    assert "stranger" in notebook.cell("create_root(")._repr_html_()
    records = notebook.cell("walkthrough.records()")
    assert "initialAssignment" in repr(records)
    assert records.assigned == {name, *names}
    picture = notebook.walkthrough.landed([notebook.registration, *notebook.registrations])
    assert "4 devices" in repr(picture)
    assert "4 devices" in picture._repr_html_()
    card = lesson.RegistrationCard(notebook.registration, notebook.events)
    assert notebook.registration.assigned_hub in card._repr_html_()
    assert repr(card).index("assigning") < repr(card).index("DPS returns the result")
    shown = repr(notebook.walkthrough.all_certificates())
    page = [(line.split()[0], line) for line in shown.splitlines()]
    assert [each for each, line in page if "another CA of that name, not yours" in line] == ["stranger"]
    assert [each for each, _ in page if each.startswith(name)] == [name, *names]
    assert "Devices (4)" in shown, "the stranger is none of them"
    assert "Devices of other CAs (1)" in shown


def test_each_cell_can_be_run_again(workspace: Workspace, dps: ProvisioningService, name: str) -> None:
    walk(workspace, name)
    notebook = Notebook("06", workspace, registration_id=name, fleet_size=2)
    notebook.call(until="checkpoint")
    first = notebook.device.certificate
    for text in CALLS:
        notebook.cell(text)
    assert notebook.device.certificate == first, "the certificate that is here is used"
    assert "✔" in repr(notebook.cell("checkpoint"))
    again = Notebook("06", workspace)  # the earlier names are remembered
    again.call()
    assert (again.device.certificate, len(again.fleet)) == (first, 2)
    assert "✔" in repr(again.cell("checkpoint"))


def test_another_fleet_is_issued_where_the_form_is_changed(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, name)
    notebook = Notebook("06", workspace, registration_id=name, fleet_size=1)
    notebook.call(until="register_with_azure_sdk")
    notebook.type_in(registration_id=f"{name}-b", fleet_size="2")
    for text in CALLS:
        notebook.cell(text)
    assert {each.registration_id for each in dps.devices.records(name)} == {
        f"{name}-b",
        f"{name}-b-001",
        f"{name}-b-002",
    }
    assert "✔" in repr(notebook.cell("checkpoint"))


def test_a_device_whose_ca_was_deleted_gets_a_new_certificate(workspace: Workspace, name: str) -> None:
    walk(workspace, name)
    first = Notebook("06", workspace, registration_id=name)
    first.call(until="register_with_azure_sdk")
    old = first.device.certificate
    for file in (workspace.folder / "ca").glob("intermediate.*"):
        file.unlink()
    Notebook("01", workspace).call()
    again = Notebook("06", workspace)
    again.call(until="register_with_azure_sdk")
    assert again.device.certificate != old
    assert describe(again.device.certificate).common_name == name


def test_the_hub_knows_a_device_as_self_signed_by_its_own_certificate(alone: Workspace) -> None:
    walk(alone, "hub")
    notebook = Notebook("06", alone, registration_id="hub", fleet_size=0)
    notebook.call(until="walkthrough.landed")
    walkthrough, device, registration = notebook.walkthrough, notebook.device, notebook.registration
    at_hub = notebook.cell("walkthrough.at_hub")
    assert "X.509 Self-Signed" in repr(at_hub)
    assert "can't ask the hub" not in repr(at_hub)
    assert "(the SHA-256 of its certificate)" in repr(at_hub)
    assert "Walkthrough Intermediate CA, a CA that the hub does not know" in repr(at_hub)
    with pytest.raises(Problem, match="has no device"):
        walkthrough.at_hub(device, replace(registration, device_id="valve-1"))
    alone.update(target="azure")
    assert "(the SHA-256 of its certificate)" in repr(walkthrough.at_hub(device, registration))
    alone.update(target="local")
    cleaned = Notebook(CLEAN_UP, alone)
    cleaned.call(until="form.value")
    assert "1 registration record is deleted." in repr(cleaned.cell("form.value"))


@pytest.mark.parametrize("registration_id", ["", "a/b", "ü", "a.", "a" * 65])
def test_an_impossible_registration_id_is_refused(workspace: Workspace, registration_id: str) -> None:
    workspace.update(target="local")
    with pytest.raises(Problem, match="registration_id"):
        lesson.open(workspace.folder).form(lesson.ProvisionDevices, {"registration_id": registration_id})
