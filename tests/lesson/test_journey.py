"""The map of the journey, and the health of the machine."""

import os
import shutil
import socket
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest

from helpers import lesson, walkthrough
from helpers.certificates import Examination
from helpers.lesson.course import machine
from helpers.lesson.course.journey import JOURNEY, Stop, journey, next_stop
from helpers.lesson.course.mastery import marks, next_step
from helpers.lesson.course.minutes import minutes, visible_words
from helpers.workspace import Workspace
from tests.lesson.cells import CLEAN_UP, Notebook

# --- the map ---


def test_the_map_has_every_notebook_in_order_with_its_time() -> None:
    assert [stop.notebook for stop in JOURNEY] == [each.stem for each in walkthrough.NOTEBOOKS]
    assert all(minutes(stop.notebook) > 0 for stop in JOURNEY)


def test_a_notebook_is_done_when_its_exercise_is_solved(workspace: Workspace) -> None:
    assert f"0 of {len(JOURNEY)} done" in repr(lesson.open(workspace.folder).journey())
    workspace.update(reached=("00_start_here", "01_create_ca"), solved=("00_start_here",))
    shown = lesson.open(workspace.folder).journey()
    marks = {
        line.split()[3]: line.split()[:2] for line in repr(shown).splitlines() if "_start" in line or "_ca " in line
    }
    assert marks["00_start_here"] == ["✔", "✔"]
    left = sum(minutes(stop.notebook) for stop in JOURNEY[1:])
    for text in (repr(shown), shown._repr_html_()):
        assert f"1 of {len(JOURNEY)} done, about {left} minutes to go" in text
        assert "Solve the exercise of 01_create_ca." in text
    assert "href='02_upload_ca.ipynb'" in shown._repr_html_()


def test_the_map_counts_the_predictions_that_came_true(workspace: Workspace) -> None:
    made = {"stale_etag": ("412", "412"), "self_attestation": ("neither", "only the word")}
    workspace.update(predictions=made)
    right = {each.notebook: each.predictions for each in lesson.open(workspace.folder).journey().marks}
    assert right["03_sign_verification_code"] == "1 of 1"
    assert right["04_verify_ca"] == "0 of 1"
    assert right["02_upload_ca"] == ""
    assert right["08_you_are_dps"] == ""
    workspace.note("08_you_are_dps", right_decisions=[23, 28])
    right = {each.notebook: each.predictions for each in lesson.open(workspace.folder).journey().marks}
    assert right["08_you_are_dps"] == "23 of 28"


def test_the_next_step_is_to_run_then_to_solve_and_then_the_course_is_complete(workspace: Workspace) -> None:
    def step() -> str:
        return next_step(marks(workspace))

    everything = tuple(stop.notebook for stop in JOURNEY)
    assert step() == "Run 00_start_here."
    workspace.update(reached=everything)
    assert step() == "Solve the exercise of 00_start_here."
    workspace.update(solved=everything)
    assert step() == ""
    shown = journey(workspace)
    for text in (repr(shown), shown._repr_html_()):
        assert "The course is complete" in text
        assert "minutes to go" not in text


def test_the_main_line_takes_an_hour_and_the_course_two() -> None:
    main = [*JOURNEY[:7], JOURNEY[-1]]
    assert sum(minutes(stop.notebook) for stop in main) <= 60
    assert sum(minutes(stop.notebook) for stop in JOURNEY) <= 130


@pytest.mark.parametrize("stop", JOURNEY, ids=lambda stop: stop.notebook)
def test_no_notebook_has_more_than_900_words(stop: Stop) -> None:
    assert visible_words(stop.notebook) <= 900


def test_after_the_last_notebook_comes_none() -> None:
    assert next_stop("00_start_here") == JOURNEY[1]
    assert next_stop(JOURNEY[-1].notebook) is None


@pytest.mark.parametrize("stop", JOURNEY, ids=lambda stop: stop.notebook)
def test_a_stop_has_the_title_of_its_notebook(stop: Stop) -> None:
    source = nbformat.read(walkthrough.PROJECT / "notebooks" / f"{stop.notebook}.ipynb", as_version=4)
    first = next(cell.source for cell in source.cells if cell.cell_type == "markdown")
    assert first.splitlines()[0] == f"# {stop.heading}"


def test_after_the_clean_up_the_journey_is_complete(workspace: Workspace) -> None:
    everything = tuple(stop.notebook for stop in JOURNEY)
    Notebook("01", workspace).call()
    workspace.update(reached=everything, solved=everything)
    last = Notebook(CLEAN_UP, workspace, delete_keys=True)
    last.call()
    assert f"{len(JOURNEY)} of {len(JOURNEY)} done" in repr(lesson.open(workspace.folder).journey())


# --- the machine ---


def failed(examination: Examination) -> dict[str, str]:
    """The findings, with their fixes."""
    return {check.name: check.remedy for check in examination.checks if not check.passed}


def test_this_machine_passes_each_check(workspace: Workspace) -> None:
    examination = machine.examine_machine(workspace)
    assert failed(examination) == {}
    assert [check.name for check in examination.checks] == [
        "Python",
        "Packages",
        "Ports",
        "Proxy",
        "Clock",
        "Workspace",
        "Private keys",
        "Permissions",
        "Disk",
    ]
    assert not (workspace.folder / ".probe").exists()


