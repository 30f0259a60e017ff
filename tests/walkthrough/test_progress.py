"""A run's progress: a line for each notebook in a log, and also a live line on a terminal."""

import os
import re
import sys
from pathlib import Path

import pytest

from helpers.walkthrough import NOTEBOOKS, NotebookRun
from helpers.walkthrough.progress import Progress

SCRIPT = """
from pathlib import Path
from helpers.walkthrough import NotebookRun
from helpers.walkthrough.progress import Progress
import time
with Progress() as progress:
    progress.on_cell("01_create_ca", 3)
    progress.on_cell("08_you_are_dps", 22)
    time.sleep(0.3)
    progress.on_end(NotebookRun("01_create_ca", 1.25, Path(), Path(), None))
    time.sleep(0.3)
"""


def outcome(name: str, failure: str | None = None) -> NotebookRun:
    return NotebookRun(name, 1.25, Path(), Path(), failure)


def test_a_log_has_a_line_for_each_notebook_and_the_total(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        for cell in range(1, 9):
            progress.on_cell("01_create_ca", cell)
        progress.on_end(outcome("01_create_ca"))
        progress.on_cell("02_upload_ca", 1)
        progress.on_end(outcome("02_upload_ca", "02_upload_ca, cell [1]: No."))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:2]] == [
        ["ok", "01_create_ca", "1.2", "s"],
        ["FAILED", "02_upload_ca", "1.2", "s"],
    ]
    assert re.fullmatch(r"total +\d+\.\d s", lines[2])
    assert len(lines) == 3


@pytest.mark.unix
def test_a_terminal_has_one_live_line_with_the_running_cells_and_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"COLUMNS": "80", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    shown = bytearray()

    def read(descriptor: int) -> bytes:
        shown.extend(data := os.read(descriptor, 4096))
        return data

    sys.stdout.flush()
    import pty  # Windows has no such module

    status = pty.spawn([sys.executable, "-c", SCRIPT], read, lambda _: b"")
    assert os.waitstatus_to_exitcode(status) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert f"0 of {len(NOTEBOOKS)} done, 0 s: 01_create_ca [3], 08_you_are_dps [22]" in text
    assert f"1 of {len(NOTEBOOKS)} done, 0 s: 08_you_are_dps [22]" in text
    assert re.search(r"ok +01_create_ca +1\.2 s", text)
