"""The command line, and the parameters and workspaces that it checks before a run."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from click.testing import Result
from platformdirs import user_data_path
from typer.testing import CliRunner

from helpers import lesson, walkthrough
from helpers.__main__ import app
from helpers.certificates import CertificateAuthority
from helpers.dps import stop_local_dps
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.modes import has_mode


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The folder of a future workspace; a local DPS left there is stopped."""
    workspace = tmp_path / "workspace"
    yield workspace
    stop_local_dps(workspace / "local-dps")


def command(*arguments: str | Path, stdin: str = "") -> Result:
    """Run a command in this process: starting Python would take ten times as long."""
    return CliRunner().invoke(
        app, [str(each) for each in arguments], input=stdin, env={"COLUMNS": "200", "NO_COLOR": "1"}
    )


def rows(status: Result) -> dict[str, str]:
    """The lines of `status` as pairs."""
    assert status.exit_code == 0, status.stderr
    return {name: value.strip() for name, _, value in (line.partition(":") for line in status.stdout.splitlines())}


def begun(folder: Path) -> Workspace:
    started = lesson.open(folder)
    started.choose(lesson.StartHere())
    started.store("root", CertificateAuthority.create_root("Root"))
    started.store("intermediate", started.needed("root").create_intermediate("Intermediate"))
    return started.workspace


def tree(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


# --- status -----------------------------------------------------------------------------------------------------------


def test_status_without_a_workspace_says_how_to_start_and_creates_nothing(folder: Path) -> None:
    # The only test in a new process: it shows that `python -m helpers` runs these commands.
    line = [sys.executable, "-m", "helpers", "status", "--workspace", str(folder)]
    status = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True)
    assert "There is no workspace at" in status.stdout
    assert not folder.exists()


def test_without_a_clone_there_are_no_notebooks_and_workspaces_are_in_the_users_data_folder(tmp_path: Path) -> None:
    installed = tmp_path / "site-packages"
    shutil.copytree(
        walkthrough.PROJECT / "helpers", installed / "helpers", ignore=shutil.ignore_patterns("__pycache__")
    )

    def say(name: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "helpers", name]
        environment = {**os.environ, "PYTHONPATH": str(installed)}
        return subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert str(user_data_path("dps-proof-of-possession", False) / "lab") in say("status").stdout
    run = say("run")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("There are no notebooks here.")


def test_status_of_a_walkthrough_that_has_started(folder: Path) -> None:
    begun(folder)
    status = command("status", "--workspace", folder)
    wanted = {
        "Target": "local",
        "CAs with a key": "root, intermediate",
        "Registered": "no",
        "Code waiting": "no",
        "Verified": "no",
        "Enrollment group": "none",
    }
    assert rows(status).items() >= wanted.items()


def test_status_shows_the_three_marks_of_each_notebook_and_the_next_step(folder: Path) -> None:
    workspace = begun(folder)
    workspace.update(reached=("00_start_here", "01_create_ca"), solved=("00_start_here",))
    workspace.predict("signatures", "AAR", "ARR")
    status = command("status", "--workspace", folder)
    (line,) = (line for line in status.stdout.splitlines() if " 01_create_ca " in line)
    assert line.split()[:5] == ["✔", "○", "0", "of", "1"]
    assert "Next: Solve the exercise of 01_create_ca." in status.stdout


def test_status_of_a_walkthrough_that_waits_for_its_proof_does_not_show_the_code(folder: Path) -> None:
    workspace = begun(folder)
    workspace.update(registered_role="root", certificate_name="ca", verification_code="C0DE" * 12)
    status = command("status", "--workspace", folder)
    assert rows(status)["Code waiting"] == "yes"
    assert "C0DE" not in status.stdout


