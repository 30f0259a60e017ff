"""CI: the workflows in .github and .ci/run. GitHub runs the workflows and can't be reached here, so this checks what they say."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import check_jsonschema
import pytest
import yaml
from click.testing import CliRunner
from packaging.specifiers import SpecifierSet

from helpers.__main__ import _RUN_WORKSPACE
from tests.bench.__main__ import _BUILD
from tests.browser.lab import COMPONENTS, PICTURES

PROJECT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((PROJECT / ".github" / "actions").glob("*/action.yml"))
MAKEFILE = (PROJECT / "Makefile").read_text()
TARGETS = set(re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[1].split())
START = (PROJECT / "start.ps1").read_text()
CI_RUN = PROJECT / ".ci" / "run"


def parsed(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text())


CI = parsed(PROJECT / ".github" / "workflows" / "ci.yml")


def jobs() -> list[Any]:
    return [
        pytest.param(job, id=f"{file.stem}/{name}") for file in WORKFLOWS for name, job in parsed(file)["jobs"].items()
    ]


def commands(job: dict[str, Any]) -> Iterator[list[str]]:
    """Each command of a job, one a line, as a shell divides it into words."""
    for step in job["steps"]:
        for line in step.get("run", "").splitlines():
            yield shlex.split(line, comments=True)


def make(*arguments: str) -> str:
    """What make prints, with the tests' own Python and without the options of a make that runs these tests."""
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "VERSIONS")}
    command = ["make", f"PYTHON={sys.executable}", *arguments]
    return subprocess.run(command, cwd=PROJECT, env=own, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(("kind", "files"), [("workflows", WORKFLOWS), ("actions", ACTIONS)])
def test_github_can_read_them(kind: str, files: list[Path]) -> None:
    assert files
    names = [str(file.relative_to(PROJECT)) for file in files]
    result = CliRunner().invoke(check_jsonschema.main, ["--builtin-schema", f"vendor.github-{kind}", *map(str, files)])
    assert result.exit_code == 0, f"{names}\n{result.output}"


def test_zizmor_finds_nothing_unsafe() -> None:
    """It sees, among other things, a token that is left behind, a permission too many, and text that a shell would run."""
    program = Path(sysconfig.get_path("scripts")) / "zizmor"
    command = [program, "--offline", "--persona=pedantic", "--strict-collection", "--no-progress", "."]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    for file in (*WORKFLOWS, *ACTIONS):
        assert f"completed ./{file.relative_to(PROJECT).as_posix()}" in result.stderr


@pytest.mark.parametrize("job", jobs())
def test_a_job_ends_and_may_do_nothing_but_read(job: dict[str, Any]) -> None:
    assert 0 < job["timeout-minutes"] <= 240
    assert job["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.stem)
def test_a_newer_run_replaces_an_older_one(workflow: Path) -> None:
    assert parsed(workflow)["concurrency"]["cancel-in-progress"] is True


def test_every_action_of_others_is_one_commit_with_its_version_beside_it() -> None:
    """A tag can be moved to other code. One action has one commit everywhere."""
    commits: dict[str, set[str]] = {}
    for file in (*WORKFLOWS, *ACTIONS):
        for used in re.findall(r"uses: (?!\$/)(.+)", file.read_text()):
            action, commit = re.fullmatch(r"([\w-]+/[\w-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)", used).groups()
            commits.setdefault(action, set()).add(commit)
    assert {action: len(known) for action, known in commits.items()} == dict.fromkeys(commits, 1)
    assert commits


@pytest.mark.parametrize("job", jobs())
def test_each_command_of_a_job_exists(job: dict[str, Any]) -> None:
    for words in commands(job):
        match words:
            case ["make", target, *variables]:
                assert target in TARGETS
                for variable in variables:
                    assert re.search(rf"\$\({variable.partition('=')[0]}\)", MAKEFILE), variable
            case ["./start.ps1", door]:
                assert f"'{door}'" in re.search(r"ValidateSet\((.+)\)", START)[1]
            case [".ci/python", "-m", module, *_]:
                assert os.access(PROJECT / ".ci" / "python", os.X_OK)
                assert importlib.util.find_spec(module), module
            case ["local-dps", command, *_]:  # which the action installs
                assert command in {"serve", "env", "device"}
            case _:
                pytest.fail(f"{shlex.join(words)}: this test does not know the command")


@pytest.mark.parametrize("job", jobs())
def test_an_action_of_this_project_exists(job: dict[str, Any]) -> None:
    for step in job["steps"]:
        if step.get("uses", "").startswith("$/"):
            assert PROJECT / step["uses"].removeprefix("$/") / "action.yml" in ACTIONS


@pytest.mark.unix
@pytest.mark.parametrize("file", [*WORKFLOWS, *ACTIONS], ids=lambda file: file.parent.name + "/" + file.stem)
def test_bash_understands_each_step(file: Path) -> None:
    content = parsed(file)
    for job in content["jobs"].values() if "jobs" in content else [content["runs"]]:
        for step in job["steps"]:
            if "run" in step:
                subprocess.run(["bash", "-n"], input=step["run"], text=True, check=True)


def test_the_artifacts_are_what_the_commands_leave() -> None:
    """The workspace itself has private keys and is never uploaded."""
    left = {
        path.relative_to(PROJECT).as_posix() for path in (_RUN_WORKSPACE / "executed", PICTURES, COMPONENTS, _BUILD)
    }
    steps = [step["with"] for job in CI["jobs"].values() for step in job["steps"] if "artifact" in step.get("uses", "")]
    assert {path for step in steps for path in step["path"].split()} == left
    assert {step["if-no-files-found"] for step in steps} == {"error"}


def test_every_python_that_the_project_allows_is_tested() -> None:
    allowed = SpecifierSet(tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"])
    newest = max(int(minor) for minor in re.search(r"foreach minor,\D*([\d ]+)", MAKEFILE)[1].split())
    pythons = [f"3.{minor}" for minor in range(newest + 1) if f"3.{minor}" in allowed]
    for name in ("tests", "tests-windows"):
        assert CI["jobs"][name]["strategy"]["matrix"]["python"] == pythons
    (weekly,) = parsed(PROJECT / ".github" / "workflows" / "weekly.yml")["jobs"].values()
    (setup,) = (step["with"] for step in weekly["steps"] if "setup-python" in step.get("uses", ""))
    assert sorted(setup["python-version"].split()) == pythons
    ((_, _, others),) = commands(weekly)
    assert others == f"PYTHONS={' '.join(f'python{each}' for each in pythons[1:])}"


def test_the_workflow_and_ci_run_call_the_same_targets() -> None:
    """.ci/run tries the newest Python after the others, for it has one machine. The workflow has a job for each Python."""
    called = {shlex.join(words[1:]) for job in CI["jobs"].values() for words in commands(job) if words[0] == "make"}
    (doors,) = re.findall(r"^for door in (.+); do$", CI_RUN.read_text(), re.MULTILINE)
    alone = re.findall(r"^make ([a-z].*)$", CI_RUN.read_text(), re.MULTILINE)
    assert called == {*doors.split(), *alone} - {"newest-python"}
    assert f'VERSIONS="{CI["env"]["VERSIONS"]}"' in CI_RUN.read_text()


def test_windows_runs_the_same_as_linux_and_macos() -> None:
    """tests/test_systems.py compares start.ps1 with the Makefile."""
    elsewhere, on_windows = (list(commands(CI["jobs"][name])) for name in ("tests", "tests-windows"))
    assert [("./start.ps1", *words[1:]) for words in elsewhere] == [tuple(words) for words in on_windows]


def test_windows_installs_the_same_versions() -> None:
    own = re.findall(r"Install-Packages '\.venv(?:-package)?' (.+)$", START, re.MULTILINE)
    assert len(own) == 3, "the course, its tests, and the package"
    assert all(what.startswith("($Versions + @(") for what in own)


def run_ci(folder: Path, make: str) -> tuple[int, list[str]]:
    """Run .ci/run with another make. Return how it ended and what it called."""
    for name, script in {"make": make, "openssl": "", "npm": "", "chromium": ""}.items():
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\n{script}\n')
        program.chmod(0o755)
    result = subprocess.run(
        ["bash", CI_RUN], env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}, capture_output=True, check=False
    )
    return result.returncode, (folder / "calls").read_text().splitlines()


@pytest.mark.unix
def test_ci_run_calls_one_target_after_the_other(tmp_path: Path) -> None:
    status, calls = run_ci(tmp_path, "exit 0")
    assert (status, calls) == (0, ["tutorial", "test", "browser", "azure-cli", "newest-python", "bench QUICK=1"])


@pytest.mark.unix
def test_ci_run_stops_at_the_first_failure_and_fails(tmp_path: Path) -> None:
    status, calls = run_ci(tmp_path, '[ "$1" != browser ]')
    assert (status, calls) == (1, ["tutorial", "test", "browser"])


@pytest.mark.unix
def test_the_newest_python_is_the_only_one_if_there_is_no_other() -> None:
    """A machine without pyenv says so, and runs the tests all the same."""
    said, calls = make("newest-python", "PYTHONS=", "MAKE=echo").splitlines()
    assert said.startswith(f"No other Python than {sys.executable} was found")
    assert calls == f"--no-print-directory pythons PYTHONS={sys.executable}"
    (calls,) = make("newest-python", "PYTHONS=python3.12 python3.13", "MAKE=echo").splitlines()
    assert calls == "--no-print-directory pythons PYTHONS=python3.13"
