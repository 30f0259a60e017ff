"""The whole walkthrough as a script that a learner can copy: it needs no lesson, and can be run again."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.dps import connect_local, start_local_dps, stop_local_dps
from helpers.walkthrough import PROJECT
from tests.modes import has_mode

SCRIPT = PROJECT / "scripts" / "the_whole_walkthrough.py"
PAGE = PROJECT / "docs" / "the_whole_walkthrough.md"
SAYS = [
    "script-ca is verified",
    "pump-1 is assigned to local-hub-",
    "pump-2 is assigned to local-hub-",
]


def run(folder: Path, script: str) -> list[str]:
    """Run the script in an empty folder, and return its output."""
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_it_leads_from_a_ca_to_devices_with_a_hub_and_leaves_nothing_at_dps(tmp_path: Path) -> None:
    for _ in range(2):
        printed = run(tmp_path, SCRIPT.read_text())
        assert len(printed) == len(SAYS)
        assert all(line.startswith(says) for line, says in zip(printed, SAYS, strict=True))
    folder = tmp_path / "data" / "workspace" / "script"
    assert [has_mode(key, 0o600) for key in folder.glob("**/*.key*")] == [True] * 3
    dps = connect_local(start_local_dps(folder / "local-dps"))
    assert (dps.certificates.list(), dps.enrollment_groups.list()) == ([], [])
    dps.close()
    stop_local_dps(folder / "local-dps")


@pytest.mark.parametrize(
    "last", ["dps.certificates.upload", "generate_verification_code", "dps.certificates.verify", "group ="]
)
def test_it_continues_where_it_was_interrupted(tmp_path: Path, last: str) -> None:
    lines = SCRIPT.read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if last in line)
    run(tmp_path, "\n".join(lines[: at + 1]))
    assert len(run(tmp_path, SCRIPT.read_text())) == len(SAYS)


def test_it_is_short_and_needs_no_lesson() -> None:
    source = SCRIPT.read_text()
    assert len(source.splitlines()) <= 40
    imported = {node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    assert imported == {"pathlib", "helpers.certificates", "helpers.dps"}


def test_the_page_shows_every_line_of_it() -> None:
    shown = re.findall(r"^```python\n(.*?)\n```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert "\n\n".join(shown) == SCRIPT.read_text().rstrip("\n")


def test_the_readme_links_to_the_page() -> None:
    assert f"]({PAGE.relative_to(PROJECT)})" in (PROJECT / "README.md").read_text()


@pytest.mark.parametrize("page", ["README.md", "docs/the_whole_walkthrough.md", "notebooks/11_clean_up.ipynb"])
def test_the_pages_link_to_it(page: str) -> None:
    file = PROJECT / page
    links = re.findall(r"\]\(([^)]+the_whole_walkthrough.py)\)", file.read_text())
    assert [(file.parent / link).resolve() for link in links] == [SCRIPT]
