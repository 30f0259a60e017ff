"""`python -m tests.browser.pictures` takes the README's two pictures: a notebook, and the index of a finished run."""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from helpers import walkthrough
from helpers.workspace import Workspace
from tests.browser.chromium import started_chromium
from tests.browser.lab import NOTEBOOKS, PROJECT, NotebookPage, running_lab

FOLDER = PROJECT / "docs"
_SHOWN = "04_verify_ca"
_FIRST, _LAST = "dps.certificates.verify(", "walkthrough.etags("  # the cells at the ends of the first picture


def take_notebook(page: Page, folder: Path) -> None:
    """Show the cell that sends the proof, and the pictures below it."""
    with running_lab(folder) as server, server.learner() as lab:
        for name in NOTEBOOKS[: NOTEBOOKS.index(_SHOWN) + 1]:
            notebook = NotebookPage.open(page, lab, name)
            notebook.run_all()
        notebook.show_whole()
        first, last = (notebook.code_cells.filter(has_text=text).bounding_box() for text in (_FIRST, _LAST))
        assert first is not None
        assert last is not None
        height = last["y"] + last["height"] - first["y"]
        clip = {"x": first["x"], "y": first["y"], "width": 910, "height": height}
        page.screenshot(path=FOLDER / "notebook.png", clip=clip)


def take_finished_run(page: Page, folder: Path) -> None:
    """Show the page to which `make tutorial` leads."""
    workspace = Workspace(folder)
    outcomes = walkthrough.run(workspace, {})
    assert [outcome.failure for outcome in outcomes] == [None] * len(walkthrough.NOTEBOOKS)
    page.set_viewport_size({"width": 850, "height": 200})
    page.goto((workspace.folder / "executed" / "index.html").as_uri())
    page.screenshot(path=FOLDER / "finished_run.png", full_page=True)


def main(chromium: Browser) -> None:
    with tempfile.TemporaryDirectory() as folder:
        page = chromium.new_page(viewport={"width": 1400, "height": 1000})
        take_notebook(page, Path(folder) / "lab")
        take_finished_run(page, Path(folder) / "run")


if __name__ == "__main__":
    with started_chromium() as chromium:
        main(chromium)
