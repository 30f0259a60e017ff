"""The action local-dps: its steps as bash runs them, with files in GitHub's place. And the commands for any other CI."""

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.unix  # a workflow of this project runs the action on Windows
PROJECT = Path(__file__).resolve().parent.parent
ACTION = PROJECT / ".github" / "actions" / "local-dps"
DEFINITION = yaml.safe_load((ACTION / "action.yml").read_text())
DEFAULTS = {name: value["default"] for name, value in DEFINITION["inputs"].items()}
INSTALL, START, WAIT = DEFINITION["runs"]["steps"]
CI = yaml.safe_load((PROJECT / ".github" / "workflows" / "ci.yml").read_text())
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")  # as GitHub calls it
SECRETS = {"LOCAL_DPS_CLIENT_SECRET", "LOCAL_DPS_CONNECTION_STRING", "LOCAL_DPS_CONTROL_TOKEN"}
# The environment gets no pip of its own, which takes seconds: the tests' own packages include one.
_PYTHON = f"""#!/bin/sh
case $2 in
    venv) shift 2 && exec '{sys.executable}' -m venv --without-pip "$@" ;;
    *) exec '{sys.executable}' "$@" ;;
esac
"""


@dataclass
class Job:
    """A job on a machine: what its steps wrote, and what later steps get from it.

    Attributes:
        folder: the machine's. The connection file is below it, too.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "python").mkdir()
        python = self.folder / "python" / "python3"
        python.write_text(_PYTHON)
        python.chmod(0o755)
        self.environment = {
            "PATH": f"{self.folder / 'python'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "RUNNER_TEMP": str(self.folder),
            "GITHUB_ACTION_PATH": str(ACTION),
            "GITHUB_ENV": str(self.folder / "exported"),
            "GITHUB_PATH": str(self.folder / "path"),
        }

    def run(self, step: dict[str, Any], **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run a step with the action's inputs, the defaults unless given."""
        given = {**DEFAULTS, **inputs}
        own = {
            name: given[re.fullmatch(r"\$\{\{ inputs\.(\w+) \}\}", text)[1]]
            for name, text in step.get("env", {}).items()
        }
        environment = {**self.environment, **self.exported()} | own
        if (path := self.folder / "path").exists():
            environment["PATH"] = f"{path.read_text().strip()}{os.pathsep}{environment['PATH']}"
        return subprocess.run([*BASH, step["run"]], env=environment, capture_output=True, text=True, check=False)

    def exported(self) -> dict[str, str]:
        """The variables that later steps get."""
        file = self.folder / "exported"
        return dict(line.split("=", 1) for line in file.read_text().splitlines()) if file.exists() else {}

    def end(self) -> None:
        """Stop the local DPS, as GitHub stops what a job has left running."""
        for connection in (self.folder / "state").rglob("connection.json"):
            os.kill(json.loads(connection.read_text())["pid"], signal.SIGTERM)
            end = time.monotonic() + 30
            while connection.exists():
                assert time.monotonic() < end, "the local DPS did not stop"
                time.sleep(0.05)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """A job whose first step has run. The tests' own packages spare it the download of those that local-dps needs."""
    job = Job(tmp_path_factory.mktemp("job"))
    job.environment |= {"PYTHONPATH": sysconfig.get_path("purelib"), "PIP_NO_BUILD_ISOLATION": "false"}
    result = job.run(INSTALL)
    assert result.returncode == 0, result.stdout + result.stderr
    yield job
    job.end()


def test_a_local_dps_that_does_not_start_fails_the_job_and_shows_its_log(installed: Job) -> None:
    assert installed.run(START, options="--retry-after soon").returncode == 0
    impatient = {"run": WAIT["run"].replace("local-dps env", "local-dps env --wait 1")}
    result = installed.run(impatient)
    assert result.returncode == 1
    assert "::error::The local DPS does not serve. Its log follows.\n" in result.stdout
    assert "'soon' is not a whole number" in result.stdout
    assert installed.exported() == {}


def test_later_steps_reach_the_local_dps_and_have_its_command(installed: Job) -> None:
    for step in (START, WAIT):
        result = installed.run(step)
        assert result.returncode == 0, result.stdout + result.stderr
    exported = installed.exported()
    assert all(name.startswith("LOCAL_DPS_") for name in exported)
    masked = re.findall(r"^::add-mask::(.+)$", result.stdout, re.MULTILINE)
    assert sorted(masked) == sorted(exported[name] for name in SECRETS)

    *_, later = CI["jobs"]["local-dps-action"]["steps"]
    result = installed.run(later)
    assert result.returncode == 0, result.stdout + result.stderr
    assert json.loads(result.stdout)["id_scope"] == exported["LOCAL_DPS_ID_SCOPE"]
    commands = [each.name for each in (installed.folder / "local-dps" / "command").iterdir()]
    assert commands == ["local-dps"], "a later step would find this Python instead of its own"


def test_the_commands_for_any_other_ci_do_the_same(installed: Job) -> None:
    page = (PROJECT / "docs" / "local_dps_in_ci.md").read_text()
    (commands,) = re.findall(r"^```bash\n(.+?)^```", page, re.MULTILINE | re.DOTALL)
    install, *others = commands.splitlines(keepends=True)
    assert install.startswith("pip install ./helpers/local_dps ")
    installed.end()
    script = f"cd '{installed.folder}'\n{''.join(others)}local-dps device pump-2\necho $LOCAL_DPS_ID_SCOPE"
    result = installed.run({"run": script})
    assert result.returncode == 0, result.stdout + result.stderr
    device, _, id_scope = result.stdout.rpartition("}\n")
    assert json.loads(device + "}")["id_scope"] == id_scope.strip()


def test_the_page_describes_each_input() -> None:
    page = (PROJECT / "docs" / "local_dps_in_ci.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", page, re.MULTILINE))
    assert set(rows) == set(DEFAULTS)
    assert rows["options"] == f"`{DEFAULTS['options']}`"


def test_a_machine_without_a_new_enough_python_is_told_what_to_do(tmp_path: Path) -> None:
    job = Job(tmp_path)
    for name in ("python", "python3"):
        program = job.folder / "python" / name
        program.unlink(missing_ok=True)
        program.write_text("#!/bin/sh\nexit 1\n")
        program.chmod(0o755)
    result = job.run(INSTALL)
    assert result.returncode == 1
    assert "::error::The local DPS needs Python 3.11 or newer" in result.stdout
