"""Behind the scenes of a step: folded, and without secrets."""

import json
import re

from playwright.sync_api import Page, expect

from tests.browser.lab import Lab, NotebookPage
from tests.browser.prepared import ready_for


def test_the_requests_of_a_step_and_their_answers_are_shown_on_a_click_without_the_token(page: Page, lab: Lab) -> None:
    ready_for("02_upload_ca", lab.workspace)
    notebook = NotebookPage.open(page, lab, "02_upload_ca")
    notebook.run(0, 5)
    happened = notebook.output(5)
    wire = happened.locator("details details").first
    expect(wire).to_be_hidden()
    happened.get_by_text(re.compile(r"What just happened: \d requests")).click()
    happened.get_by_text("On the wire").click()
    put = wire.locator("p").filter(has_text="PUT")
    expect(put).to_contain_text("to the management plane")
    expect(put.locator("code")).to_have_text(
        re.compile(r"^/subscriptions/.*/certificates/walkthrough-ca\?api-version=")
    )
    answers = wire.locator("p").filter(has_text="→")
    expect(answers.last).to_have_text(re.compile("→ 20[01]"))
    expect(wire.get_by_text("Authorization: Bearer (left out)").last).to_be_visible()
    text = page.content()
    assert "eyJ" not in text, "that is how a token begins"
    connection = json.loads((lab.workspace / "local-dps" / "connection.json").read_text())
    assert connection["client_secret"] not in text
    happened.get_by_text("On the wire").click()
    expect(put).to_be_hidden()


def test_the_same_step_in_other_ways_has_the_learners_names(page: Page, lab: Lab) -> None:
    ready_for("02_upload_ca", lab.workspace)
    notebook = NotebookPage.open(page, lab, "02_upload_ca")
    notebook.run(0, 2)
    notebook.form().type("Name at DPS", "contoso-ca")
    notebook.run(3, 5)
    happened = notebook.output(5)
    happened.get_by_text("What just happened").click()
    for way, says in (
        ("In the portal", "Certificate name: contoso-ca"),
        ("As commands", "--certificate-name contoso-ca"),
        ("As Python", '"contoso-ca"'),
    ):
        fold = happened.locator("details details").filter(has_text=way)
        expect(fold.locator("div")).to_be_hidden()
        fold.get_by_text(way, exact=True).click()
        expect(fold.locator("div")).to_contain_text(says)
