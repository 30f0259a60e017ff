"""A JupyterLab as a learner has it, in a folder of its own, and the means to use a notebook in it."""

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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, WebSocket, expect

from helpers.dps import stop_local_dps

PROJECT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = sorted(file.stem for file in (PROJECT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
PICTURES = PROJECT / "build" / "browser"  # screenshots, for a person to look at
SECONDS = 120  # two cores are shared with others
COMPONENTS = PROJECT / "build" / "components"  # screenshots of the page with every picture
_TALLEST = 16_000  # Chromium can't take a larger picture
_SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/apputils-extension/themes": {"adaptive-theme": True},  # light or dark, like the browser
    # Render every cell, so that tests can see it, and no empty space below the last one.
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none", "scrollPastEnd": False},
    # Save the widgets' state too, so that a search for secrets covers as much as possible.
    "@jupyter-widgets/jupyterlab-manager/plugin": {"saveState": True},
}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab, and in it the folder of one learner: copies of the project's notebooks, a new workspace.

    Attributes:
        root: what JupyterLab serves; its settings and its log lie here, too.
        folder: the learner's, below it.
    """

    url: str
    token: str
    root: Path
    folder: Path

    @property
    def workspace(self) -> Path:
        """The workspace of the notebooks."""
        return self.folder / "data" / "workspace" / "lab"

    @contextmanager
    def learner(self) -> Iterator["Lab"]:
        """A folder for a learner who has not started yet. Its kernels and its local DPS are stopped at the end."""
        theirs = replace(self, folder=self.root / secrets.token_hex(4))
        ignored = shutil.ignore_patterns(".ipynb_checkpoints")
        shutil.copytree(PROJECT / "notebooks", theirs.folder / "notebooks", ignore=ignored)
        try:
            yield theirs
        finally:
            sessions = [
                each["id"] for each in self._ask("GET", "sessions") if each["path"].startswith(theirs.folder.name)
            ]
            with ThreadPoolExecutor() as ending:  # each waits for the end of its kernel
                list(ending.map(lambda session: self._ask("DELETE", f"sessions/{session}"), sessions))
            stop_local_dps(theirs.workspace / "local-dps")

    def address(self, notebook: str) -> str:
        """Return the address of one of the learner's notebooks, in a JupyterLab that has no other notebook open."""
        return f"{self.url}/lab/workspaces/{secrets.token_hex(4)}/tree/{self.path(notebook)}?token={self.token}"

    def path(self, notebook: str) -> str:
        """One of the learner's notebooks, as JupyterLab names it."""
        return (self.folder / "notebooks" / f"{notebook}.ipynb").relative_to(self.root).as_posix()

    def _ask(self, method: str, what: str) -> Any:
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.url}/api/{what}", method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return json.loads(answer.read() or "null")


