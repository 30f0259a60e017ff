"""Cleaning up, and a local DPS that is killed in between. Each test has its own local DPS."""

import json
import os
import signal
import time
from contextlib import closing, suppress

import pytest

from helpers.dps import ProvisioningService, connect_local, start_local_dps, stop_local_dps
from helpers.lesson.experiments import Attack
from helpers.workspace import Workspace
from tests.lesson.cells import CLEAN_UP, Notebook, walk

CA, GROUP = "walkthrough-ca", "walkthrough-devices"


def kill_local_dps(workspace: Workspace) -> int:
    pid = int(json.loads((workspace.local_dps_folder / "connection.json").read_bytes())["pid"])
    os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)
    end = time.monotonic() + 10
    while time.monotonic() < end:  # another process reaps it, so wait until its process id no longer exists
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return pid
        time.sleep(0.02)
    raise AssertionError("the local DPS outlived SIGKILL")


def connected(workspace: Workspace) -> "closing[ProvisioningService]":
    """The local DPS of the workspace, as another program reaches it."""
    return closing(connect_local(start_local_dps(workspace.local_dps_folder)))


def prepare(workspace: Workspace) -> None:
    """Everything up to the group."""
    for number in ("00", "01", "02", "03", "04", "05"):
        Notebook(number, workspace).call()


def clean_up(workspace: Workspace, *, delete_keys: bool = False) -> str:
    """Run every cell of the clean-up, and return the list of what it has removed."""
    notebook = Notebook(CLEAN_UP, workspace, delete_keys=delete_keys)
    notebook.call(until="form.value")
    removed = repr(notebook.cell("form.value"))
    notebook.cell("what_just_happened")
    assert "✔" in repr(notebook.cell("checkpoint"))
    return removed


def is_running(workspace: Workspace) -> bool:
    return (workspace.local_dps_folder / "connection.json").exists()


NOTHING = "There was nothing to remove."


def ca_files(workspace: Workspace) -> list[str]:
    return sorted(file.name for file in (workspace.folder / "ca").glob("*"))


@pytest.mark.unix
def test_a_local_dps_killed_between_the_notebooks_is_started_again_and_the_walkthrough_goes_on(
    alone: Workspace,
) -> None:
    walk(alone, CA, last="01")
    killed = set()
    for number in ("02", "03", "04", "05"):
        Notebook(number, alone).call()
        killed.add(kill_local_dps(alone))
    assert len(killed) == 4
    with connected(alone) as dps:
        assert [(each.name, each.verified) for each in dps.certificates.list()] == [(CA, True)]
        assert [each.group_id for each in dps.enrollment_groups.list()] == [GROUP]
        assert dps.certificates.get(CA).etag == alone.facts.etags[-1][1]


def test_clean_up_removes_everything_at_the_service_leaves_the_keys_and_finds_nothing_the_second_time(
    alone: Workspace,
) -> None:
    prepare(alone)
    before = ca_files(alone)
    done = clean_up(alone)
    assert all(text in done for text in (GROUP, CA, "stopped"))
    assert ca_files(alone) == before
    assert NOTHING in clean_up(alone)
    assert not is_running(alone), "no picture has started it again"
    facts = alone.facts
    learned = {name: getattr(facts, name) for name in ("choices", "reached", "recalled")}
    assert facts == type(facts)(target="local", **learned)
    with connected(alone) as dps:
        assert dps.certificates.list() == dps.enrollment_groups.list() == []
    prepare(alone)  # and the walkthrough can be repeated, with the CA in the workspace


def test_the_cell_that_cleans_up_can_be_run_again_and_shows_what_was_sent(alone: Workspace) -> None:
    prepare(alone)
    notebook = Notebook(CLEAN_UP, alone)
    notebook.call(until="form.value")
    notebook.cell("form.value")
    assert "DELETE /enrollmentGroups/" in repr(notebook.cell("what_just_happened"))
    assert NOTHING in repr(notebook.cell("form.value"))
    assert "DELETE /enrollmentGroups/" in repr(notebook.cell("what_just_happened"))


def test_clean_up_continues_if_another_program_has_removed_things_before(alone: Workspace) -> None:
    for number in ("00", "01", "02"):
        Notebook(number, alone).call()
    with connected(alone) as dps:
        dps.certificates.delete(dps.certificates.get(CA))
    assert clean_up(alone).splitlines()[1:] == ["  The local DPS is stopped."]
    assert alone.facts.certificate_name is None


def test_delete_keys_removes_every_certificate_and_key_here_and_says_so(alone: Workspace) -> None:
    for number in ("00", "01"):
        Notebook(number, alone).call()
    before = ca_files(alone)
    done = clean_up(alone, delete_keys=True)
    assert all(f"{name} is deleted here." in done for name in before)
    assert len(before) == 6
    assert ca_files(alone) == []
    assert alone.authority_roles() == []
    assert NOTHING in clean_up(alone, delete_keys=True)


def services(workspace: Workspace) -> list[str]:
    """The names of the services at the local DPS."""
    with connected(workspace) as dps, dps._management as client:
        return [each.name for each in client.iot_dps_resource.list_by_subscription()]


@pytest.mark.parametrize("is_running", [True, False])
def test_clean_up_removes_the_services_that_the_experiments_have_added(alone: Workspace, is_running: bool) -> None:
    Notebook("00", alone).call()
    Attack(alone)  # never ended
    added = ("contoso-dps", "mallory-dps")
    assert services(alone) == ["local-dps", *added]
    if not is_running:
        stop_local_dps(alone.local_dps_folder)
    done = clean_up(alone)
    assert all(f"The service “{name}” at the local DPS is deleted." in done for name in added)
    assert services(alone) == ["local-dps"]
    stop_local_dps(alone.local_dps_folder)
    assert NOTHING in clean_up(alone)


def test_clean_up_of_an_empty_workspace_has_nothing_to_do(alone: Workspace) -> None:
    assert NOTHING in clean_up(alone, delete_keys=True)
    assert not is_running(alone)


def test_clean_up_removes_what_an_interrupted_07_has_left(alone: Workspace) -> None:
    prepare(alone)
    notebook = Notebook("07", alone)
    notebook.call(until="One device is revoked")
    notebook.cell("One device is revoked")
    notebook.names["group"] = notebook.walkthrough.group()
    notebook.cell("next_ca.sign_verification_code")
    notebook.cell("CaReference(present.name")
    done = clean_up(alone, delete_keys=True)
    for said in ("enrollment of “pump-1”", f"group “{GROUP}”", f"“{CA}-next”", f"“{CA}”", "pump-1.key"):
        assert said in done
    with connected(alone) as dps:
        left = (dps.certificates.list(), dps.enrollment_groups.list(), dps.individual_enrollments.list())
        assert left == ([], [], [])
