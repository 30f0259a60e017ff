"""The pages of the local DPS: their tables, the tests that they may name, its OpenAPI description."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import helpers.local_dps
from tests.sources import sources

TESTS = Path(__file__).parent.parent
OPENAPI = Path(helpers.local_dps.__file__).with_name("openapi.yaml")


def rows(page: Path) -> Iterator[Mapping[str, str]]:
    """Each row of each table, its cells by the names of their columns."""
    columns: list[str] = []
    for line in page.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            columns = []
        elif not columns:
            columns = cells
        elif set(line) - set("|-"):
            assert len(cells) == len(columns), line
            yield dict(zip(columns, cells, strict=True))


def names_of_tests() -> set[str]:
    """The name of every test there is."""
    names = set()
    for file in sources(TESTS):
        if file.match("test_*.py"):
            tree = ast.parse(file.read_text())
            names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return names
