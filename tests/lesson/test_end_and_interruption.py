"""Cleaning up, and a local DPS that is killed on the way: each test has its own."""

import json
import os
import signal
import time
from contextlib import closing, suppress

from helpers import lesson
from helpers.workspace import Workspace


def kill_local_dps(workspace: Workspace) -> int:
    pid = int(json.loads((workspace.local_dps_folder / "connection.json").read_bytes())["pid"])
    os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)
    end = time.monotonic() + 10
    while time.monotonic() < end:  # reaped elsewhere: until nobody of that number is left
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return pid
        time.sleep(0.02)
    raise AssertionError("the local DPS outlived SIGKILL")


def upload(workspace: Workspace) -> None:
    with closing(lesson.connect(workspace)) as dps:
        lesson.register_authority(workspace, dps, lesson.UploadCa())


def sign(workspace: Workspace) -> None:
    with closing(lesson.connect(workspace)) as dps:
        lesson.ask_for_code(workspace, dps, lesson.AskForCode())
    lesson.sign_kept_code(workspace, None)


def verify(workspace: Workspace) -> None:
    with closing(lesson.connect(workspace)) as dps:
        assert lesson.verify_with_kept_proof(workspace, dps, lesson.VerifyCa()).verified


def bind(workspace: Workspace) -> None:
    with closing(lesson.connect(workspace)) as dps:
        lesson.bind_enrollment_group(workspace, dps, lesson.CreateEnrollmentGroup())


def begin(workspace: Workspace) -> None:
    lesson.choose_target(workspace, lesson.StartHere())
    lesson.create_authorities(workspace, lesson.CreateCa(), None)


def ca_files(workspace: Workspace) -> list[str]:
    return sorted(file.name for file in (workspace.folder / "ca").glob("*"))


def test_a_local_dps_killed_between_the_steps_is_started_again_and_the_walkthrough_goes_on(
    workspace: Workspace,
) -> None:
    begin(workspace)
    killed = set()
    for step in (upload, sign, verify, bind):
        step(workspace)
        killed.add(kill_local_dps(workspace))
    assert len(killed) == 4
    with closing(lesson.connect(workspace)) as dps:
        assert [(each.name, each.verified) for each in dps.certificates.list()] == [("walkthrough-ca", True)]
        assert [each.group_id for each in dps.enrollment_groups.list()] == ["walkthrough-devices"]
        assert dps.certificates.get("walkthrough-ca").etag == workspace.facts.etags[-1][1]


def test_clean_up_removes_all_at_the_service_keeps_the_keys_and_finds_nothing_the_second_time(
    workspace: Workspace,
) -> None:
    begin(workspace)
    before = ca_files(workspace)
    for step in (upload, sign, verify, bind):
        step(workspace)
    done = " ".join(lesson.clean_up(workspace, lesson.CleanUp()).done)
    assert all(text in done for text in ("walkthrough-devices", "walkthrough-ca", "stopped"))
    assert ca_files(workspace) == before
    assert lesson.clean_up(workspace, lesson.CleanUp()).done == []
    facts = workspace.facts
    assert facts == type(facts)(target="local")
    with closing(lesson.connect(workspace)) as dps:
        assert dps.certificates.list() == dps.enrollment_groups.list() == []
    for step in (upload, sign, verify, bind):  # and it can be done again, with the CA that is here
        step(workspace)


def test_clean_up_goes_on_where_somebody_else_has_removed_things_before(workspace: Workspace) -> None:
    begin(workspace)
    upload(workspace)
    with closing(lesson.connect(workspace)) as dps:
        dps.certificates.delete(dps.certificates.get("walkthrough-ca"))
    assert lesson.clean_up(workspace, lesson.CleanUp()).done == ["The local DPS is stopped."]
    assert workspace.facts.certificate_name is None


def test_delete_keys_removes_every_certificate_and_key_here_and_says_so(workspace: Workspace) -> None:
    begin(workspace)
    before = ca_files(workspace)
    done = lesson.clean_up(workspace, lesson.CleanUp(delete_keys=True)).done
    assert done == [f"{name} is deleted here." for name in before]
    assert len(before) == 6
    assert ca_files(workspace) == []
    assert workspace.authority_roles() == []
    assert lesson.clean_up(workspace, lesson.CleanUp(delete_keys=True)).done == []


def test_clean_up_of_an_empty_workspace_has_nothing_to_do(workspace: Workspace) -> None:
    assert lesson.clean_up(workspace, lesson.CleanUp(delete_keys=True)).done == []


def test_clean_up_removes_what_an_interrupted_07_has_left(workspace: Workspace) -> None:
    begin(workspace)
    for step in (upload, sign, verify, bind):
        step(workspace)
    inputs = lesson.EndAccess()
    with closing(lesson.connect(workspace)) as dps:
        device, _ = lesson.two_devices(workspace, dps, inputs, None)
        lesson.revoke_device(workspace, dps, device)
        _, registered = lesson.register_next_ca(workspace, dps, inputs)
        lesson.refer_to(workspace, dps, registered.name)
    done = " ".join(lesson.clean_up(workspace, lesson.CleanUp(delete_keys=True)).done)
    for said in ("enrollment of “pump-1”", "group “walkthrough-devices”", "“walkthrough-ca-next”", "“walkthrough-ca”"):
        assert said in done
    assert "pump-1.key" in done
    with closing(lesson.connect(workspace)) as dps:
        assert (dps.certificates.list(), dps.enrollment_groups.list(), dps.individual_enrollments.list()) == (
            [],
            [],
            [],
        )
