"""The glossary in JupyterLab: a link leads to its term."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lab import Lab, NotebookPage


@pytest.mark.parametrize("term", ["Thumbprint", "Key-pair", "X.509"])
def test_a_first_click_on_a_term_opens_the_glossary_at_this_term(page: Page, lab: Lab, term: str) -> None:
    """JupyterLab scrolls a Markdown page that it has just opened, and a notebook only from the second click on."""
    NotebookPage.open(page, lab, "01_create_ca")
    page.locator(
        f"a[data-commandlinker-args*='glossary.md#{term}'], a[href*='glossary.md'][href$='#{term}']"
    ).first.click()
    glossary = page.locator(".jp-MarkdownViewer")
    expect(glossary.get_by_role("heading", name=term.replace("-", " "), level=2)).to_be_in_viewport()
    expect(glossary.get_by_role("heading", name="Glossary", level=1)).not_to_be_in_viewport()
