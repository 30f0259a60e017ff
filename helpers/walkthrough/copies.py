"""The executed notebooks for readers: each as a notebook and as HTML, and an index page with links to all of them."""

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter

from helpers.files import PRIVATE, write_atomically
from helpers.lesson.course.journey import JOURNEY
from helpers.walkthrough.notebook_run import NotebookRun

__all__ = ["Exporter", "index"]


class Exporter:
    """Converts executed copies to HTML pages that load nothing from the network."""

    def __init__(self) -> None:
        # Shared by all notebooks: compiling the templates takes longer than using them.
        self._html = HTMLExporter(mathjax_url="", require_js_url="", mermaid_js_url="", jquery_url="")

    def finish(self, copy: Path) -> None:
        """Remove widgets and paths from an executed copy, which are useless to its reader, and write it as HTML beside it."""
        if not copy.exists():  # the kernel failed before the first cell
            return
        notebook = nbformat.read(copy, as_version=4)
        notebook.metadata.get("papermill", {}).update(input_path=copy.name, output_path=copy.name)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
        write_atomically(copy, nbformat.writes(notebook).encode(), mode=PRIVATE)
        text, _ = self._html.from_notebook_node(notebook, {"metadata": {"name": copy.stem}})  # the page's title
        # A link from one notebook to another becomes a link between their HTML copies.
        text = re.sub(r"(href=['\"]\d\d_\w+)\.ipynb", r"\1.html", text)
        write_atomically(copy.with_suffix(".html"), text.encode(), mode=PRIVATE)


def index(outcomes: Sequence[NotebookRun]) -> str:
    """Return an HTML page with one line per notebook."""
    ideas = {str(stop.notebook): stop.idea for stop in JOURNEY}
    rows = "".join(
        f"<tr><td>{'✘' if each.failure else '✔'}</td><td><a href='{escape(each.html.name)}'>{escape(each.name)}</a></td>"
        f"<td>{escape(ideas[each.name])}</td><td>{each.seconds:.1f}&nbsp;s</td>"
        f"<td>{f'<pre>{escape(each.failure)}</pre>' if each.failure else ''}</td></tr>"
        for each in outcomes
    )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Walkthrough</title>"
        f"<h1>The executed walkthrough</h1><table>{rows}</table></html>"
    )