def open_the_workspace(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.folder.chmod(0o755)


def open_a_key(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    Notebook("01", workspace).call()
    (workspace.folder / "ca" / "root.key.pem").chmod(0o644)


def set_a_proxy(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:8080")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)


def set_the_clock_back(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """To this machine, a clock that was set back looks like a CA from the future."""
    Notebook("01", workspace).call()
    tomorrow = time.time() + 86_400
    project = workspace.folder / "project"
    (project / "helpers" / "lesson").mkdir(parents=True)
    module = project / "helpers" / "lesson" / "module.py"
    module.touch()
    os.utime(module, (tomorrow, tomorrow))
    monkeypatch.setattr(machine, "_PROJECT", project)


def want_a_newer_package(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "requires", lambda _name: ["cryptography>=999", "no-such-package-at-all>=1"])


def want_more_room(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_MIN_FREE_BYTES", shutil.disk_usage(workspace.folder).total + 1)


def lose_permissions(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behave like a Windows drive under WSL: everyone can read every file, whatever its requested mode."""

    def write(path: Path, content: bytes, *, mode: int) -> None:
        path.write_bytes(content)
        path.chmod(0o777)

    monkeypatch.setattr(machine, "write_atomically", write)


def lose_localhost(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_address: Any, **_options: Any) -> None:
        raise OSError("nobody of that name")

    monkeypatch.setattr(machine.socket, "create_connection", nobody)


TROUBLES: list[tuple[Callable[[Workspace, pytest.MonkeyPatch], None], str, str]] = [
    (open_the_workspace, "Workspace", "chmod 700 workspace"),
    (open_a_key, "Private keys", "chmod 600"),
    (set_a_proxy, "Proxy", "NO_PROXY"),
    (set_the_clock_back, "Clock", "set-ntp"),
    (want_a_newer_package, "Packages", "make clean"),
    (want_more_room, "Disk", "Free some disk space"),
    (lose_permissions, "Permissions", "WSL"),
    (lose_localhost, "Ports", "/etc/hosts"),
]


@pytest.mark.parametrize(("make", "name", "fix"), TROUBLES)
def test_each_finding_comes_with_its_fix(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Workspace, pytest.MonkeyPatch], None],
    name: str,
    fix: str,
) -> None:
    make(workspace, monkeypatch)
    found = failed(machine.examine_machine(workspace))
    assert list(found) == [name]
    assert fix in found[name]


def test_on_windows_an_access_list_stands_in_for_permission_bits(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_the_workspace(workspace, monkeypatch)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "version_info", (3, 12, 3))
    monkeypatch.setenv("HOME", str(workspace.folder / "elsewhere"))
    monkeypatch.setenv("USERPROFILE", str(workspace.folder / "elsewhere"))
    assert "user folder" in failed(machine.examine_machine(workspace))["Workspace"]
    monkeypatch.setattr(sys, "version_info", (3, 12, 4))
    assert failed(machine.examine_machine(workspace)) == {}
    monkeypatch.setattr(sys, "version_info", (3, 11, 9))
    monkeypatch.setenv("HOME", str(workspace.folder.parent))
    monkeypatch.setenv("USERPROFILE", str(workspace.folder.parent))
    examination = machine.examine_machine(workspace)
    assert failed(examination) == {}
    assert not {"Private keys", "Permissions"} & {check.name for check in examination.checks}


@pytest.mark.parametrize(
    ("platform", "clock", "start", "hosts"),
    [
        ("linux", "timedatectl", "make lab", "/etc/hosts"),
        ("darwin", "sntp", "make lab", "/etc/hosts"),
        ("win32", "w32tm", r".\start.ps1 lab", r"drivers\etc\hosts"),
    ],
)
def test_a_fix_is_one_that_the_system_has(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, platform: str, clock: str, start: str, hosts: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    set_the_clock_back(workspace, monkeypatch)
    want_a_newer_package(workspace, monkeypatch)
    lose_localhost(workspace, monkeypatch)
    fixes = failed(machine.examine_machine(workspace))
    assert clock in fixes["Clock"]
    assert start in fixes["Packages"]
    assert hosts in fixes["Ports"]


def test_a_proxy_that_excludes_localhost_is_accepted(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:8080")
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    assert failed(machine.examine_machine(workspace)) == {}


@pytest.mark.parametrize("target", ["azure", "portal"])
def test_for_a_service_in_azure_the_devices_connection_is_tried(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    workspace.update(target=target)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        monkeypatch.setattr(machine, "_MQTT_PORT", server.getsockname()[1])
        monkeypatch.setattr(machine, "_DEVICE_HOST", "localhost")
        assert failed(machine.examine_device_connection(workspace)) == {}
    found = failed(machine.examine_device_connection(workspace))
    assert list(found) == ["Device connection"]
    assert "open the port" in found["Device connection"]
    monkeypatch.setattr(machine, "_DEVICE_HOST", "nowhere.invalid")
    assert "look up names" in failed(machine.examine_device_connection(workspace))["Device connection"]


def test_the_devices_of_a_local_dps_connect_to_no_other_host(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_DEVICE_HOST", "nowhere.invalid")
    workspace.update(target="local")
    assert failed(machine.examine_device_connection(workspace)) == {}


def test_the_clock_is_compared_with_the_projects_own_files() -> None:
    assert (machine._PROJECT / "pyproject.toml").exists()
