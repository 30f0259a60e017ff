"""JupyterLab as `make lab` starts it."""

import os
import re
import shlex
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.browser.lab import PROJECT, running_lab


def options() -> list[str]:
    """The options that `make lab` passes to JupyterLab."""
    command = ["make", "--dry-run", "--old-file=.venv/.ready", f"PYTHON={sys.executable}", "lab"]
    told = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    (line,) = (line for line in told.splitlines() if line.startswith(".venv/bin/jupyter lab"))
    return shlex.split(line)


@pytest.mark.unix
def test_kernels_without_an_open_tab_are_culled_after_an_hour(tmp_path: Path) -> None:
    """JupyterLab runs with shorter times, so the test also shows that it knows these options."""
    culling = [each for each in options() if "cull" in each]
    assert "--MappingKernelManager.cull_idle_timeout=3600" in culling
    faster = [re.sub(r"=\d+$", "=1", each) for each in culling]
    with running_lab(tmp_path, *faster) as lab:

        def ask(method: str = "GET") -> bytes:
            headers = {"Authorization": f"token {lab.token}"}
            request = urllib.request.Request(f"{lab.url}/api/kernels", method=method, headers=headers)
            with urllib.request.urlopen(request, timeout=30) as answer:
                return bytes(answer.read())

        ask("POST")
        assert b'"id"' in ask()
        end = time.monotonic() + 30
        while ask() != b"[]":
            assert time.monotonic() < end, "the kernel was not culled"
            time.sleep(0.2)


@pytest.mark.unix
def test_every_address_leads_to_the_first_notebook(tmp_path: Path) -> None:
    start = [each for each in options() if "default_url" in each]
    with (
        running_lab(tmp_path, *start) as lab,
        urllib.request.urlopen(f"{lab.url}/?token={lab.token}", timeout=30) as answer,
    ):
        assert answer.url.partition("?")[0] == f"{lab.url}/lab/tree/notebooks/00_start_here.ipynb"


@pytest.mark.unix
def test_a_read_only_home_is_reported(tmp_path: Path) -> None:
    """Root may write into any folder of mode 0500, but not into /sys."""
    home = Path("/sys") if os.geteuid() == 0 else tmp_path / "home"
    home.mkdir(mode=0o500, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "XDG"))}
    command = ["make", "--old-file=.venv/.ready", f"RUN={sys.executable}", "lab"]
    result = subprocess.run(
        command, cwd=PROJECT, env={**environment, "HOME": str(home)}, capture_output=True, text=True, check=False
    )
    assert result.returncode != 0
    assert result.stderr.startswith(
        "JupyterLab can't start.\n  Why: It stores its own files in the folder " + str(home)
    )
    assert "Traceback" not in result.stderr
    assert ".venv/bin/jupyter" not in result.stdout, "it was not started"


def test_jupyterlab_does_not_ask_about_news() -> None:
    overrides = Path(sys.prefix) / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert overrides.read_text() == (PROJECT / "data" / "jupyterlab_overrides.json").read_text()
