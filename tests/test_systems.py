"""Linux, macOS and Windows: what can be checked on one of them, whichever it is."""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tree_sitter import Language, Node, Parser
from tree_sitter_powershell import language as powershell

PROJECT = Path(__file__).resolve().parent.parent
# Only the standard library differs between the systems, so the others' types are left out: that takes a quarter of the time.
STANDARD_LIBRARY_ALONE = [
    "--no-site-packages",
    "--ignore-missing-imports",
    "--allow-subclassing-any",
    "--allow-untyped-decorators",
    "--no-warn-unused-ignores",
    "--no-warn-return-any",
]
LACKING_ON_WINDOWS = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
# A module of the helpers that imports one of these fails, as it would on Windows. Other packages have their own way there.
IMPORT_AS_ON_WINDOWS = f"""
import builtins, importlib, pkgutil

everything = builtins.__import__

def on_windows(name, globals=None, *rest, **options):
    importer = (globals or {{}}).get("__name__", "")
    if name in {LACKING_ON_WINDOWS} and importer.startswith("helpers"):
        raise ModuleNotFoundError(f"No module named {{name!r}}, which {{importer}} imports")
    return everything(name, globals, *rest, **options)

builtins.__import__ = on_windows
import helpers
for module in pkgutil.walk_packages(helpers.__path__, "helpers."):
    if module.name != "helpers.local_dps.__main__":  # which runs as soon as it is imported
        importlib.import_module(module.name)
        print(module.name)
"""


def run(*command: str) -> str:
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_the_types_hold_on_another_system(platform: str) -> None:
    cache = f".mypy_cache/{platform}"
    run(sys.executable, "-m", "mypy", "--platform", platform, "--cache-dir", cache, *STANDARD_LIBRARY_ALONE)


def test_every_module_is_imported_without_what_windows_lacks() -> None:
    imported = run(sys.executable, "-c", IMPORT_AS_ON_WINDOWS).split()
    assert {"helpers.__main__", "helpers.workspace", "helpers.local_dps.state", "helpers.walkthrough.engine"} <= {
        *imported
    }


def test_no_test_module_needs_what_windows_lacks_before_its_tests_are_left_out() -> None:
    """A test marked `unix` or `linux` is left out on Windows, but its module is imported."""
    imported = [
        (str(file.relative_to(PROJECT)), alias.name)
        for file in (PROJECT / "tests").rglob("*.py")
        if "node_modules" not in file.parts
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import)
        for alias in node.names
    ]
    assert [each for each in imported if each[1] in LACKING_ON_WINDOWS] == []


def uses_of_text_files(file: Path) -> Iterator[ast.Call]:
    """Each call that reads or writes a file as text."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            modes = [str(each.value) for each in node.args[:1] if isinstance(each, ast.Constant)]
            opens = node.func.attr == "open" and any("b" not in mode for mode in modes)
            if opens or node.func.attr in ("read_text", "write_text"):
                yield node


def test_each_text_file_is_read_and_written_as_utf_8() -> None:
    """Windows would use the code page of its language. A recipe reads JSON and PEM only, which are ASCII."""
    files = [each for folder in ("helpers", "scripts") for each in (PROJECT / folder).rglob("*.py")]
    assert len(files) > 100
    unnamed = [
        f"{file.relative_to(PROJECT)}:{call.lineno}"
        for file in files
        if file.parent.name != "templates"
        for call in uses_of_text_files(file)
        if "encoding" not in {each.arg for each in call.keywords}
    ]
    assert unnamed == []


# --- start.ps1, beside the Makefile -----------------------------------------------------------------------------------


def nodes(node: Node, kind: str) -> Iterator[Node]:
    if node.type == kind:
        yield node
    for child in node.children:
        yield from nodes(child, kind)


def text(node: Node) -> str:
    assert node.text
    return node.text.decode()


def script() -> Node:
    return Parser(Language(powershell())).parse((PROJECT / "start.ps1").read_bytes()).root_node


def commands(node: Node) -> list[list[str]]:
    """The commands that a part of the script runs, with the paths of Linux."""
    found = []
    for command in nodes(node, "command"):
        name, *rest = re.findall(r"'(?:[^']|'')*'|[^\s,@()]+", text(command))
        if name == "Invoke-Program":
            words = [word.strip("'").replace("\\", "/").replace("$Run", ".venv/Scripts/python.exe") for word in rest]
            found.append([word.replace("/Scripts/", "/bin/").removesuffix(".exe") for word in words])
    return found


def made(door: str) -> list[list[str]]:
    """The commands that make runs for a door once the environments are there."""
    stamps = re.findall(r"(\S+ready)\b", (PROJECT / "Makefile").read_text(encoding="utf-8"))
    stamps += [f"tests/clients/{client}/node_modules/.ready" for client in ("node", "node_device")]
    lines = run(
        "make", "--no-print-directory", "--dry-run", *(f"--old-file={each}" for each in stamps), door
    ).splitlines()
    return [[word for word in shlex.split(line) if word != "--allow-root"] for line in lines]  # that is for root alone


def test_powershell_can_read_the_script() -> None:
    assert not script().has_error


@pytest.mark.unix
@pytest.mark.parametrize("door", ["tutorial", "lab", "test"])
def test_a_door_runs_what_make_runs(door: str) -> None:
    (clause,) = (each for each in nodes(script(), "switch_clause") if text(each).startswith(f"'{door}'"))
    assert commands(clause) == made(door)


@pytest.mark.unix
def test_the_environments_are_made_from_the_same_files() -> None:
    """Each file or folder that make names in a command that installs, and each package."""
    lines = run("make", "--no-print-directory", "--dry-run", "--always-make", "test").splitlines()
    installs = [line for line in lines if re.search(r"\b(install|download|venv|compileall|cp)\b", line)]
    assert len(installs) > 8
    begins = (
        ".venv-",
        "tests/",
        "build/",
        "helpers/",
        "data/",
        ".[",
        "--editable",
        "--requirement",
        "--no-",
        "--dest",
        "uv",
    )
    words = [word.rstrip(";") for line in installs for word in shlex.split(line)]
    named = {word for word in words if word.startswith(begins) and "/bin/" not in word}
    told = (PROJECT / "start.ps1").read_text(encoding="utf-8").replace("\\", "/")
    assert {each for each in named if each not in told} == set()
    removed = shlex.split(run("make", "--no-print-directory", "--dry-run", "clean"))[2:]
    (clean,) = (each for each in nodes(script(), "switch_clause") if text(each).startswith("'clean'"))
    assert set(re.findall(r"'([^']+)'", text(clean).replace("\\", "/"))) - {"clean"} == {
        each.rstrip("/") for each in removed
    }
