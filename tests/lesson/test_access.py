"""07, against a real local DPS: the devices that each way of ending access affects, and the restored state at the end."""

from typing import Any

import pytest

from helpers import lesson
from helpers.certificates import CertificateAuthority, describe
from helpers.dps import CaReference, DpsError, IndividualEnrollment, ProvisioningService
from helpers.lesson.course.questions.predictions import Compared
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.lesson.cells import Notebook, walk
from tests.modes import has_mode

MOMENTS = [
    ('try_devices("Before"', [True, True]),
    ("One device is revoked", [False, True]),
    ("The group is disabled", [False, False]),
    ("next_ca.sign_verification_code", None),
    ("Primary and secondary", [True, True]),
    ("The next CA alone", [False, True]),
    ("The CA is deleted", [False]),
    ("After", [True, True]),
]
"""A text of each cell that makes a call, and which devices get in then."""


def opened(workspace: Workspace, name: str, **parameters: str) -> Notebook:
    notebook = Notebook("07", workspace, registration_id=name, **parameters)
    notebook.call(until="two_devices")
    return notebook


def assert_all_is_as_it_was(workspace: Workspace, dps: ProvisioningService, name: str) -> None:
    group = dps.enrollment_groups.get(name)
    assert (group.attestation, group.enabled) == (CaReference(name), True)
    assert (workspace.facts.revoked_device, workspace.facts.next_certificate_name) == (None, None)
    assert name not in [each.registration_id for each in dps.individual_enrollments.list()]
    assert [each.name for each in dps.certificates.list() if each.name.startswith(name)] == [name]


@pytest.mark.parametrize("times", [1, 2])
def test_each_way_affects_the_right_devices_and_the_end_restores_everything(
    workspace: Workspace, dps: ProvisioningService, name: str, times: int
) -> None:
    """This holds even if each cell is run twice."""
    walk(workspace, name)
    notebook = opened(workspace, name)
    for text, accepted in MOMENTS:
        for _ in range(times):
            shown = notebook.cell(text)
        if isinstance(shown, Compared):
            shown = shown.result
        if accepted is None:
            assert shown.verified
        else:
            assert (text, shown.accepted) == (text, accepted)
        if text == "The CA is deleted":
            for said in ("✘", "“Walkthrough Next CA”", "CA certificate not found"):
                assert said in repr(shown)
                assert said in shown._repr_html_()
    assert has_mode(notebook.renewed.key_file, 0o600)
    assert "✔" in repr(notebook.cell("checkpoint"))
    assert_all_is_as_it_was(workspace, dps, name)


def test_with_two_cas_the_old_certificate_of_a_renewed_device_is_good_as_well(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, name)
    notebook = opened(workspace, name)
    for text, _ in MOMENTS[:5]:
        notebook.cell(text)
    assert dps.devices.register(notebook.neighbour).status == "assigned"
    notebook.walkthrough.put_back()


@pytest.mark.parametrize("last", [text for text, _ in MOMENTS])
def test_the_next_run_undoes_an_interrupted_one(
    workspace: Workspace, dps: ProvisioningService, name: str, last: str
) -> None:
    walk(workspace, name)
    notebook = opened(workspace, name)
    for text, _ in MOMENTS:
        notebook.cell(text)
        if text == last:
            break
    again = opened(workspace, name)
    assert again.cell("two_devices").accepted == [True, True]
    assert_all_is_as_it_was(workspace, dps, name)