def test_status_of_a_walkthrough_that_is_done(folder: Path) -> None:
    begun(folder).update(
        registered_role="intermediate", certificate_name="the-ca", verified=True, enrollment_group_id="the-group"
    )
    status = rows(command("status", "--workspace", folder))
    assert status["Registered"] == "intermediate as the-ca"
    assert (status["Verified"], status["Enrollment group"], status["Code waiting"]) == ("yes", "the-group", "no")


def test_status_of_a_damaged_workspace_is_a_problem(folder: Path) -> None:
    folder.mkdir()
    (folder / "workspace.json").write_text("{")
    status = command("status", "--workspace", folder)
    assert status.exit_code == 1
    assert "is damaged" in status.stderr
    assert "Traceback" not in status.stderr


# --- reset ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "removed"), [("y\n", True), ("n\n", False), ("\n", False), ("", False)])
def test_reset_asks_before_it_removes_keys(folder: Path, answer: str, removed: bool) -> None:
    begun(folder)
    before = tree(folder)
    reset = command("reset", "--workspace", folder, stdin=answer)
    assert "private keys" in reset.stdout + reset.stderr
    assert (reset.exit_code == 0) is removed
    assert folder.exists() is not removed
    assert removed or tree(folder) == before


def test_reset_with_yes_does_not_ask_and_stops_the_local_dps(folder: Path) -> None:
    workspace = begun(folder)
    lesson.open(folder).dps.close()
    connection = (workspace.local_dps_folder / "connection.json").read_bytes()
    assert is_listening(connection)
    reset = command("reset", "--workspace", folder, "--yes")
    assert reset.exit_code == 0, reset.stderr
    assert not folder.exists()
    assert not is_listening(connection)


def is_listening(connection: bytes) -> bool:
    port = urlsplit(json.loads(connection)["management_endpoint"]).port
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("options", [[], ["--yes"]])
def test_reset_of_a_folder_that_is_not_a_workspace_does_nothing(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    reset = command("reset", "--workspace", tmp_path, *options)
    assert reset.exit_code == 1
    assert "no workspace" in reset.stderr
    assert tree(tmp_path) == {"thesis.txt": b"years of work"}


def test_reset_without_a_workspace_does_nothing(folder: Path) -> None:
    assert "no workspace" in command("reset", "--workspace", folder, "--yes").stdout
    assert not folder.exists()


def test_reset_removes_the_keys_of_a_workspace_in_which_a_ca_was_created_before_a_target_was_chosen(
    folder: Path,
) -> None:
    lesson.open(folder).store("root", CertificateAuthority.create_root("Root"))
    assert command("reset", "--workspace", folder, "--yes").exit_code == 0
    assert not folder.exists()


# --- parameters -------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "parameters.yaml"
    path.write_text("certificate_name: from-the-file\nlifetime_days: 30\n")
    return path


def test_a_parameter_on_the_command_line_overrides_the_files(file: Path) -> None:
    given = ["certificate_name=given", "certificate_name=given later"]
    assert walkthrough.read_parameters(file, given) == {"certificate_name": "given later", "lifetime_days": 30}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("delete_keys=true", True),
        ("lifetime_days=7", 7),
        ("root_name='7'", "7"),
        ("root_name=a=b", "a=b"),
        ("root_name=", ""),
        (" root_name =x", "x"),
    ],
)
def test_a_value_is_read_as_yaml(text: str, value: Any) -> None:
    assert list(walkthrough.read_parameters(None, [text]).values()) == [value]


@pytest.mark.parametrize("content", ["", "# nothing\n", "{}"])
def test_an_empty_file_has_no_parameters(file: Path, content: str) -> None:
    file.write_text(content)
    assert walkthrough.read_parameters(file) == {}


@pytest.mark.parametrize("content", ["- a\n- b\n", "target", "7", "a: [", "a: b: c", "\0", "!!python/object:os.x {}"])
def test_a_file_that_is_not_a_yaml_mapping_is_rejected(file: Path, content: str) -> None:
    file.write_text(content)
    with pytest.raises(Problem, match=r"parameters"):
        walkthrough.read_parameters(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"missing\.yaml"):
        walkthrough.read_parameters(tmp_path / "missing.yaml")


