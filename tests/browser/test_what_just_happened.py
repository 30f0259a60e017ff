"""Behind the scenes of a step: folded, in tabs, and without secrets."""

import json
import re

from playwright.sync_api import Page, expect

from tests.browser.lab import Lab, NotebookPage
from tests.browser.prepared import ready_for

UPLOAD = 'what_just_happened("upload")'


def test_the_requests_of_a_step_and_their_answers_are_shown_on_a_click_without_the_token(page: Page, lab: Lab) -> None:
    ready_for("02_upload_ca", lab.workspace)
    notebook = NotebookPage.open(page, lab, "02_upload_ca")
    notebook.run(0, notebook.cell(UPLOAD))
    happened = notebook.output(notebook.cell(UPLOAD))
    wire = happened.locator(".tabs > details").first
    put = wire.locator("summary").filter(has_text="PUT")
    expect(put).to_be_hidden()
    happened.get_by_text(re.compile(r"What just happened: \d requests")).click()
    expect(put).to_be_visible()
    expect(wire.get_by_text("Management plane (Azure Resource Manager)").first).to_be_visible()
    expect(put.locator("code")).to_have_text(
        re.compile(r"^/subscriptions/.*/certificates/walkthrough-ca\?api-version=")
    )
    expect(put.locator(".pill")).to_have_text(re.compile("20[01]"))
    if put.locator("..").get_attribute("open") is None:
        put.click()
    expect(put.locator("..").get_by_text("Authorization: Bearer (left out)")).to_be_visible()
    text = page.content()
    assert "eyJ" not in text, "that is how a token begins"
    connection = json.loads((lab.workspace / "local-dps" / "connection.json").read_text())
    assert connection["client_secret"] not in text
    happened.get_by_text("On the wire").click()
    expect(put).to_be_hidden()


def test_the_same_step_in_other_ways_has_the_learners_names(page: Page, lab: Lab) -> None:
    ready_for("02_upload_ca", lab.workspace)
    notebook = NotebookPage.open(page, lab, "02_upload_ca")
    form = notebook.cell("walkthrough.form(")
    notebook.run(0, form)
    notebook.form().type("Name at DPS", "contoso-ca")
    notebook.run(form + 1, notebook.cell(UPLOAD))
    happened = notebook.output(notebook.cell(UPLOAD))
    happened.get_by_text("What just happened").click()
    for way, says in (
        ("In the portal", "Certificate name: contoso-ca"),
        ("As commands", "--certificate-name contoso-ca"),
        ("As Python", '"contoso-ca"'),
    ):
        tab = happened.locator(".tabs > details").filter(has_text=way)
        expect(tab.locator("> div")).to_be_hidden()
        tab.get_by_text(way, exact=True).click()
        expect(tab.locator("> div")).to_contain_text(says)
        expect(happened.locator(".tabs > details[open]")).to_have_count(1)
