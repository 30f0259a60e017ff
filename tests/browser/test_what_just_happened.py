"""Behind the scenes of a step: folded, in tabs, and without secrets."""

import json
import re

import nbformat
from playwright.sync_api import Page, expect

from helpers.lesson.figures.tabs import Tabs, highlighted
from tests.browser.clipboard import pasted
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
    expect(happened.locator(".opens > details > summary")).to_contain_text(re.compile(r"What just happened\d requests"))
    happened.get_by_text("What just happened").click()
    expect(put).to_be_visible()
    expect(wire.get_by_text("Management plane (Azure Resource Manager)").first).to_be_visible()
    expect(put.locator("code")).to_have_text(
        re.compile(r"^/subscriptions/.*/certificates/walkthrough-ca\?api-version=")
    )
    expect(put.locator(".pill")).to_have_text(re.compile("20[01] (OK|Created)"))
    expect(put.locator("..")).to_have_js_property("open", True)  # the step's own request; the others are one line each
    put.locator("..").get_by_text("Headers of the request").click()
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


def test_a_button_copies_the_commands_with_the_keyboard_alone(page: Page, lab: Lab) -> None:
    ready_for("02_upload_ca", lab.workspace)
    notebook = NotebookPage.open(page, lab, "02_upload_ca")
    notebook.run(0, notebook.cell(UPLOAD))
    happened = notebook.output(notebook.cell(UPLOAD))
    happened.get_by_text("What just happened").click()
    happened.get_by_text("As commands", exact=True).click()
    button = happened.get_by_role("button", name="Copy").locator("visible=true")
    page.keyboard.press("Tab")  # As Python
    page.keyboard.press("Shift+Tab")
    for _ in range(3):
        if button.evaluate("each => each === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(button).to_be_focused()
    page.keyboard.press("Space")
    expect(happened.get_by_role("button", name="Copied")).to_be_visible()
    commands = happened.locator("pre", has_text="az iot dps certificate create").text_content()
    assert commands
    assert pasted(page) == commands.rstrip()


def test_a_notebook_that_jupyterlab_does_not_trust_has_no_dead_button(page: Page, lab: Lab) -> None:
    html = Tabs({"As Python": highlighted("print('hello')", "python")})._repr_html_()
    output = nbformat.v4.new_output("display_data", {"text/html": html})
    written = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=[output])])
    written.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(written, lab.folder / "notebooks" / "untrusted.ipynb")
    notebook = NotebookPage.open(page, lab, "untrusted")
    expect(notebook.output(0).get_by_text("hello")).to_be_visible()
    expect(notebook.output(0).locator("button:visible")).to_have_count(0)
