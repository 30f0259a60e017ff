"""A JupyterLab as a learner has it, in a folder of its own, and a hand that works a notebook in it."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Locator, Page, expect

PROJECT = Path(__file__).resolve().parent.parent.parent
_SECONDS = 120
_SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/apputils-extension/themes": {"adaptive-theme": True},  # light or dark, as the browser says
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # every cell is in the page, to be looked at
}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab; its notebooks are copies of the project's."""

    url: str
    token: str
    folder: Path

    @property
    def workspace(self) -> Path:
        """Where the notebooks keep what they make."""
        return self.folder / "data" / "workspace" / "lab"


@contextmanager
def running_lab(folder: Path, **environment: str) -> Iterator[Lab]:
    """Start JupyterLab on a free port of loopback, in a new copy of the notebooks."""
    shutil.copytree(PROJECT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for name, values in _SETTINGS.items():
        file = folder / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    lab = Lab(f"http://127.0.0.1:{port}", secrets.token_urlsafe(16), folder)
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={lab.token}"]
    command += [f"--ServerApp.root_dir={folder}", "--LabApp.news_url="]
    places = {
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "lab-workspaces"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
    }
    with (folder / "lab.log").open("w") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env={**os.environ, **places, **environment}
        )
    try:
        _wait_until_it_answers(lab, process)
        yield lab
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_it_answers(lab: Lab, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"{lab.url}/api/status?token={lab.token}", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError((lab.folder / "lab.log").read_text())


@dataclass
class NotebookPage:
    """One notebook, open in a page of the browser."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, page: Page, lab: Lab, notebook: str) -> "NotebookPage":
        opened = cls(page)
        page.on("console", opened._note)
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        page.goto(f"{lab.url}/lab/workspaces/{secrets.token_hex(4)}/tree/notebooks/{notebook}.ipynb?token={lab.token}")
        expect(opened.cells.first).to_be_visible(timeout=_SECONDS * 1000)
        opened.wait_until_idle()
        return opened

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} {message.location.get('url', '')}")

    @property
    def cells(self) -> Locator:
        return self.page.locator(".jp-NotebookPanel:visible .jp-Cell")

    @property
    def code_cells(self) -> Locator:
        return self.page.locator(".jp-NotebookPanel:visible .jp-CodeCell")

    @property
    def errors(self) -> list[str]:
        """What cells have said went wrong."""
        return self.page.locator(
            ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']"
        ).all_inner_texts()

    def wait_until_idle(self) -> None:
        expect(self.page.locator(".jp-Notebook-ExecutionIndicator:visible")).to_have_attribute(
            "data-status", "idle", timeout=_SECONDS * 1000
        )

    def run_all(self) -> None:
        """By the menu, as a person does."""
        self.cells.first.click(position={"x": 5, "y": 5})
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name=re.compile("^Run All Cells")).click()
        self.wait_until_all_have_run()

    def wait_until_all_have_run(self) -> None:
        prompts = self.page.locator(".jp-NotebookPanel:visible .jp-CodeCell .jp-InputArea-prompt")
        count = prompts.count()
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            texts = prompts.all_inner_texts()
            if len(texts) == count and all(re.fullmatch(r"\[\d+\]:?", text.strip()) for text in texts):
                return
            if self.errors:
                return
            time.sleep(0.1)
        raise AssertionError(f"cells that have not run: {prompts.all_inner_texts()}")

    def output(self, cell: int) -> Locator:
        """The output of a code cell, the first being 0."""
        return self.code_cells.nth(cell).locator(".jp-Cell-outputArea")
