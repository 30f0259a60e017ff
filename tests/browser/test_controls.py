"""Forms and questions in JupyterLab: in both themes no barrier, and for each width whole words and nothing outside the page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.barriers import barriers, broken_words
from tests.browser.interactive import controls
from tests.browser.lab import NotebookPage
from tests.browser.looks import WIDTHS

# JupyterLab gives its panels their new width some time after the window has it.
_LAID_OUT = "width => document.querySelector('.jp-NotebookPanel').getBoundingClientRect().right <= width"
_OUTSIDE = """() => [...document.querySelectorAll('.dps-form :is(input, select, button, label, .dps-help, .dps-reason)')]
    .filter(each => each.getBoundingClientRect().right > innerWidth).map(each => each.outerHTML)"""


@pytest.fixture(scope="module")
def notebook(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookPage]:
    with controls(chromium, tmp_path_factory.mktemp("controls")) as opened:
        yield opened


@pytest.mark.parametrize("width", WIDTHS)
def test_no_control_is_outside_the_page_and_no_word_is_broken(notebook: NotebookPage, width: int) -> None:
    notebook.page.set_viewport_size({"width": width, "height": 900})
    notebook.page.wait_for_function(_LAID_OUT, arg=width)
    assert notebook.page.evaluate(_OUTSIDE) == []
    assert broken_words(notebook.page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_control_is_a_barrier(notebook: NotebookPage, theme: str) -> None:
    notebook.turn(theme)
    assert barriers(notebook.page) == []