def test_the_next_run_also_undoes_an_interruption_inside_a_cell(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    """The interruption comes when the next CA is uploaded, but not proved."""
    walk(workspace, name)
    notebook = opened(workspace, name)
    notebook.cell("two_devices")
    notebook.dps.certificates.upload(f"{name}-next", CertificateAuthority.create_root("Next").certificate)
    opened(workspace, name).cell("two_devices")
    assert_all_is_as_it_was(workspace, dps, name)


def test_05_run_again_half_way_restores_the_group(workspace: Workspace, dps: ProvisioningService, name: str) -> None:
    walk(workspace, name)
    notebook = opened(workspace, name)
    for text, _ in MOMENTS[:6]:
        notebook.cell(text)
    assert dps.enrollment_groups.get(name).attestation == CaReference(f"{name}-next")
    Notebook("05", workspace).run()
    assert dps.enrollment_groups.get(name).attestation == CaReference(name)
    notebook.walkthrough.put_back()


def test_a_resource_that_another_program_created_under_the_same_name_stays(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, name)
    foreign = CertificateAuthority.create_root("Foreign").certificate
    theirs = dps.certificates.upload(f"{name}-next", foreign)
    enrolled = dps.individual_enrollments.create(IndividualEnrollment(name, foreign))
    notebook = opened(workspace, name)
    notebook.cell("two_devices")
    with pytest.raises(DpsError) as caught:
        notebook.cell("One device is revoked")
    assert caught.value.status == 409
    notebook.names["revoked"] = enrolled  # as if the learner had skipped that cell
    notebook.names["group"] = dps.enrollment_groups.get(name)
    for _ in range(2):
        with pytest.raises(DpsError, match="taken"):
            notebook.cell("next_ca.sign_verification_code")
    notebook.walkthrough.put_back()
    assert dps.certificates.get(theirs.name).etag == theirs.etag
    assert dps.individual_enrollments.get(name).enabled
    dps.individual_enrollments.delete(enrolled)


@pytest.mark.parametrize("how", ["as a parameter", "typed in"])
def test_the_next_ca_must_have_another_name_so_that_the_roll_over_is_visible(
    workspace: Workspace, name: str, how: str
) -> None:
    walk(workspace, name)
    same = {"next_ca_name": "Walkthrough Intermediate CA"}
    notebook = opened(workspace, name, **(same if how == "as a parameter" else {}))
    notebook.type_in(**same)
    with pytest.raises(Problem, match="already"):
        notebook.cell("two_devices")


@pytest.mark.parametrize(
    ("chosen", "key", "days"),
    [({}, "P-256", 3650), ({"key_type": "RSA", "rsa_bits": 3072, "lifetime_days": 30}, "RSA-3072", 30)],
)
def test_the_next_ca_has_the_kind_of_key_and_the_lifetime_that_were_chosen_in_01(
    workspace: Workspace, name: str, chosen: dict[str, Any], key: str, days: int
) -> None:
    walk(workspace, name, **chosen)
    notebook = opened(workspace, name)
    for text, _ in MOMENTS[:4]:
        notebook.cell(text)
    made = describe(notebook.next_ca.certificate)
    assert (made.key, (made.not_after - made.not_before).days, made.path_length) == (key, days, 0)
    assert made.key == describe(notebook.walkthrough.registered_part()).key
    notebook.walkthrough.put_back()


def test_the_device_of_06_is_offered_and_another_may_be_revoked(workspace: Workspace, name: str) -> None:
    walk(workspace, name)
    Notebook("06", workspace, registration_id=name, fleet_size=0).call(until="register_with_azure_sdk")
    notebook = Notebook("07", workspace)
    notebook.call(until="two_devices")
    assert notebook.form.value.registration_id == name
    notebook.type_in(registration_id=f"{name}-b")
    notebook.cell("two_devices")
    assert notebook.device.registration_id == f"{name}-b"
    assert workspace.facts.choices["registration_id"] == name, "06 goes on with its own"


def test_a_device_with_the_longest_name_has_a_neighbour(workspace: Workspace, name: str) -> None:
    walk(workspace, name)
    longest = f"{'x' * 64}{name}"[-64:]
    neighbour = Notebook("07", workspace, registration_id=longest)
    neighbour.call(until="two_devices")
    assert neighbour.cell("two_devices").accepted == [True, True]


def test_walkthrough_pictures_what_07_uploads(workspace: Workspace, name: str) -> None:
    walk(workspace, name)
    notebook = opened(workspace, name)
    for text, _ in MOMENTS[:3]:
        notebook.cell(text)
    registered = notebook.cell("next_ca.sign_verification_code")
    picture = lesson.walkthrough.showing.picture_of(notebook.walkthrough, registered)
    assert "Walkthrough Next CA" in repr(picture)
    assert "VERIFIED" in repr(picture)
    notebook.walkthrough.put_back()
