"""The README: each command that needs neither Azure nor a conda channel runs, and each name and link leads somewhere."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import lesson, walkthrough
from helpers.certificates import CertificateAuthority
from helpers.dps import CaReference, EnrollmentGroup, stop_local_dps

PROJECT = walkthrough.PROJECT
README = (PROJECT / "README.md").read_text()
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "docs/local_dps_in_ci.md",
    "docs/the_whole_walkthrough.md",
    "helpers/lesson/README.md",
)
(FLEET,) = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
OPTIONS = sorted(set(re.findall(r"`(-p [^`]+)`", README)))
TARGETS = sorted(set(re.findall(r"\bmake ([a-z][\w-]+)(?=`|  | P)", README)))
RUN_HERE = ["--old-file=.venv/.ready", f"RUN={sys.executable}"]  # the tests' own environment instead of another


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The project in a folder of its own: a reader's commands find no workspace there, and leave theirs there."""
    place = tmp_path_factory.mktemp("reader") / "project"
    place.mkdir()
    for name in ("Makefile", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, place)
    for name in ("helpers", "notebooks", "data/parameters"):
        shutil.copytree(PROJECT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    yield place
    for connection in place.rglob("connection.json"):
        stop_local_dps(connection.parent)


def run(copy: Path, *command: str, stdin: str = "") -> str:
    result = subprocess.run(
        command, cwd=copy, input=stdin, capture_output=True, text=True, timeout=300, env=environment(copy), check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def environment(copy: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    return {**own, "PYTHONPATH": str(copy)}  # a make within `make test` would print which folder it enters and leaves


def python(copy: Path, line: str, stdin: str = "") -> str:
    """Run a line of the README that begins with `python`."""
    assert line in README
    return run(copy, sys.executable, *shlex.split(line)[1:], stdin=stdin)


@pytest.mark.unix
def test_the_tutorial_runs_and_reset_removes_what_it_stored(copy: Path) -> None:
    told = run(copy, "make", *RUN_HERE, "tutorial").splitlines()
    assert sorted(line.split()[1] for line in told[:-3]) == [each.stem for each in walkthrough.NOTEBOOKS]
    assert Path(told[-1].partition("file://")[2]).is_file()
    workspace = copy / "data" / "workspace" / "run"
    assert workspace.is_dir()
    python(copy, "python -m helpers reset --workspace data/workspace/run", stdin="y\n")
    assert not workspace.exists()


@pytest.mark.unix
def test_the_course_is_set_up_without_make(copy: Path) -> None:
    """Without its dependencies, which the tests' own environment has: CI installs them by the same command, in make."""
    create, install, start = re.findall(r"^(?:python3 -m venv|\.venv/bin/python) .*", README, re.MULTILINE)
    own = environment(copy) | {"PIP_NO_DEPS": "1", "PIP_QUIET": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    for line in (create, install):
        subprocess.run(shlex.split(line), cwd=copy, env=own, check=True, timeout=300)
    program = shlex.split(start, comments=True)
    assert program[1:] == ["-m", "helpers", "run"]
    own["PYTHONPATH"] = sysconfig.get_path("purelib")
    told = subprocess.run(
        [*program, "--help"], cwd=copy, env=own, capture_output=True, text=True, check=True, timeout=300
    )
    assert "Execute every notebook" in told.stdout


def test_the_fleet_registers_and_status_and_reset_look_at_the_same_workspace(copy: Path) -> None:
    folder = copy / "data" / "workspace" / "lab"
    opened = lesson.open(folder)
    opened.choose(lesson.StartHere())
    root = opened.store("root", CertificateAuthority.create_root("Root"))
    intermediate = opened.store("intermediate", root.create_intermediate("Intermediate"))
    certificates = opened.dps.certificates
    registered = certificates.generate_verification_code(certificates.upload("ca", intermediate.certificate))
    certificates.verify(registered, intermediate.sign_verification_code(str(registered.verification_code)))
    opened.dps.enrollment_groups.create(EnrollmentGroup("group", CaReference("ca")))
    opened.dps.close()
    (copy / "fleet.py").write_text(FLEET.replace("range(1000)", "range(20)"))
    assert run(copy, sys.executable, "fleet.py").count("status='assigned'") == 3
    assert "CAs with a key:    root, intermediate" in python(copy, "python -m helpers status")
    python(copy, "python -m helpers reset", stdin="y\n")
    assert not folder.exists()


@pytest.mark.unix
def test_a_local_dps_is_served_until_it_is_stopped(copy: Path) -> None:
    line = "python -m helpers local-dps --connection-file dps.json"
    assert line in README
    process = subprocess.Popen([sys.executable, *shlex.split(line)[1:]], cwd=copy, env=environment(copy))
    try:
        end = time.monotonic() + 60
        while not (copy / "dps.json").exists():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert not (copy / "dps.json").exists()


@pytest.mark.parametrize("options", OPTIONS)
def test_the_parameters_are_ones_that_a_run_accepts(options: str, tmp_path: Path) -> None:
    for name in ("ca.pem", "ca.key"):
        (tmp_path / name).touch()
    given = shlex.split(options.replace("/path", str(tmp_path)).replace("webhook_url=…", "webhook_url=https://host/f"))[
        1::2
    ]
    if any(each.startswith("webhook_url") for each in given):
        given.append("allocation_policy=custom")  # as the row says
    if given != ["name=value …"]:
        walkthrough.check_parameters(walkthrough.read_parameters(None, given))


def test_make_has_each_target() -> None:
    """CI makes them: a test can't run the tests."""
    (phony,) = re.findall(r"^\.PHONY: (.+)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert len(TARGETS) > 5
    assert set(TARGETS) <= set(phony.split())


@pytest.mark.unix
def test_without_make_jupyterlab_starts_with_the_same_options() -> None:
    (line,) = re.findall(r"`jupyter lab (.+?)`", README)
    dry = ["make", "--dry-run", *RUN_HERE, "lab"]
    made = subprocess.run(dry, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert set(shlex.split(line)) <= set(shlex.split(made))


def test_the_journey_has_every_notebook_in_order() -> None:
    told = re.findall(r"^\| `(\d\d_\w+)` \|", README, re.MULTILINE)
    assert told == [each.stem for each in walkthrough.NOTEBOOKS]


@pytest.mark.parametrize("page", PAGES)
def test_each_link_leads_to_a_file(page: str) -> None:
    file = PROJECT / page
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", file.read_text()):
        if "://" not in link:
            assert (file.parent / link).exists(), link


@pytest.mark.parametrize("page", [*PAGES, "helpers/local_dps/README.md"])
def test_each_module_that_a_page_names_is_there(page: str) -> None:
    """A page names a module from the project's folder on, or from the room that it is about."""
    modules = [
        f"/{file.relative_to(PROJECT)}" for room in ("helpers", "tests") for file in (PROJECT / room).rglob("*.py")
    ]
    named = re.findall(r"`((?:\w+/)+\w+\.py)`", (PROJECT / page).read_text())
    told = [name for name in named if not name.startswith(("notebooks/", "scripts/"))]
    assert [name for name in told if not any(module.endswith(f"/{name}") for module in modules)] == []


def test_each_notebook_that_a_text_names_is_there() -> None:
    """A notebook that gets another number keeps its old name nowhere."""
    known = {each.stem for each in walkthrough.NOTEBOOKS}
    elsewhere = ("CHANGELOG.md", "CONTRIBUTING.md")  # these tell of earlier notebooks, and of one that might be added
    texts = [PROJECT / page for page in PAGES if page not in elsewhere]
    texts += [
        file for folder in ("helpers", "notebooks", "data/parameters") for file in (PROJECT / folder).rglob("*.*")
    ]
    unknown = [
        f"{file.relative_to(PROJECT)}: {name}"
        for file in texts
        if file.suffix in (".py", ".md", ".ipynb", ".yaml") and ".ipynb_checkpoints" not in file.parts
        for name in re.findall(r"\b\d\d_[a-z]+(?:_[a-z]+)+\b", file.read_text())
        if name not in known
    ]
    assert unknown == []
