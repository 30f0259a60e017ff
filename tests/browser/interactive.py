"""The controls that need JupyterLab: forms and questions in a notebook of their own, for screenshots in each look and width."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, expect

from tests.browser.lab import NotebookPage, running_lab
from tests.browser.prepared import ready_for

__all__ = ["CONTROLS", "controls"]

_NAME = "controls"
_OPEN = "from helpers import lesson\nwalkthrough = lesson.open('../data/workspace/lab')"
CONTROLS = {
    "form": "walkthrough.form(lesson.CreateCa, {})",
    "form-lone-checkbox": "walkthrough.form(lesson.CleanUp, {})",
    "prediction": "walkthrough.predict('stale_etag')",
    "exercise": "walkthrough.try_exercise('01_create_ca', lambda certificate, issuer: True)",
    "recall": "walkthrough.recall('07_when_access_ends')",
    "final-test": "walkthrough.final_test()",
}
"""For each control, the cell that shows it."""


@contextmanager
def controls(chromium: Browser, folder: Path) -> Iterator[NotebookPage]:
    """Open the notebook in a JupyterLab of its own, with a wrong value, a passphrase and some answers entered."""
    with running_lab(folder) as server, server.learner() as lab, chromium.new_context() as context:
        ready_for("01_create_ca", lab.workspace)
        cells = [nbformat.v4.new_code_cell(source) for source in (_OPEN, *CONTROLS.values())]
        written = nbformat.v4.new_notebook(cells=cells)
        written.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(written, lab.folder / "notebooks" / f"{_NAME}.ipynb")
        notebook = NotebookPage.open(context.new_page(), lab, _NAME)
        notebook.page.keyboard.press("ControlOrMeta+b")  # closes the list of files, which takes half of a narrow page
        notebook.run(0, len(CONTROLS))
        exercise = list(CONTROLS).index("exercise") + 1
        notebook.run(exercise, exercise)  # a second attempt, for a second hint
        _use(notebook)
        yield notebook


def _use(notebook: NotebookPage) -> None:
    form = notebook.form()
    form.type("Root's name", "")
    form.type("Passphrase", "open sesame")
    expect(form.alerts).to_have_count(1)
    for name, choice in (("prediction", 1), ("recall", 0), ("final-test", 2)):
        notebook.output(list(CONTROLS).index(name) + 1).get_by_role("radio").nth(choice).check()
