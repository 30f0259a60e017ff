"""The package local-dps: its wheel and its sdist, and that it stands alone."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from helpers.local_dps import __version__
from tests.package.environment import BUILT, PROJECT, SOURCE, installed, modules, run

PYPROJECT = tomllib.loads((SOURCE / "pyproject.toml").read_text())
# For the index and the builder; users don't need them in the package.
NOT_IN_THE_WHEEL = {"README.md", "LICENSE", "pyproject.toml"}


def wheel() -> Path:
    (file,) = BUILT.glob("*.whl")
    return file


def sdist() -> Path:
    (file,) = BUILT.glob("*.tar.gz")
    return file


def test_the_wheel_has_each_file_as_the_tree_has_it() -> None:
    with zipfile.ZipFile(wheel()) as opened:
        names = {name for name in opened.namelist() if name.startswith("local_dps/")}
        assert names == {f"local_dps/{name}" for name in modules()} - {f"local_dps/{name}" for name in NOT_IN_THE_WHEEL}
        for name in names:
            assert opened.read(name) == (SOURCE / name.removeprefix("local_dps/")).read_bytes(), f"{name}: `make test`"
        (licence,) = (name for name in opened.namelist() if name.endswith("licenses/LICENSE"))
        assert opened.read(licence) == (PROJECT / "LICENSE").read_bytes() == (SOURCE / "LICENSE").read_bytes()


def test_the_sdist_has_all_that_the_tree_has() -> None:
    with tarfile.open(sdist()) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert names - {"PKG-INFO", ".gitignore"} == set(modules())


def test_an_index_would_accept_both() -> None:
    for command in (["twine", "check", "--strict", wheel(), sdist()], ["check_wheel_contents", wheel()]):
        result = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


def test_building_and_installing_leave_nothing_in_the_tree() -> None:
    """The course's own build would take a folder build/ for a package of the project."""
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "."],
        cwd=SOURCE, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert set(modules()) == set(tracked.stdout.splitlines())


def test_its_pages_have_no_relative_links() -> None:
    readme = (SOURCE / "README.md").read_text()
    targets = re.findall(r"\]\(([^)]+)\)", readme)
    assert [target for target in targets if not target.startswith("#")] == []
    headings = {
        re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in re.findall(r"^#+ (.*)", readme, re.M)
    }
    assert {target.removeprefix("#") for target in targets} <= headings


def test_its_dependencies_are_the_courses_in_the_same_versions() -> None:
    course = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    ranges = {Requirement(each).name: Requirement(each).specifier for each in course}
    for text in PYPROJECT["project"]["dependencies"]:
        assert Requirement(text).specifier == ranges[Requirement(text).name], text


def test_it_needs_few_distributions_and_nothing_of_the_course(tmp_path: Path) -> None:
    program = (
        "import importlib.metadata as m, re\n"
        "def all_of(name, seen):\n"
        "    if name not in seen:\n"
        "        try: found = m.distribution(name)\n"
        "        except m.PackageNotFoundError: return seen\n"
        "        seen.add(name)\n"
        "        for each in found.requires or ():\n"
        "            if 'extra ==' not in each: all_of(re.match(r'[\\w.-]+', each)[0].lower(), seen)\n"
        "    return seen\n"
        "print(*sorted(all_of('local-dps', set())))\n"
    )
    result = run(installed("python"), "-c", program, folder=tmp_path)
    names = result.stdout.split()
    assert result.returncode == 0, result.stderr
    assert len(names) <= 20, names
    assert not {"helpers", "typer", "pydantic", "jupyterlab", "requests"} & set(names)


def test_every_module_is_imported_where_the_course_and_unix_are_missing(tmp_path: Path) -> None:
    blocked = ("helpers", "fcntl", "resource", "pwd", "grp", "termios")
    program = f"""
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ImportError(name + " is blocked")

sys.meta_path.insert(0, Blocked())
import local_dps
names = [each.name for each in pkgutil.walk_packages(local_dps.__path__, "local_dps.") if not each.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""
    result = run(installed("python"), "-c", program, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) == sum(name.endswith(".py") for name in modules()) - 2  # the package itself, __main__


@pytest.mark.parametrize("command", [["local-dps"], ["python", "-m", "local_dps"]])
def test_the_command_says_its_version_and_how_to_use_it(tmp_path: Path, command: list[str]) -> None:
    program = [installed(command[0]), *command[1:]]
    assert run(*program, "--version", folder=tmp_path).stdout == f"local-dps {__version__}\n"
    helped = run(*program, "serve", "--help", folder=tmp_path)
    assert helped.returncode == 0, helped.stderr
    readme = (SOURCE / "README.md").read_text()
    options = readme[readme.index("## Options") : readme.index("## With your client")]
    told = set(re.findall(r"`(--[a-z0-9-]+)", options))
    assert set(re.findall(r"--[a-z][a-z0-9-]+", helped.stdout)) - {"--help"} == told
