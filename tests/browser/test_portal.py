"""The target portal: the notebooks say what to click, and this test clicks it, with a local DPS for the portal."""

from pathlib import Path

from playwright.sync_api import Page, expect

from helpers.dps import CaReference, EnrollmentGroup, connect_local, local_id_scope, start_local_dps
from tests.browser.lab import SECONDS, FormHand, Lab, NotebookPage


def downloaded(form: FormHand, file: str) -> bytes:
    """A file of the list, saved by its link."""
    with form.box.page.expect_download() as download:
        form.outcome.get_by_role("link", name=file, exact=True).click()
    assert download.value.suggested_filename == file
    return Path(download.value.path()).read_bytes()


BY_HAND = "Show the clicks, or go on when they are done"


def test_with_the_files_and_the_clicks_that_are_shown_devices_get_in(page: Page, lab: Lab) -> None:
    notebook = NotebookPage.open(page, lab, "00_start_here")
    notebook.run(0, 3)
    connection = start_local_dps(lab.workspace / "local-dps")
    hands = connect_local(connection)
    form = notebook.form()
    form.choose("Target", "portal")
    form.type("Provisioning service", "contoso-dps")
    form.type("ID scope", local_id_scope(connection))
    form.press("Use this service")
    form.expect_outcome("contoso-dps", local_id_scope(connection))
    notebook.run_on(4)

    notebook = NotebookPage.open(page, lab, "01_create_ca")
    notebook.run_all()

    notebook = NotebookPage.open(page, lab, "02_upload_ca")
    notebook.run(0, 2)
    form = notebook.form()
    form.type("Name at DPS", "contoso-ca")
    form.press(BY_HAND)
    form.expect_outcome("▶ upload the CA's certificate", "contoso-dps", "Certificate name: contoso-ca", "Save")
    certificate = downloaded(form, "intermediate.cer")
    assert certificate == (lab.workspace / "ca" / "intermediate.cer").read_bytes()
    hands.certificates.upload("contoso-ca", certificate)
    form.field("Done in the portal").check()
    form.press(BY_HAND)
    form.expect_outcome("registered as “contoso-ca”, not verified yet")
    notebook.run_on(3)
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")

    notebook = NotebookPage.open(page, lab, "03_sign_verification_code")
    notebook.run(0, 1)
    form = notebook.form()
    form.press(BY_HAND)
    form.expect_outcome("▶ generate a verification code", "contoso-ca", "Generate verification code")
    with_code = hands.certificates.generate_verification_code(hands.certificates.get("contoso-ca"))
    form.field("Verification code").fill(str(with_code.verification_code))
    form.press(BY_HAND)
    form.expect_outcome(str(with_code.verification_code), "48 hexadecimal characters")
    notebook.run(2, 6)
    form = notebook.form(1)
    form.press("Sign the code with the CA's private key")
    form.expect_outcome(str(with_code.verification_code))
    notebook.run_on(7)
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")

    notebook = NotebookPage.open(page, lab, "04_verify_ca")
    notebook.run(0, 2)
    form = notebook.form()
    form.press(BY_HAND)
    form.expect_outcome("▶ upload the proof and verify", "contoso-ca")
    assert hands.certificates.verify(with_code, downloaded(form, "verification.cer")).verified
    form.field("Done in the portal").check()
    form.press(BY_HAND)
    form.expect_outcome("registered as “contoso-ca”, VERIFIED")
    notebook.run_on(3)
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")

    notebook = NotebookPage.open(page, lab, "05_create_enrollment_group")
    notebook.run(0, 1)
    form = notebook.form()
    form.type("Group's name", "contoso-pumps")
    form.press(BY_HAND)
    form.expect_outcome("▶ create the enrollment group", "contoso-pumps", "contoso-ca")
    hands.enrollment_groups.create(EnrollmentGroup("contoso-pumps", CaReference("contoso-ca")))
    form.field("Done in the portal").check()
    form.press(BY_HAND)
    form.expect_outcome("contoso-pumps", "contoso-ca")
    expect(form.outcome).not_to_contain_text("▶")
    notebook.run_on(2)
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")

    notebook = NotebookPage.open(page, lab, "06_provision_devices")
    notebook.run_all()
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached", timeout=SECONDS * 1000)
    assert len(hands.devices.records("contoso-pumps")) == 11
    hands.close()
