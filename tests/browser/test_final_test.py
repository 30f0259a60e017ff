"""The final test in JupyterLab, as a learner takes it: open questions, a failed test, a passed one, and the certificate."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.barriers import barriers, faint_texts
from tests.browser.final_test import answer_final_test, choose
from tests.browser.lab import PICTURES, Lab, NotebookPage


def test_a_learner_fails_sees_why_tries_again_passes_and_gets_the_certificate(
    page: Page, lab: Lab, subtests: pytest.Subtests
) -> None:
    first = NotebookPage.open(page, lab, "01_create_ca")
    first.run_all()
    notebook = NotebookPage.open(page, lab, "10_final_test")
    notebook.run_all()
    expect(notebook.output(3)).to_contain_text("0 of 12 answered")
    asked = notebook.output(2).locator(".dps-question")
    expect(asked).to_have_count(12)
    with subtests.test("open questions are named, and the answers stay"):
        choose(asked.nth(3), right=False)
        finish(notebook)
        expect(notebook.output(2)).to_contain_text("Still open: 1, 2, 3, 5")
        expect(asked.nth(3).locator("input:checked")).to_have_count(1)
    with subtests.test("each wrong answer is explained"):
        answer_final_test(notebook.output(2), right=False)
        finish(notebook)
        expect(notebook.output(2)).to_contain_text(re.compile(r"[012] of 12 right"))  # a name fits several choices
        for number in range(12):
            expect(asked.nth(number).get_by_role("status")).to_contain_text("right")
            expect(asked.nth(number).locator("input").first).to_be_disabled()
    notebook.run(2, 2)
    with subtests.test("a passed test opens the certificate"):
        answer_final_test(notebook.output(2), right=True)
        finish(notebook)
        expect(notebook.output(2)).to_contain_text(
            re.compile(r"passed\s*1[012] of 12 right")
        )  # a name fits several choices
        notebook.form().type("Your name", "Ada Lovelace")
        notebook.run(5, 6)
        image = notebook.output(5).get_by_role("img", name="Certificate of completion for Ada Lovelace")
        expect(image).to_be_visible()
        assert image.evaluate("each => each.naturalWidth") > 500
        expect(notebook.output(6)).to_contain_text("Your certificate of completion is on your disk")
    notebook.show_whole()
    page.screenshot(path=PICTURES / "final-test-passed.png")
    with subtests.test("the page can be saved"), page.expect_download() as saved:
        notebook.output(5).get_by_role("link", name="Save the page to print").click()
    assert saved.value.suggested_filename == "certificate-of-completion.svg"
    with subtests.test("axe finds no barrier"):
        assert barriers(page) == []
        assert faint_texts(page) == []
    assert notebook.complaints == []


def finish(notebook: NotebookPage) -> None:
    notebook.output(2).get_by_role("button", name="Finish").click()
