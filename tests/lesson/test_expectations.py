"""A checkpoint judges what is on disk and at the service: what an earlier run has left in a notebook's variables is no proof."""

import ast
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from helpers import lesson, walkthrough
from helpers.dps import ProvisioningService, stop_local_dps
from helpers.lesson.course.expectations import EXPECTATIONS
from helpers.lesson.experiments.wrong_proofs import WRONG_PROOFS
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.browser.prepared import ready_for

INPUTS = lesson.ProvisionDevices(fleet_size=2)


def at_the_service(change: Callable[[ProvisioningService], object]) -> Callable[[Workspace], object]:
    """Something that happens at the service behind the notebook's back."""

    def happen(workspace: Workspace) -> None:
        dps = lesson.connect(workspace)
        assert isinstance(dps, ProvisioningService)
        with closing(dps):
            change(dps)

    return happen


def delete_ca(dps: ProvisioningService) -> None:
    dps.certificates.delete(dps.certificates.get("walkthrough-ca"))


def disable_group(dps: ProvisioningService) -> None:
    dps.enrollment_groups.update(replace(dps.enrollment_groups.get("walkthrough-devices"), enabled=False))


def provision(workspace: Workspace) -> None:
    with closing(lesson.connect(workspace)) as dps:
        lesson.issue_device(workspace, INPUTS, None)
        lesson.provision_device(workspace, dps, INPUTS)
        lesson.provision_fleet(workspace, dps, INPUTS, None)
        lesson.provision_stranger(workspace, dps)


def end_access(workspace: Workspace) -> None:
    """As 07 does, by its own words."""
    inputs = lesson.EndAccess()
    with closing(lesson.connect_to_rehearse(workspace)) as dps:
        device, neighbour = lesson.two_devices(workspace, dps, inputs, None)
        lesson.revoke_device(workspace, dps, device)
        lesson.show_access(workspace, dps, "One device is revoked", [device, neighbour])
        lesson.readmit_device(workspace, dps)
        lesson.switch_group(workspace, dps, enabled=False)
        lesson.show_access(workspace, dps, "The group is disabled", [device, neighbour])
        lesson.switch_group(workspace, dps, enabled=True)
        authority, registered = lesson.register_next_ca(workspace, dps, inputs)
        lesson.refer_to(workspace, dps, str(workspace.facts.certificate_name), secondary=registered.name)
        renewed = lesson.renew_device(neighbour, authority)
        lesson.show_access(workspace, dps, "Primary and secondary", [device, renewed])
        lesson.refer_to(workspace, dps, registered.name)
        lesson.show_access(workspace, dps, "The next CA alone", [device, renewed])
        lesson.delete_next_ca(workspace, dps)
        lesson.show_access(workspace, dps, "The CA is deleted", [renewed])
        lesson.put_back(workspace, dps)
        lesson.show_access(workspace, dps, "After", [device, neighbour])


def begin_07_again(workspace: Workspace) -> None:
    with closing(lesson.connect_to_rehearse(workspace)) as dps:
        lesson.two_devices(workspace, dps, lesson.EndAccess(), None)


def see_the_gallery(workspace: Workspace) -> None:
    gallery = lesson.Gallery(workspace)
    for name in WRONG_PROOFS:
        gallery.show(name)


def attack(workspace: Workspace) -> None:
    staged = lesson.Attack(workspace)
    staged.try_to_prove()
    staged.attest_himself()
    staged.lure_pump()
    staged.own_devices()
    staged.end()


NOTHING: Callable[[Workspace], object] = lambda workspace: None  # noqa: E731
# The notebook, what it does besides what is prepared, and what makes its checkpoint fail although all its cells ran once.
CASES: list[tuple[str, Callable[[Workspace], object], Callable[[Workspace], object], str]] = [
    ("00_start_here", NOTHING, lambda workspace: workspace.update(target=None), "Run 00_start_here"),
    (
        "01_create_ca",
        NOTHING,
        lambda workspace: [key.unlink() for key in (workspace.folder / "ca").glob("*.key.pem")],
        "holds a CA with its key",
    ),
    ("02_upload_ca", NOTHING, at_the_service(delete_ca), "404"),
    (
        "03_sign_verification_code",
        NOTHING,
        at_the_service(lambda dps: dps.certificates.generate_verification_code(dps.certificates.get("walkthrough-ca"))),
        "Its code is still the newest",
    ),
    (
        "04_verify_ca",
        NOTHING,
        at_the_service(lambda dps: dps.certificates.generate_verification_code(dps.certificates.get("walkthrough-ca"))),
        "DPS says that the CA is verified",
    ),
    ("05_create_enrollment_group", NOTHING, at_the_service(disable_group), "It is enabled"),
    (
        "06_provision_devices",
        provision,
        at_the_service(lambda dps: dps.devices.forget("pump-1-001")),
        "There are records",
    ),
    (
        "06_provision_devices",
        provision,
        lambda workspace: lesson.issue_device(workspace, INPUTS, None),
        "The stranger was refused",
    ),
    ("07_when_access_ends", end_access, at_the_service(disable_group), "All is as it was"),
    ("07_when_access_ends", end_access, begin_07_again, "A deleted CA lets in nobody"),
    ("08_gallery_of_wrong_proofs", see_the_gallery, lesson.Gallery, "Nineteen wrong proofs were sent"),
    ("09_the_attack", attack, lambda workspace: lesson.Attack(workspace).end(), "Proof refused Mallory"),
    ("10_clean_up", lambda workspace: lesson.clean_up(workspace, lesson.CleanUp()), NOTHING, ""),
]


def test_every_notebook_has_expectations() -> None:
    assert list(EXPECTATIONS) == [each.stem for each in walkthrough.NOTEBOOKS]


@pytest.mark.parametrize(
    ("notebook", "run", "happens", "says"), CASES, ids=[f"{number}-{case[0]}" for number, case in enumerate(CASES)]
)
def test_a_checkpoint_is_reached_and_is_not_once_that_is_so_no_longer(
    tmp_path: Path,
    notebook: str,
    run: Callable[[Workspace], object],
    happens: Callable[[Workspace], object],
    says: str,
) -> None:
    workspace = ready_for(f"{notebook}~", tmp_path / "workspace")
    try:
        run(workspace)
        assert "✔" in repr(lesson.checkpoint(workspace, notebook))
        happens(workspace)
        if says:
            with pytest.raises(Problem) as caught:
                lesson.checkpoint(workspace, notebook)
            assert says in str(caught.value)
    finally:
        stop_local_dps(workspace.local_dps_folder)


@pytest.mark.parametrize("notebook", [each.stem for each in walkthrough.NOTEBOOKS if each.stem != "00_start_here"])
def test_a_checkpoint_is_not_reached_where_nothing_has_run(tmp_path: Path, notebook: str) -> None:
    workspace = Workspace(tmp_path / "workspace")
    if notebook == "10_clean_up":
        assert "✔" in repr(lesson.checkpoint(workspace, notebook)), "nothing is left"
        return
    with pytest.raises(Problem):
        lesson.checkpoint(workspace, notebook)


@pytest.mark.parametrize("file", walkthrough.NOTEBOOKS, ids=lambda file: file.stem)
def test_a_checkpoints_cell_is_given_the_workspace_and_nothing_that_a_cell_has_found_out(file: Path) -> None:
    *_, cell = nbformat.read(file, as_version=4).cells
    statement = ast.parse(cell.source).body[-1]
    names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    given = {"form"} if file.stem == "01_create_ca" else set()  # the passphrase
    assert names == {"lesson", "kept", *given}
