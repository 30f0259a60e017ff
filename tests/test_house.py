"""The house rules: import contracts, types, lint, notebooks without outputs, bounded dependencies."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.sources import sources

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))
# Each has a plainer word that this project uses instead: again or new, accept or assign, fix, ephemeral or unused,
# another organization's, is not isolated from, run a step.
NO_LONGER_USED = re.compile(
    r"\b(anew|lets? (nobody )?in|mend(s|ed)?|throw-?away|somebody else'?s|is no fence|(take|takes|taken) a step)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy", "--no-error-summary"],
        ["importlinter.cli"],
    ],
    ids=["lint", "format", "types", "contracts"],
)
def test_the_tree_keeps_the_rules(command: list[str]) -> None:
    program = (
        ["-c", "from importlinter.cli import lint_imports_command as c; c()"] if "." in command[0] else ["-m", *command]
    )
    result = subprocess.run([sys.executable, *program], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def imports(folder: str) -> Iterator[tuple[str, str]]:
    """Each import below a folder: the file, and the dotted name that it imports, which begins with dots if it is relative."""
    for file in sources(PROJECT / folder):
        if file.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{'.' * node.level}{node.module or ''}.{each.name}" for each in node.names]
            else:
                continue
            yield from ((str(file.relative_to(PROJECT)), name) for name in names)


def test_no_test_module_imports_from_another() -> None:
    """Shared tools have their own modules, and shared fixtures are in a conftest.py, which pytest reads."""
    found = [each for each in imports("tests") if re.search(r"\b(test_\w+|conftest)\b", each[1])]
    assert found == []


def test_the_modules_of_the_local_dps_import_each_other_relatively() -> None:
    """So that the folder can be packaged under another name."""
    found = [each for each in imports("helpers/local_dps") if each[1].startswith("helpers.")]
    assert found == []


def prose() -> Iterator[tuple[str, str]]:
    """Each text file of the helpers and the tests, and each Markdown file: its path, and its text in one line."""
    pages = (*PROJECT.glob("*.md"), *(PROJECT / "notebooks").rglob("*.md"))
    for file in (*pages, *sources(PROJECT / "helpers"), *sources(PROJECT / "tests")):
        if file.suffix in {".md", ".py", ".css", ".js", ".yaml"}:
            yield str(file.relative_to(PROJECT)), " ".join(file.read_text().split())


def test_no_text_has_a_word_that_this_project_no_longer_uses() -> None:
    found = [
        f"{path}: {text[max(0, match.start() - 40) : match.end() + 20]}"
        for path, text in prose()
        if path != "tests/test_house.py"
        for match in NO_LONGER_USED.finditer(text)
    ]
    assert found == [], "\n".join(found)


def cells(notebook: Path) -> list[dict]:
    return json.loads(notebook.read_text())["cells"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda notebook: notebook.stem)
class TestNotebook:
    def test_it_is_stripped_of_outputs(self, notebook: Path) -> None:
        for cell in cells(notebook):
            assert not cell.get("outputs")
            assert not cell.get("execution_count")

    def test_no_cell_is_long(self, notebook: Path) -> None:
        for cell in cells(notebook):
            if cell["cell_type"] == "code":
                assert len(cell["source"]) <= 15
                assert max(map(len, cell["source"])) <= 96, "a line is read beside the file browser"

    def test_no_more_than_120_words_come_without_something_to_see_or_do(self, notebook: Path) -> None:
        for is_text, some in groupby(cells(notebook), key=lambda cell: cell["cell_type"] == "markdown"):
            if is_text:
                lines = [
                    line for cell in some for line in cell["source"] if not line.startswith("|")
                ]  # a table is something to look at
                assert len(" ".join(lines).split()) <= 120, lines[0]

    def test_it_has_parameters_and_ends_in_a_checkpoint(self, notebook: Path) -> None:
        code = [cell for cell in cells(notebook) if cell["cell_type"] == "code"]
        assert [cell["metadata"].get("tags") for cell in code].count(["parameters"]) == 1
        assert "walkthrough.checkpoint(" in "".join(code[-1]["source"])

    def test_no_secret_is_a_parameter(self, notebook: Path) -> None:
        (parameters,) = (cell for cell in cells(notebook) if cell["metadata"].get("tags") == ["parameters"])
        assert not re.search(r"pass|secret|password|token", "".join(parameters["source"]), re.IGNORECASE)

    def test_it_says_what_is_there_before_and_after(self, notebook: Path) -> None:
        prose = "".join("".join(cell["source"]) for cell in cells(notebook) if cell["cell_type"] == "markdown")
        for part in ("**Before", "**After"):
            assert part in prose


def test_every_dependency_is_bounded() -> None:
    import tomllib

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    for text in project["dependencies"]:
        assert any(each.operator in ("<", "==") for each in Requirement(text).specifier), text
