"""JupyterLab as `make lab` starts it."""

import re
import shlex
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.browser.lab import PROJECT, running_lab


def options() -> list[str]:
    """What `make lab` gives JupyterLab."""
    command = ["make", "--dry-run", "--old-file=.venv/.ready", f"PYTHON={sys.executable}", "lab"]
    told = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    (line,) = (line for line in told.splitlines() if line.startswith(".venv/bin/jupyter lab"))
    return shlex.split(line)


def test_kernels_that_nobody_has_open_are_culled_after_an_hour(tmp_path: Path) -> None:
    """With JupyterLab's own clock set faster: the names of the options are those that it knows."""
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