def test_parameters_are_checked_together() -> None:
    with pytest.raises(Problem, match="webhook_url"):
        walkthrough.check_parameters({"webhook_url": "https://chooser.example"})
    walkthrough.check_parameters({"webhook_url": "https://chooser.example", "allocation_policy": "custom"})
    walkthrough.check_parameters({})


@pytest.mark.parametrize("options", [[], ["--keep"]], ids=["empty", "continued"])
def test_a_key_in_a_parameter_is_rejected_before_a_notebook_stores_it(folder: Path, options: list[str]) -> None:
    parameters = ["-p", "allocation_policy=custom", "-p", "webhook_url=https://f.example/api?code=SECRET"]
    result = command("run", "--workspace", folder, *options, *parameters)
    assert result.exit_code == 1
    assert "WEBHOOK_KEY" in result.stderr
    assert "SECRET" not in result.output
    assert not any(b"SECRET" in content for content in tree(folder).values())


@pytest.mark.parametrize("name", ["local", "azure", "portal"])
def test_the_included_files_can_be_read(name: str) -> None:
    parameters = walkthrough.read_parameters(walkthrough.PROJECT / "data" / "parameters" / f"{name}.yaml")
    assert parameters["target"] == name


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("certificat_name=x", ["certificat_name", "The most similar name is certificate_name."]),
        ("zzz=x", ["zzz", "certificate_name"]),
        ("workspace=x", ["--workspace"]),
        ("target", ["-p target", "no “=”", "-p name=value"]),
        ("root_name=[1", ["not valid YAML"]),
    ],
)
def test_a_wrong_parameter_is_rejected_with_the_next_step(given: str, says: list[str]) -> None:
    with pytest.raises(Problem) as caught:
        walkthrough.read_parameters(None, [given])
    assert all(text in str(caught.value) for text in says), str(caught.value)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("certificat_name=x", "The most similar name is certificate_name."),
        ("next_ca_name=", "The parameter next_ca_name is invalid"),
        ("rsa_bits=4096", "The parameter rsa_bits does not apply here"),
        ("allocation_policy=static", "iot_hubs is missing ("),
        ("own_ca_key=ca/no-such.pem", "notebooks/ca/no-such.pem"),
    ],
)
def test_a_wrong_parameter_stops_the_run_before_anything_changes(folder: Path, given: str, says: str) -> None:
    begun(folder)
    before = tree(folder)
    run = command("run", "--workspace", folder, "-p", given)
    assert run.exit_code == 1
    assert says in run.stderr
    assert run.stdout == ""
    assert "Traceback" not in run.stderr
    assert tree(folder) == before


def test_an_unknown_name_in_the_file_is_rejected_too(file: Path) -> None:
    file.write_text("tarket: local")
    with pytest.raises(Problem, match="tarket") as caught:
        walkthrough.read_parameters(file)
    assert caught.value.why == "The most similar name is target."


# --- the workspace of a run -------------------------------------------------------------------------------------------


def test_a_fresh_workspace_is_created_if_there_is_none(folder: Path) -> None:
    assert walkthrough.fresh_workspace(folder).authority_roles() == []
    assert has_mode(folder, 0o700)


def test_a_fresh_workspace_may_be_an_empty_folder(tmp_path: Path) -> None:
    assert walkthrough.fresh_workspace(tmp_path).folder == tmp_path


def test_a_fresh_workspace_has_nothing_of_the_earlier_one_whose_local_dps_is_stopped(folder: Path) -> None:
    workspace = begun(folder)
    lesson.open(folder).dps.close()
    connection = (workspace.local_dps_folder / "connection.json").read_bytes()
    fresh = walkthrough.fresh_workspace(folder)
    assert (fresh.authority_roles(), fresh.facts.target, list(tree(folder))) == ([], None, ["workspace.json"])
    assert not is_listening(connection)


