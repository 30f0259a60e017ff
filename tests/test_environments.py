"""The places in which people work: conda, Binder, a dev container, the hooks before a commit, and exact versions."""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from rattler import MatchSpec
from repo2docker.app import Repo2Docker
from repo2docker.buildpacks import BuildPack, CondaBuildPack

PROJECT = Path(__file__).resolve().parent.parent
MAKEFILE = (PROJECT / "Makefile").read_text()
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
ENVIRONMENT = yaml.safe_load((PROJECT / "environment.yml").read_text())
(CONDA_PYTHON,) = (each for each in ENVIRONMENT["dependencies"] if str(each).startswith("python"))
PYTHON = CONDA_PYTHON.partition("=")[2]
DEV_CONTAINER = json.loads((PROJECT / ".devcontainer" / "devcontainer.json").read_text())
CONSTRAINTS = (PROJECT / "constraints.txt").read_text()
PINNED = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; .+)? \\$", re.MULTILINE)


def test_conda_makes_the_same_environment() -> None:
    assert set(ENVIRONMENT) == {"name", "channels", "dependencies"}
    conda = [each for each in ENVIRONMENT["dependencies"] if isinstance(each, str)]
    assert {str(MatchSpec(each, strict=True).name.normalized) for each in conda} == {"python", "pip"}
    (pip,) = (each["pip"] for each in ENVIRONMENT["dependencies"] if isinstance(each, dict))
    # pyproject.toml is the one list of packages: Makefile and environment.yml both install it, and nothing else.
    assert pip == ["-e ."]
    assert "--editable .)" in MAKEFILE
    assert "--editable '.[test]'" in MAKEFILE


def test_the_python_of_conda_is_one_that_the_project_allows() -> None:
    assert Version(PYTHON) in SpecifierSet(PYPROJECT["requires-python"])


@pytest.fixture
def binder(monkeypatch: pytest.MonkeyPatch) -> BuildPack:
    """Binder's own builder, for this project: the first one that says it can build it."""
    monkeypatch.chdir(PROJECT)
    builders = (kind() if kind.__name__.startswith("Legacy") else kind("base") for kind in Repo2Docker().buildpacks)
    return next(each for each in builders if each.detect())


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64"])
def test_binder_takes_the_python_of_conda(binder: BuildPack, platform: str, caplog: pytest.LogCaptureFixture) -> None:
    """Without an exact minor version it would take 3.10, with a warning, and the project could not be installed."""
    assert isinstance(binder, CondaBuildPack)
    binder.platform = platform
    with caplog.at_level(logging.WARNING):
        assert binder.python_version == PYTHON
        files = binder.get_build_script_files()
    assert caplog.messages == []
    assert any(f"py-{PYTHON}-linux" in name for name in files)
    ((_, script),) = binder.get_env_scripts()
    assert 'env update -p ${NB_PYTHON_PREFIX} --file "environment.yml"' in script


@pytest.mark.unix
def test_binder_completes_the_environment_as_make_does(binder: BuildPack, tmp_path: Path) -> None:
    (script,) = binder.get_post_build_scripts()
    copy, prefix = tmp_path / "project", tmp_path / "prefix"
    for name in ("helpers/problem.py", "data/jupyterlab_overrides.json"):
        (copy / name).parent.mkdir(parents=True)
        shutil.copy(PROJECT / name, copy / name)
    shutil.copy(PROJECT / script, copy)
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python").symlink_to(sys.executable)
    subprocess.run([f"./{script}"], cwd=copy, env={**os.environ, "NB_PYTHON_PREFIX": str(prefix)}, check=True)
    overrides = prefix / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert overrides.read_text() == (PROJECT / "data" / "jupyterlab_overrides.json").read_text()
    assert list((copy / "helpers").rglob("*.pyc"))


