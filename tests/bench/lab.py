"""JupyterLab from its start to the first form that can be used, in a real browser, beside a notebook with one small cell."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from playwright.sync_api import Browser

from tests.bench.report import Figure
from tests.bench.size import Size
from tests.browser.chromium import started_chromium
from tests.browser.lab import NotebookPage, running_lab

__all__ = ["first_form"]

_OURS = "01_create_ca"


def first_form(size: Size) -> Figure:
    """01's form, which needs no local DPS."""
    with started_chromium() as chromium:
        pairs = [(_seconds(chromium, _OURS), _seconds(chromium, "empty")) for _ in range(size.rounds)]
    ours, theirs = zip(*pairs, strict=True)
    return Figure("JupyterLab, to the first form", "s", ours, "to the output of a notebook with one small cell", theirs)


def _seconds(chromium: Browser, notebook: str) -> float:
    with TemporaryDirectory() as folder, chromium.new_context() as context:
        began = time.perf_counter()
        with running_lab(Path(folder)) as server, server.learner() as lab:
            kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
            small = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("40 + 2")], metadata=kernel)
            nbformat.write(small, lab.folder / "notebooks" / "empty.ipynb")
            opened = NotebookPage.open(context.new_page(), lab, notebook)
            if notebook == _OURS:
                opened.run(0, opened.cell("lesson.CreateCa"))
                opened.form()
            else:
                opened.run(0, 0)
            return time.perf_counter() - began