@pytest.mark.parametrize("name", ["thesis.txt", "ca/thesis.txt", ".git/config", "executed/thesis.txt"])
def test_a_folder_with_other_files_is_rejected_and_unchanged(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text("years of work")
    with pytest.raises(Problem, match="is not a workspace"):
        walkthrough.fresh_workspace(folder)
    assert tree(folder) == {name: b"years of work"}


def test_a_file_at_the_workspaces_path_is_a_problem_and_unchanged(tmp_path: Path) -> None:
    (tmp_path / "workspace").write_text("years of work")
    with pytest.raises(Problem):
        walkthrough.fresh_workspace(tmp_path / "workspace")
    assert (tmp_path / "workspace").read_text() == "years of work"


def test_run_rejects_a_folder_with_other_files(folder: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    run = command("run", "--workspace", folder)
    assert run.exit_code == 1
    assert "is not a workspace" in run.stderr
    assert "--workspace" in run.stderr
    assert tree(folder) == {"thesis.txt": b"years of work"}


def test_reset_removes_a_damaged_workspace_but_no_other_files(folder: Path) -> None:
    workspace = begun(folder)
    (workspace.folder / "workspace.json").write_text("{")
    (workspace.folder / "thesis.txt").write_text("years of work")
    assert command("reset", "--workspace", str(folder), "--yes").exit_code == 0
    assert tree(folder) == {"thesis.txt": b"years of work"}


def test_a_workspace_with_resources_in_azure_is_never_emptied(folder: Path) -> None:
    azure = {"target": "azure", "subscription_id": "s", "resource_group": "g", "provisioning_service": "contoso-dps"}
    Workspace(folder).update(**azure, certificate_name="walkthrough-ca", registered_role="intermediate")
    before = tree(folder)
    with pytest.raises(Problem, match="was not emptied") as caught:
        walkthrough.fresh_workspace(folder)
    assert "contoso-dps" in caught.value.why
    assert "--keep" in caught.value.next_step
    assert tree(folder) == before


# --- files of a killed writer, and links -------------------------------------------------------------------------------


def test_the_files_of_a_killed_writer_cause_no_problem(folder: Path) -> None:
    folder.mkdir()
    (folder / ".workspace.json.0a1b2c3d4e5f").write_text("{")
    assert walkthrough.fresh_workspace(folder).facts.target is None
    (folder / "workspace.json").unlink()
    (folder / ".workspace.json.0a1b2c3d4e5f").write_text("{")
    reset = command("reset", "--workspace", folder, "--yes")
    assert reset.exit_code == 0, reset.output
    assert not folder.exists()


@pytest.mark.parametrize("name", ["ca", "devices"])
def test_a_linked_folder_is_unlinked_and_its_target_stays(folder: Path, tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "thesis.txt").write_text("years of work")
    workspace = Workspace(folder)
    (folder / name).symlink_to(elsewhere)
    assert workspace.delete_certificates() == []
    assert not (folder / name).exists()
    (folder / name).symlink_to(elsewhere)
    assert command("reset", "--workspace", folder, "--yes").exit_code == 0
    assert not folder.exists()
    assert tree(elsewhere) == {"thesis.txt": b"years of work"}


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://chooser.example/api", True),
        ("http://localhost:7071/api", True),
        ("http://127.0.0.1:7071/api", True),
        ("http://[::1]:7071/api", True),
        ("http://localhost.evil.com/api", False),
        ("http://127.0.0.1.evil.com/api", False),
        ("http://chooser.example/api", False),
        ("https://", False),
        ("https://[", False),
        ("file:///etc/passwd", False),
    ],
)
def test_a_webhook_is_on_this_machine_or_uses_https(url: str, good: bool) -> None:
    given = {"webhook_url": url, "allocation_policy": "custom"}
    if good:
        walkthrough.check_parameters(given)
    else:
        with pytest.raises(Problem, match="https://"):
            walkthrough.check_parameters(given)
