"""A value that is not good is named where it stands, while it is typed; and nothing is done with it."""

from playwright.sync_api import Page, expect

from helpers.dps import connect_local
from tests.browser.barriers import barriers
from tests.browser.lab import Lab, NotebookPage
from tests.browser.prepared import ready_for


def test_a_lifetime_of_nothing_creates_nothing_until_it_is_mended(page: Page, lab: Lab) -> None:
    notebook = NotebookPage.open(page, lab, "01_create_ca")
    notebook.run(0, 1)
    form = notebook.form()
    form.type("Lifetime in days", "0")
    expect(form.reason("Lifetime in days")).to_have_text("✘ It must be at least 1.")
    control, reason = form.field("Lifetime in days").bounding_box(), form.reason("Lifetime in days").bounding_box()
    assert control is not None
    assert reason is not None
    assert reason["x"] >= control["x"] + control["width"], "the reason is beside the field"
    assert control["y"] - 5 <= reason["y"] <= control["y"] + control["height"], "in the same row"
    expect(form.box.get_by_role("alert")).to_have_count(1)
    form.press("Create the CAs")
    form.expect_outcome(
        "✘ The parameter lifetime_days is invalid (Lifetime in days).", "It must be at least 1.", "Next"
    )
    assert not (lab.workspace / "ca").exists()
    for theme in ("dark", "light"):
        notebook.turn(theme)
        assert barriers(page) == []
    form.type("Lifetime in days", "30")
    expect(form.box.get_by_role("alert")).to_have_count(0)
    expect(form.outcome).to_have_count(0)
    form.press("Create the CAs")
    form.expect_outcome("Created")
    assert (lab.workspace / "ca" / "root.pem").exists()


def test_a_name_that_dps_does_not_take_is_not_sent(page: Page, lab: Lab) -> None:
    kept = ready_for("02_upload_ca", lab.workspace)
    at_dps = connect_local(lab.workspace / "local-dps" / "connection.json")
    notebook = NotebookPage.open(page, lab, "02_upload_ca")
    notebook.run(0, 2)
    form = notebook.form()
    form.type("Name at DPS", "my ca")
    expect(form.reason("Name at DPS")).to_contain_text("1 to 64 letters")
    form.press("Upload the CA's public part")
    form.expect_outcome("✘ The parameter certificate_name is invalid (Name at DPS).", "'my ca'")
    assert kept.facts.certificate_name is None
    assert at_dps.certificates.list() == []
    form.type("Name at DPS", "my-ca")
    expect(form.reason("Name at DPS")).to_have_count(0)
    form.press("Upload the CA's public part")
    form.expect_outcome("registered as “my-ca”")
    assert [each.name for each in at_dps.certificates.list()] == ["my-ca"]
    at_dps.close()
