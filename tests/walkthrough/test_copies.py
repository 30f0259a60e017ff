"""An executed copy as a page for readers: its title, its neighbours, one style sheet, no widget and no other host."""

import re
from pathlib import Path

import nbformat
import pytest

from helpers.lesson.figures import STYLE, Listing
from helpers.walkthrough.copies import Exporter

WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def exporter() -> Exporter:
    return Exporter()


def exported(exporter: Exporter, folder: Path, name: str) -> str:
    """The HTML of a notebook with two pictures, and a link to the glossary."""
    picture = Listing("Two", ("one", "two"))._repr_html_()
    output = nbformat.v4.new_output("display_data", {"text/html": picture, WIDGET: {"model_id": "7"}})
    text = nbformat.v4.new_markdown_cell(
        "# 02 · Upload\n\nA [CA](glossary.md#DPS), of [01](01_create_ca.ipynb), or [all](../scripts/all.py)."
    )
    code = nbformat.v4.new_code_cell("1 + 1", outputs=[output, output])
    copy = folder / f"{name}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[text, code]), copy)
    exporter.finish(copy)
    assert WIDGET not in copy.read_text()
    return copy.with_suffix(".html").read_text()


def test_a_page_has_the_notebooks_title_and_leads_to_its_neighbours(exporter: Exporter, tmp_path: Path) -> None:
    page = exported(exporter, tmp_path, "02_upload_ca")
    assert "<title>02 · Upload" in page
    for link in ("01_create_ca.html", "03_sign_verification_code.html", "index.html"):
        assert page.count(f"<a href='{link}'>") == 2, "above the notebook and below it"


def test_a_page_leaves_out_hidden_sources_and_papermills_parameters(exporter: Exporter, tmp_path: Path) -> None:
    shown = nbformat.v4.new_output("display_data", {"text/html": "<p>a prediction</p>"})
    hidden = nbformat.v4.new_code_cell("hidden_call()", outputs=[shown], metadata={"jupyter": {"source_hidden": True}})
    injected = nbformat.v4.new_code_cell("injected = 1", metadata={"tags": ["injected-parameters"]})
    copy = tmp_path / "02_upload_ca.ipynb"
    nbformat.write(
        nbformat.v4.new_notebook(cells=[injected, hidden, nbformat.v4.new_code_cell("visible_call()")]), copy
    )
    exporter.finish(copy)
    page = copy.with_suffix(".html").read_text()
    assert "visible_call" in page
    assert "a prediction" in page
    assert "hidden_call" not in page
    assert "injected" not in page.partition("<main>")[2]
    assert "injected = 1" in copy.read_text(), "the notebook stays whole"


def test_the_first_page_has_no_page_before_it(exporter: Exporter, tmp_path: Path) -> None:
    page = exported(exporter, tmp_path, "00_start_here")
    assert "←" not in page
    assert page.count("→") == 2


def test_links_lead_to_pages(exporter: Exporter, tmp_path: Path) -> None:
    page = exported(exporter, tmp_path, "02_upload_ca")
    assert 'href="glossary.html#DPS"' in page
    assert 'href="01_create_ca.html"' in page
    assert ".ipynb" not in page
    assert "all (<code>scripts/all.py</code>)" in page
    exporter.add_glossary(tmp_path)
    assert 'id="DPS"' in (tmp_path / "glossary.html").read_text()


def test_a_page_has_the_style_once_and_is_dark_for_readers_whose_system_is(exporter: Exporter, tmp_path: Path) -> None:
    page = exported(exporter, tmp_path, "02_upload_ca")
    assert page.count(str(STYLE)) == 1
    assert page.count('class="dps"') == 2
    assert "data-jp-theme-light=" not in page.partition("</head>")[2], "the page does not decide"
    assert re.search(r"@media screen and \(prefers-color-scheme: dark\) \{.*--jp-layout-color0", page, re.DOTALL)
