"""The target portal: the notebooks say what to click, and this test clicks it, with a local DPS for the portal."""

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from helpers.dps import CaReference, EnrollmentGroup, connect_local, local_id_scope, start_local_dps
from tests.browser.lab import SECONDS, Lab, NotebookPage


def your_turn(notebook: NotebookPage, cell: int, *says: str) -> Locator:
    """Run a cell that waits for a person. Its output shows the clicks as a picture, and the error below it."""
    output = notebook.run_in_vain(cell)
    picture = output.locator(".dps")
    for text in says:
        expect(picture).to_contain_text(text)
    error = output.get_by_text("It is your turn in the portal").first
    expect(error).to_be_visible()
    above, below = picture.bounding_box(), error.bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] + above["height"] <= below["y"], "the picture is above the error"
    return picture


def downloaded(picture: Locator, file: str) -> bytes:
    """Save a file of the list by its link."""
    with picture.page.expect_download() as download:
        picture.get_by_role("link", name=file, exact=True).click()
    assert download.value.suggested_filename == file
    return Path(download.value.path()).read_bytes()


def tick(notebook: NotebookPage) -> None:
    notebook.form().field("Done in the portal").check()


def test_devices_register_after_following_the_files_and_clicks_that_are_shown(page: Page, lab: Lab) -> None:
    notebook = NotebookPage.open(page, lab, "00_start_here")
    notebook.run(0, 4)
    connection = start_local_dps(lab.workspace / "local-dps")
    hands = connect_local(connection)
    form = notebook.form()
    form.choose("Target", "portal")
    form.type("Provisioning service", "contoso-dps")
    form.type("ID scope", local_id_scope(connection))
    notebook.run_on(5)
    for text in ("contoso-dps", local_id_scope(connection)):
        expect(notebook.output(5)).to_contain_text(text)

    notebook = NotebookPage.open(page, lab, "01_create_ca")
    notebook.run_all()

    notebook = NotebookPage.open(page, lab, "02_upload_ca")
    notebook.run(0, 4)
    notebook.form().type("Name at DPS", "contoso-ca")
    list_of_clicks = your_turn(
        notebook, 5, "▶ upload the CA's certificate", "contoso-dps", "Certificate name: contoso-ca", "Save"
    )
    certificate = downloaded(list_of_clicks, "intermediate.cer")
    assert certificate == (lab.workspace / "ca" / "intermediate.cer").read_bytes()
    hands.certificates.upload("contoso-ca", certificate)
    tick(notebook)
    notebook.run_on(5)
    expect(notebook.output(5)).to_contain_text("registered as “contoso-ca”, not verified yet")
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")

    notebook = NotebookPage.open(page, lab, "03_sign_verification_code")
    notebook.run(0, 3)
    your_turn(notebook, 4, "▶ generate a verification code", "contoso-ca", "Generate verification code")
    with_code = hands.certificates.generate_verification_code(hands.certificates.get("contoso-ca"))
    code = str(with_code.verification_code)
    notebook.form().type("Verification code", code)
    notebook.run_on(4)
    for text in (code, "48 hexadecimal characters"):
        expect(notebook.output(4)).to_contain_text(text)
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")

    notebook = NotebookPage.open(page, lab, "04_verify_ca")
    notebook.run(0, 3)
    list_of_clicks = your_turn(notebook, 4, "▶ upload the proof and verify", "contoso-ca")
    assert hands.certificates.verify(with_code, downloaded(list_of_clicks, "verification.cer")).verified
    tick(notebook)
    notebook.run_on(4)
    expect(notebook.output(4)).to_contain_text("registered as “contoso-ca”, VERIFIED")
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")

    notebook = NotebookPage.open(page, lab, "05_create_enrollment_group")
    notebook.run(0, 4)
    notebook.form().type("Group's name", "contoso-pumps")
    your_turn(notebook, 5, "▶ create the enrollment group", "contoso-pumps", "contoso-ca")
    hands.enrollment_groups.create(EnrollmentGroup("contoso-pumps", CaReference("contoso-ca")))
    tick(notebook)
    notebook.run_on(5)
    for text in ("contoso-pumps", "contoso-ca"):
        expect(notebook.output(5)).to_contain_text(text)
    expect(notebook.output(5)).not_to_contain_text("▶")
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")

    notebook = NotebookPage.open(page, lab, "06_provision_devices")
    notebook.run_all()
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached", timeout=SECONDS * 1000)
    assert len(hands.devices.records("contoso-pumps")) == 11
    hands.close()
