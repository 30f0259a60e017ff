"""A checkpoint judges the disk and the service, and ignores the values that an earlier run has left in a notebook's variables."""

import ast
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import nbformat
import pytest

from helpers import lesson, walkthrough
from helpers.dps import ProvisioningService
from helpers.lesson.course.expectations import EXPECTATIONS
from helpers.lesson.targets import rehearse
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.lesson.cells import CLEAN_UP, Notebook, walk

Happening = Callable[[Workspace, str], object]


def at_the_service(change: Callable[[ProvisioningService, str], object]) -> Happening:
    """Something that happens at the service behind the notebook's back."""

    def happen(workspace: Workspace, name: str) -> None:
        with closing(rehearse(workspace)) as dps:
            change(dps, name)

    return happen


def ask_for_another_code(dps: ProvisioningService, name: str) -> None:
    dps.certificates.generate_verification_code(dps.certificates.get(name))


def delete_ca(dps: ProvisioningService, name: str) -> None:
    dps.certificates.delete(dps.certificates.get(name))


def disable_group(dps: ProvisioningService, name: str) -> None:
    dps.enrollment_groups.disable(dps.enrollment_groups.get(name))


def begin_again(number: str, until: str) -> Happening:
    """Run the notebook again, but not to its end."""
    return lambda workspace, name: Notebook(number, workspace).call(until=until)


def lose_the_keys(workspace: Workspace, name: str) -> None:
    for key in (workspace.folder / "ca").glob("*.key.pem"):
        key.unlink()


def note_as_an_earlier_version_did(workspace: Workspace, name: str) -> None:
    """Before the facts had `choices`, 06 noted lists of the devices instead of a hub for each."""
    workspace.forget_outcomes("06_provision_devices")
    workspace.note("06_provision_devices", device=[name], fleet=[f"{name}-001", f"{name}-002"], stranger=401)
    workspace.update(choices={})


def note_answers(**statuses: int) -> Happening:
    """The service has given these answers in 08, besides those that it gave."""

    def happen(workspace: Workspace, name: str) -> None:
        answers = workspace.outcomes("08_you_are_dps")["answers"]
        workspace.note("08_you_are_dps", answers={**answers, **statuses})

    return happen


def pass_without_the_certificate(workspace: Workspace, name: str) -> None:
    workspace.solve("10_final_test")


# The notebook, and an event that makes its checkpoint fail although all its cells ran once.
CASES: list[tuple[str, Happening, str]] = [
    ("00_start_here", lambda workspace, name: workspace.update(target=None), "Run 00_start_here"),
    ("01_create_ca", lose_the_keys, "holds a CA with its key"),
    ("02_upload_ca", at_the_service(delete_ca), "404"),
    ("03_sign_verification_code", at_the_service(ask_for_another_code), "Its code is still the newest"),
    ("04_verify_ca", at_the_service(ask_for_another_code), "DPS says that the CA is verified"),
    ("05_create_enrollment_group", at_the_service(disable_group), "It is enabled"),
    (
        "06_provision_devices",
        at_the_service(lambda dps, name: dps.devices.forget(f"{name}-001")),
        "DPS has records of the device and the fleet",
    ),
    ("06_provision_devices", note_as_an_earlier_version_did, "Run this notebook again"),
    ("06_provision_devices", begin_again("06", "wanted = form.value"), "DPS rejected the unknown device"),
    ("07_when_access_ends", at_the_service(disable_group), "Everything is as it was before"),
    (
        "07_when_access_ends",
        begin_again("07", "One device is revoked"),
        "DPS rejected a device whose CA had been deleted",
    ),
    ("08_you_are_dps", lambda workspace, name: workspace.forget_outcomes("08_you_are_dps"), "DPS has judged all"),
    ("08_you_are_dps", note_answers(garbage=200), "DPS rejected each wrong proof"),
    ("08_you_are_dps", note_answers(by_the_book=400), "DPS accepted each good proof"),
    ("09_the_attack", begin_again("09", "attack.try_to_prove"), "DPS rejected Mallory's proof"),
    ("10_final_test", lambda workspace, name: workspace.update(test_questions=()), "was drawn for you"),
    ("10_final_test", pass_without_the_certificate, "Your certificate of completion is on your disk"),
]


def test_every_notebook_has_expectations() -> None:
    assert list(EXPECTATIONS) == [each.stem for each in walkthrough.NOTEBOOKS]


@pytest.mark.parametrize(("stem", "happens", "says"), CASES, ids=[f"{at}-{each[0]}" for at, each in enumerate(CASES)])
def test_a_checkpoint_is_reached_only_while_its_expectations_are_met(
    workspace: Workspace, name: str, stem: str, happens: Happening, says: str
) -> None:
    number = stem[:2]
    if number > "00":
        walk(workspace, name, last=min(f"{int(number) - 1:02}", "05"))
    names = {"certificate_name": name, "enrollment_group_id": name, "registration_id": name, "fleet_size": 2}
    assert "✔" in repr(Notebook(number, workspace, **names).run())
    assert stem in workspace.facts.reached
    happens(workspace, name)
    with pytest.raises(Problem) as caught:
        lesson.open(workspace.folder).checkpoint(stem)
    assert says in str(caught.value)


def test_the_clean_ups_checkpoint_is_reached_only_after_the_clean_up(alone: Workspace) -> None:
    walk(alone, "ca")
    with pytest.raises(Problem, match="2 of 2"):
        lesson.open(alone.folder).checkpoint("11_clean_up")
    assert "✔" in repr(Notebook(CLEAN_UP, alone).run())


@pytest.mark.parametrize("notebook", [each.stem for each in walkthrough.NOTEBOOKS if each.stem != "00_start_here"])
def test_a_checkpoint_is_not_reached_where_nothing_has_run(tmp_path: Path, notebook: str) -> None:
    empty = lesson.open(tmp_path / "workspace")
    if notebook == "11_clean_up":
        assert "✔" in repr(empty.checkpoint(notebook)), "nothing is left"
        return
    with pytest.raises(Problem):
        empty.checkpoint(notebook)


@pytest.mark.parametrize("file", walkthrough.NOTEBOOKS, ids=lambda file: file.stem)
def test_a_checkpoints_cell_is_given_nothing_that_a_cell_has_found_out(file: Path) -> None:
    *_, cell = nbformat.read(file, as_version=4).cells
    statement = ast.parse(cell.source).body[-1]
    assert ast.unparse(statement) == f"walkthrough.checkpoint('{file.stem}')"
