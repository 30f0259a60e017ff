"""A wrong value is named under its field, once it was edited or a cell has asked for it; and no cell acts on it."""

from playwright.sync_api import Page, expect

from helpers.dps import connect_local
from tests.browser.barriers import barriers
from tests.browser.lab import Lab, NotebookPage
from tests.browser.prepared import ready_for


def test_an_invalid_lifetime_creates_nothing_until_it_is_corrected(page: Page, lab: Lab) -> None:
    notebook = NotebookPage.open(page, lab, "01_create_ca")
    at = notebook.cell("walkthrough.form(")
    notebook.run(0, at)
    form = notebook.form()
    expect(form.alerts).to_have_count(0)
    for lifetime, reason in (("1.5", "It must be a whole number."), ("0", "It must be at least 1.")):
        form.type("Lifetime in days", lifetime)
        expect(form.reason("Lifetime in days")).to_have_text(f"✘ {reason}")
    control, under = form.field("Lifetime in days").bounding_box(), form.reason("Lifetime in days").bounding_box()
    assert control is not None
    assert under is not None
    assert abs(under["x"] - control["x"]) <= 1, "the reason begins where the control does"
    assert 0 <= under["y"] - control["y"] - control["height"] <= 10, "directly under it"
    expect(form.alerts).to_have_count(1)
    failed = notebook.run_in_vain(at + 1)
    for text in ("The parameter lifetime_days is invalid (Lifetime in days).", "It must be at least 1.", "Next"):
        expect(failed).to_contain_text(text)
    assert not (lab.workspace / "ca").exists()
    for theme in ("dark", "light"):
        notebook.turn(theme)
        assert barriers(page) == []
    form.type("Lifetime in days", "30")
    expect(form.alerts).to_have_count(0)
    notebook.run(at + 1, at + 1)
    expect(notebook.output(at + 1)).to_contain_text("Walkthrough Root CA")
    assert (lab.workspace / "ca" / "root.pem").exists()


def test_a_name_that_dps_does_not_accept_is_not_sent(page: Page, lab: Lab) -> None:
    workspace = ready_for("02_upload_ca", lab.workspace)
    at_dps = connect_local(lab.workspace / "local-dps" / "connection.json")
    notebook = NotebookPage.open(page, lab, "02_upload_ca")
    at = notebook.cell("walkthrough.form(")
    notebook.run(0, at)
    form = notebook.form()
    form.type("Name at DPS", "my ca")
    expect(form.reason("Name at DPS")).to_contain_text("1 to 64 letters")
    failed = notebook.run_in_vain(at + 1)
    for text in ("The parameter certificate_name is invalid (Name at DPS).", "'my ca'"):
        expect(failed).to_contain_text(text)
    assert workspace.facts.certificate_name is None
    assert at_dps.certificates.list() == []
    form.type("Name at DPS", "my-ca")
    expect(form.reason("Name at DPS")).to_have_count(0)
    notebook.run(at + 1, at + 1)
    expect(notebook.output(at + 1)).to_contain_text("registered as “my-ca”")
    assert [each.name for each in at_dps.certificates.list()] == ["my-ca"]
    at_dps.close()
