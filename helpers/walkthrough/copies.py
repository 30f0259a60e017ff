"""The executed notebooks for readers: each as a notebook and as HTML that loads nothing from the network."""

import re
from pathlib import Path

import nbformat
from markupsafe import Markup
from nbconvert import HTMLExporter

from helpers.files import PRIVATE, write_atomically
from helpers.lesson.course.journey import JOURNEY
from helpers.lesson.figures import STYLE
from helpers.walkthrough.notebooks import FOLDER

__all__ = ["INDEX", "Exporter"]

INDEX = "index.html"
_GLOSSARY = "glossary"
_BODY = '<body class="jp-Notebook" data-jp-theme-light="true" data-jp-theme-name="JupyterLab Light">'


class Exporter:
    """Converts executed copies to HTML pages that load nothing from the network."""

    def __init__(self) -> None:
        # Shared by all notebooks: compiling the templates takes longer than using them.
        self._html = HTMLExporter(mathjax_url="", require_js_url="", mermaid_js_url="", jquery_url="")
        self._head = f"{STYLE}{_dark(self._html)}</head>"

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
        write_atomically(copy.with_suffix(".html"), self._page(notebook, copy.stem).encode(), mode=PRIVATE)

    def add_glossary(self, folder: Path) -> None:
        """Write the glossary, to which the notebooks link, beside their HTML copies."""
        text = (FOLDER / f"{_GLOSSARY}.md").read_text(encoding="utf-8")
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
        write_atomically(folder / f"{_GLOSSARY}.html", self._page(notebook, _GLOSSARY).encode(), mode=PRIVATE)

    def _page(self, notebook: nbformat.NotebookNode, name: str) -> str:
        title = f"{_heading(notebook) or name} · Prove possession of a CA"
        _leave_out_hidden(notebook)
        text, _ = self._html.from_notebook_node(notebook, {"metadata": {"name": title}})
        # A link from one notebook to another becomes a link between their HTML copies. A link to another file of the project
        # becomes its name, because the copies may be anywhere.
        text = re.sub(rf"(href=['\"](?:\d\d_\w+|{_GLOSSARY}))\.(?:ipynb|md)", r"\1.html", text)
        text = re.sub(r"<a href=\"\.\./([^\"]+)\"[^>]*>(.*?)</a>", r"\2 (<code>\1</code>)", text)
        text = text.replace(str(STYLE), "").replace("</head>", self._head, 1)  # once a page, and not once a picture
        return text.replace(
            f"{_BODY}\n<main>", f"<body class='jp-Notebook'>\n<main>{_pages(name, where='before')}", 1
        ).replace("</main>", f"{_pages(name, where='after')}</main>", 1)


def _leave_out_hidden(notebook: nbformat.NotebookNode) -> None:
    """Remove papermill's cell with this machine's paths, and the sources that JupyterLab hides: nbconvert would show them."""
    notebook.cells = [cell for cell in notebook.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    for cell in notebook.cells:
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata["transient"] = {"remove_source": True}  # what nbconvert's templates ask for


def _heading(notebook: nbformat.NotebookNode) -> str:
    """Return the notebook's first heading, or ""."""
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = (re.match(r"# (.+)", text) for text in texts)
    return next((match[1] for match in found if match), "")


def _pages(name: str, *, where: str) -> Markup:
    """Return links to the notebooks before and after one, and to the index; `where` they stand is for screen readers."""
    at = next((number for number, stop in enumerate(JOURNEY) if stop.notebook == name), None)
    before = JOURNEY[at - 1] if at else None
    after = JOURNEY[at + 1] if at is not None and at + 1 < len(JOURNEY) else None
    link = Markup("<a href='{}.html'>{}</a>")
    return Markup(
        "<div class='dps pages'><nav aria-label='Notebooks, {} the text'><span>{}</span><a href='{}'>All notebooks</a>"
        "<span>{}</span></nav></div>"
    ).format(
        where,
        link.format(before.notebook, f"← {before.heading}") if before else "",
        INDEX,
        link.format(after.notebook, f"{after.heading} →") if after else "",
    )


def _dark(exporter: HTMLExporter) -> str:
    """Return JupyterLab's dark theme for readers whose system is dark; nbconvert alone makes a page either light or dark."""
    theme, *_ = exporter.environment.loader.get_source(exporter.environment, "static/theme-dark.css")
    return f"<style>@media screen and (prefers-color-scheme: dark) {{ {theme} }}</style>"