@contextmanager
def running_lab(root: Path, *options: str) -> Iterator[Lab]:
    """Start JupyterLab on a free port of loopback, with further options.

    Nothing of the machine's own settings is read or written.
    """
    for name, values in _SETTINGS.items():
        file = root / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    lab = Lab(f"http://127.0.0.1:{port}", secrets.token_urlsafe(16), root, root)
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={lab.token}"]
    command += [f"--ServerApp.root_dir={root}", "--LabApp.news_url=", *options]
    places = {
        "JUPYTERLAB_SETTINGS_DIR": str(root / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(root / "lab-workspaces"),
        "JUPYTER_CONFIG_DIR": str(root / "config"),
        "JUPYTER_DATA_DIR": str(root / "jupyter-data"),
        "JUPYTER_RUNTIME_DIR": str(root / "runtime"),
        "IPYTHONDIR": str(root / "ipython"),
    }
    inherited = {name: value for name, value in os.environ.items() if name != "CA_PASSPHRASE"}
    with (root / "lab.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=root, env={**inherited, **places})
    try:
        _wait_until_it_answers(lab, process)
        yield lab
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_it_answers(lab: Lab, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"{lab.url}/api/status?token={lab.token}", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError((lab.root / "lab.log").read_text())


@dataclass
class NotebookPage:
    """One notebook, open in a page of the browser.

    Attributes:
        complaints: errors in the browser's console and uncaught ones. requests: the address of each, web sockets too.
        told: what came from kernels. sent: what went to them.
    """

    page: Page
    lab: Lab
    name: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    told: list[bytes] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    @classmethod
    def open(cls, page: Page, lab: Lab, name: str) -> "NotebookPage":
        """Open the notebook as for the first time: no cell has run, and the kernel is idle.

        JupyterLab is reloaded. A notebook opened in one that is already loaded can lose the focus to a tab that closes
        or to a change of theme; the menus and the status bar then belong to something else.
        """
        page.goto("about:blank")  # messages that the previous page sends while it closes are not recorded
        opened = cls(page, lab, name)
        opened._listen()
        page.goto(lab.address(name))
        expect(opened.cells.first).to_be_visible(timeout=SECONDS * 1000)
        opened.wait_until_idle()
        return opened

    def _listen(self) -> None:
        """Note what the page does, in place of the notebook that was open in it before."""
        heard: dict[str, Callable[[Any], None]] = {
            "console": self._note_console,
            "pageerror": lambda error: self.complaints.append(str(error)),
            "request": self._note_request,
            "websocket": self._note_socket,
        }
        for event, note in _LISTENING.get(self.page, {}).items():
            self.page.remove_listener(event, note)
        for event, note in heard.items():
            self.page.on(event, note)  # type: ignore[call-overload]  # it has a signature for each event
        _LISTENING[self.page] = heard

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} {message.location.get('url', '')}")

    def _note_request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _note_socket(self, socket: WebSocket) -> None:
        self.requests.append(socket.url)
        socket.on("framereceived", lambda payload: self.told.append(_bytes(payload)))
        socket.on("framesent", lambda payload: self.sent.append(_bytes(payload)))

    # --- its cells ---

    @property
    def file(self) -> Path:
        """The file in which the notebook is saved."""
        return self.lab.folder / "notebooks" / f"{self.name}.ipynb"

    @property
    def cells(self) -> Locator:
        return self.page.locator(".jp-NotebookPanel:visible .jp-Cell")

    @property
    def code_cells(self) -> Locator:
        return self.page.locator(".jp-NotebookPanel:visible .jp-CodeCell")

    def output(self, cell: int) -> Locator:
        """The output of a code cell, the first being 0 and the last -1."""
        return self.code_cells.nth(cell).locator(".jp-Cell-outputArea")

    @property
    def _status(self) -> Locator:
        """Return the kernel's state in the status bar."""
        return self.page.get_by_title(re.compile("^Change kernel for"))

    def cell(self, says: str) -> int:
        """Return the number of the first code cell whose code contains a text."""
        cells = json.loads(self.file.read_text(encoding="utf-8"))["cells"]
        codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        return next(number for number, code in enumerate(codes) if says in code)

    def wait_until_idle(self) -> None:
        expect(self._status).to_have_text(re.compile(r"\| Idle$"), timeout=SECONDS * 1000)

    # --- running them ---

    def run_all(self) -> None:
        """Run every cell by the menu, as a person does."""
        with self._run_well(0):
            self._choose("Run", "Run All Cells")

    def run(self, first: int, last: int) -> None:
        """Run the code cells from one to another, with the texts between them."""
        with self._run_well(first, last):
            self._select(first)
            if last != first:
                self.code_cells.nth(last).locator(".jp-InputPrompt").click(modifiers=["Shift"])
            self.page.keyboard.press("Control+Enter")

    def run_on(self, cell: int) -> None:
        """Run a code cell and all below it, by the menu."""
        with self._run_well(cell):
            self._select(cell)
            self._choose("Run", "Run Selected Cell and All Below")

    def run_in_vain(self, cell: int) -> Locator:
        """Run a code cell that must fail, and return its output."""
        with self._run_from(cell, cell):
            self._select(cell)
            self.page.keyboard.press("Control+Enter")
        expect(self.output(cell).locator(_ERROR)).to_have_count(1)
        # The kernel cancels each cell that arrives within half a second after a failed one.
        self.page.wait_for_timeout(600)
        return self.output(cell)

    def keep_busy(self, seconds: int) -> None:
        """Let the kernel work on a cell of its own, at the notebook's end, and do not wait for it."""
        self._select(self.code_cells.count() - 1)
        for key in ("b", "Enter"):
            self.page.keyboard.press(key)
        self.page.keyboard.type(f"import time; time.sleep({seconds})")
        self.page.keyboard.press("Control+Enter")
        expect(self._status).to_have_text(re.compile(r"\| Busy$"))

    def write(self, cell: int, source: str) -> None:
        """Replace the text of a code cell, as a learner does who pastes an answer."""
        self.code_cells.nth(cell).locator(".cm-content").click()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(source)

    def save(self) -> None:
        """Save the notebook with Ctrl+S, from a cell."""
        self._select(0)
        with self.page.expect_response(lambda answer: answer.request.method == "PUT" and self.file.name in answer.url):
            self.page.keyboard.press("Control+s")

    def _select(self, cell: int) -> None:
        self.code_cells.nth(cell).locator(".jp-InputPrompt").click()

    def _choose(self, menu: str, item: str) -> None:
        self.page.get_by_role("menuitem", name=menu, exact=True).click()
        self.page.get_by_role("menuitem", name=re.compile(f"^{item}")).click()

    @contextmanager
    def _run_from(self, first: int, last: int | None = None) -> Iterator[None]:
        """Wait until the cells that run because of the body have run, or one of them has failed."""
        before = self.page.evaluate(f"Math.max(0, ...{_COUNTS}.filter(each => each > 0 && isFinite(each)))")
        yield
        waited = [first, last, before]
        # By default, Chromium would ask again at each frame, which keeps a core busy.
        self.page.wait_for_function(_HAVE_RUN, arg=waited, timeout=SECONDS * 1000, polling=50)

    @contextmanager
    def _run_well(self, first: int, last: int | None = None) -> Iterator[None]:
        """Wait in the same way; none of the cells may fail."""
        with self._run_from(first, last):
            yield
        ran = self.code_cells.all()[first : None if last is None else last + 1]
        errors = [text for cell in ran for text in cell.locator(_ERROR).all_inner_texts()]
        assert not errors, "\n".join([f"{self.name}, run from code cell {first}:", *errors])

    # --- what is in its outputs ---

    @property
    def forms(self) -> Locator:
        """All forms; the card of a question has their look, and is none."""
        return self.page.locator(".jp-NotebookPanel:visible .dps-form:not(.dps-questions)")

    def form(self, number: int = 0) -> "FormHand":
        """Return one of its forms."""
        box = self.forms.nth(number)
        expect(box).to_be_visible(timeout=SECONDS * 1000)
        return FormHand(box)

    def show_whole(self) -> None:
        """Make the page so tall that the whole notebook is visible, from its beginning."""
        size = self.page.viewport_size
        assert size is not None
        around = self.page.evaluate(f"innerHeight - {_PANEL}.clientHeight")
        needed = self.page.evaluate(f"{_PANEL}.scrollHeight")
        self.page.set_viewport_size({"width": size["width"], "height": min(needed + around, _TALLEST)})
        self.page.wait_for_function(
            f"most => innerHeight >= most || {_PANEL}.clientHeight >= {_PANEL}.scrollHeight", arg=_TALLEST
        )
        self.page.evaluate(f"{_PANEL}.scrollTop = 0")
        self.page.wait_for_function(f"{_PANEL}.scrollTop === 0")

    def turn(self, theme: str) -> None:
        """Switch to another theme: light or dark. JupyterLab shows a splash screen while it changes."""
        self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        is_light = "false" if theme == "dark" else "true"
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", is_light, timeout=SECONDS * 1000)
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=SECONDS * 1000)


# For each page, what listens to its events: a worker's tests share one page.
_LISTENING: WeakKeyDictionary[Page, dict[str, Callable[[Any], None]]] = WeakKeyDictionary()
_PANEL = "[...document.querySelectorAll('.jp-WindowedPanel-outer')].sort((a, b) => b.scrollHeight - a.scrollHeight)[0]"
_ERROR = "[data-mime-type='application/vnd.jupyter.stderr']"
_CELLS = "[...document.querySelectorAll('.jp-NotebookPanel .jp-CodeCell')]"
# The number of each code cell's last execution, 0 if there was none, NaN while it waits or runs. A cell whose code is folded
# shows no number, except beside its output.
_COUNTS = f"""{_CELLS}.map(each => {{
    const prompt = each.querySelector('.jp-InputArea-prompt') || each.querySelector('.jp-OutputArea-prompt');
    return prompt ? Number(prompt.textContent.replace(/[^0-9*]/g, '')) : Infinity;
}})"""
_HAVE_RUN = f"""([first, last, before]) => {{
    const counts = {_COUNTS};
    if (counts.some(isNaN)) return false;
    const end = last === null ? undefined : last + 1;
    const failed = {_CELLS}.some((each, n) => counts[n] > before && each.querySelector("{_ERROR}"));
    return failed || counts.slice(first, end).every(each => each > before);
}}"""


@dataclass(frozen=True)
class FormHand:
    """A form as a person uses it: controls are found by their names."""

    box: Locator

    def field(self, label: str) -> Locator:
        """The control of that name, seen or not."""
        return self.box.get_by_label(label, exact=True)

    def type(self, label: str, text: str) -> None:
        """Replace a field's text, key by key, and leave the field."""
        control = self.field(label)
        control.click()
        control.press("ControlOrMeta+a")
        control.press("Delete")
        control.press_sequentially(text)
        expect(control).to_have_value(text)
        control.press("Tab")

    def choose(self, label: str, option: str) -> None:
        """Choose one of a dropdown's options."""
        self.field(label).select_option(label=option)

    def reason(self, label: str) -> Locator:
        """Return the reason under the field, in the same row, if its value is invalid; it is an alert for screen readers."""
        control = self.box.page.get_by_label(label, exact=True)
        return self.box.locator(".dps-field").filter(has=control).get_by_role("alert")

    @property
    def alerts(self) -> Locator:
        """Every reason that the form shows."""
        return self.box.get_by_role("alert")


def _bytes(payload: str | bytes) -> bytes:
    return payload.encode() if isinstance(payload, str) else payload