def test_the_dev_container_opens_the_first_notebook_in_the_environment_that_make_creates() -> None:
    first = "notebooks/00_start_here.ipynb"
    assert (PROJECT / first).is_file()
    assert DEV_CONTAINER["postAttachCommand"] == f"code {first}"  # VS Code
    assert DEV_CONTAINER["customizations"]["codespaces"]["openFiles"] == [first]
    ready = DEV_CONTAINER["postCreateCommand"].removeprefix("make ")
    assert f"READY := {ready}\n" in MAKEFILE
    python = DEV_CONTAINER["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert python == f"${{containerWorkspaceFolder}}/{Path(ready).parent}/bin/python"
    assert re.fullmatch(rf"python:{re.escape(PYTHON)}-\w+", DEV_CONTAINER["image"]), "the Python of conda and Binder"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with this project's hooks and settings, and with this environment."""
    folder = tmp_path_factory.mktemp("repository")
    for name in (".pre-commit-config.yaml", ".ci/python", "pyproject.toml", ".gitignore"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


@pytest.mark.unix
@pytest.mark.parametrize(
    ("code", "refused_by"),
    [("import os\n\nprint(os.sep)\n", []), ("import os\n", ["lint"]), ("print( 1)\n", ["format"])],
    ids=["good", "unused import", "badly formatted"],
)
def test_the_hooks_refuse_a_commit_that_ci_would_refuse(repository: Path, code: str, refused_by: list[str]) -> None:
    (repository / "changed.py").write_text(code)
    subprocess.run(["git", "add", "--all"], cwd=repository, check=True)
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    result = subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color=never"],
        cwd=repository,
        env={**own, "PRE_COMMIT_HOME": str(repository / ".cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.findall(r"^- hook id: (.+)$", result.stdout, re.MULTILINE) == refused_by, result.stdout + result.stderr
    assert result.returncode == (1 if refused_by else 0)


def test_the_hooks_run_what_ci_runs() -> None:
    house = (PROJECT / "tests" / "test_house.py").read_text()
    (local,) = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"]
    assert local["repo"] == "local", "nothing is fetched from elsewhere"
    for hook in local["hooks"]:
        program, *arguments = hook["entry"].split()
        assert program == ".ci/python"
        if hook["id"] == "house":
            assert arguments[-1] == "tests/test_house.py"
        else:
            assert json.dumps(arguments[1:]) in house


@pytest.mark.unix
def test_without_an_environment_a_hook_says_how_to_create_one(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(PROJECT / ".ci" / "python", tmp_path / ".ci")
    result = subprocess.run([tmp_path / ".ci" / "python", "--version"], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "There is no environment in .venv yet. CONTRIBUTING.md says" in result.stderr
    assert "\n## Set up\n" in (PROJECT / "CONTRIBUTING.md").read_text()


def needed(requirements: list[str], extras: frozenset[str] = frozenset()) -> Iterator[str]:
    """Each distribution that is needed here, directly or by another one."""
    waiting, seen = [(Requirement(each), extras) for each in requirements], set()
    while waiting:
        requirement, asked = waiting.pop()
        if requirement.marker and not any(requirement.marker.evaluate({"extra": each}) for each in (asked or {""})):
            continue
        name, wanted = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, wanted) not in seen:
            seen.add((name, wanted))
            yield name
            waiting += [(Requirement(each), wanted) for each in metadata.requires(name) or []]


def test_the_constraints_cover_everything_that_is_installed() -> None:
    listed = [*PYPROJECT["dependencies"], *PYPROJECT["optional-dependencies"]["test"]]
    pinned = {match["name"]: Version(match["version"]) for match in PINNED.finditer(CONSTRAINTS)}
    assert set(needed(listed)) <= set(pinned), "run: make constraints"
    for requirement in map(Requirement, listed):
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)], prereleases=True), (
            f"{requirement}: run make constraints"
        )


def test_each_constraint_has_its_hashes_and_no_registry_is_named() -> None:
    entries = re.split(r"^(?=[a-z0-9-]+==)", CONSTRAINTS, flags=re.MULTILINE)[1:]
    assert len(entries) == len(PINNED.findall(CONSTRAINTS)) > 100
    for entry in entries:
        first, *hashes = entry.rstrip().splitlines()
        assert hashes, first
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", each) for each in hashes), first


def test_the_constraints_hold_for_the_oldest_python_that_the_project_allows() -> None:
    (oldest,) = re.findall(r"--python-version (\S+)", MAKEFILE)
    assert PYPROJECT["requires-python"] == f">={oldest}"
