"""Each form is filled in as a person does it: the next cell uses the typed values, and shows the result."""

import secrets

from playwright.sync_api import Page, expect

from helpers.certificates import describe, read_certificates
from helpers.dps import AllocationPolicy, ProvisioningService, connect_local
from tests.browser.lab import PROJECT, Lab, NotebookPage
from tests.browser.prepared import ready_for


def dps_of(lab: Lab) -> ProvisioningService:
    """A connection to the learner's local DPS, to check what has arrived there."""
    return connect_local(lab.workspace / "local-dps" / "connection.json")


def test_00_each_target_asks_for_what_it_needs_and_the_chosen_one_answers(page: Page, lab: Lab) -> None:
    notebook = NotebookPage.open(page, lab, "00_start_here")
    notebook.run(0, 4)
    form = notebook.form()
    asked = ["Subscription id", "Resource group", "Provisioning service", "ID scope"]
    for target, needed in (("azure", asked[:3]), ("portal", asked[2:])):
        form.choose("Target", target)
        for label in asked:
            if label in needed:
                expect(form.field(label)).to_be_visible()
            else:
                expect(form.field(label)).to_be_hidden()
    form.type("Provisioning service", "mine")
    expect(form.alerts).to_have_count(0)
    form.type("Provisioning service", "")
    expect(form.alerts).to_have_text(["✘ The target portal needs it."])
    expect(notebook.run_in_vain(5)).to_contain_text("The parameter provisioning_service is missing")
    for label in ("Provisioning service", "ID scope"):
        expect(form.reason(label)).to_have_text("✘ The target portal needs it.")
    form.choose("Target", "local")
    for label in asked:
        expect(form.field(label)).to_be_hidden()
    notebook.run_on(5)
    for text in ("local-dps", dps_of(lab).describe().id_scope):
        expect(notebook.output(5)).to_contain_text(text)
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")


def test_01_the_cas_have_the_names_the_key_and_the_lifetime_that_were_typed(page: Page, lab: Lab) -> None:
    notebook = NotebookPage.open(page, lab, "01_create_ca")
    notebook.run(0, 6)
    form = notebook.form()
    form.type("Root's name", "Contoso Root")
    form.type("Intermediate's name", "Contoso Factory 7")
    expect(form.field("RSA size in bits")).to_be_hidden()
    form.choose("Key type", "RSA")
    expect(form.field("RSA size in bits")).to_be_visible()
    expect(form.field("Curve")).to_be_hidden()
    form.choose("RSA size in bits", "3072")
    form.type("Lifetime in days", "30")
    form.type("Passphrase", "open sesame")
    notebook.run_on(7)
    for text in ("Contoso Root", "RSA", "3072", "0% of its validity period has passed"):
        expect(notebook.output(7)).to_contain_text(text)
    for name in ("Contoso Root", "Contoso Factory 7"):
        expect(notebook.output(8)).to_contain_text(name)
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")
    certificate, *_ = read_certificates((lab.workspace / "ca" / "root.pem").read_bytes(), "root.pem")
    facts = describe(certificate)
    assert (facts.common_name, facts.key) == ("Contoso Root", "RSA-3072")
    assert (facts.not_after - facts.not_before).days in (30, 31)


def test_01_only_the_fields_that_still_count_are_shown_where_cas_are_stored(page: Page, lab: Lab) -> None:
    ready_for("02_upload_ca", lab.workspace)
    notebook = NotebookPage.open(page, lab, "01_create_ca")
    notebook.run(0, 6)
    form = notebook.form()
    expect(form.field("Your own CA")).to_be_visible()
    expect(form.field("Root's name")).to_have_count(0)
    notebook.run_on(7)
    expect(notebook.output(7)).to_contain_text("Walkthrough Root CA")
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")


def test_02_the_chosen_ca_is_registered_under_the_name_that_was_typed(page: Page, lab: Lab) -> None:
    workspace = ready_for("02_upload_ca", lab.workspace)
    notebook = NotebookPage.open(page, lab, "02_upload_ca")
    notebook.run(0, 4)
    form = notebook.form()
    form.choose("CA to register", "root")
    form.type("Name at DPS", "contoso-root")
    expect(form.field("Done in the portal")).to_be_hidden()
    notebook.run_on(5)
    for text in ("Walkthrough Root CA", "registered as “contoso-root”, not verified yet"):
        expect(notebook.output(5)).to_contain_text(text)
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")
    registered = dps_of(lab).certificates.get("contoso-root")
    assert registered.thumbprint == describe(workspace.authority("root").certificate).sha1


def test_03_a_code_is_signed_with_the_key_that_the_passphrase_opens(page: Page, lab: Lab) -> None:
    workspace = ready_for("03_sign_verification_code", lab.workspace, passphrase="open sesame")
    notebook = NotebookPage.open(page, lab, "03_sign_verification_code")
    notebook.run(0, 4)
    form = notebook.form()
    expect(form.field("Verification code")).to_be_hidden()
    code = str(workspace.facts.verification_code)
    for text in (code, "48 hexadecimal characters"):
        expect(notebook.output(4)).to_contain_text(text)
    notebook.run(5, 7)
    expect(notebook.run_in_vain(9)).to_contain_text("encrypted")
    form.type("Passphrase", "open sesame")
    notebook.run_on(9)
    for text in (code, "Walkthrough Intermediate CA"):
        expect(notebook.output(9)).to_contain_text(text)
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")


def test_04_the_proof_is_sent_and_the_ca_is_verified(page: Page, lab: Lab) -> None:
    ready_for("04_verify_ca", lab.workspace)
    notebook = NotebookPage.open(page, lab, "04_verify_ca")
    notebook.run(0, 3)
    form = notebook.form()
    expect(form.field("Done in the portal")).to_be_hidden()
    expect(form.box.get_by_text("There is nothing to fill in here. Run the next cell.")).to_be_visible()
    notebook.run_on(4)
    expect(notebook.output(4)).to_contain_text("registered as “walkthrough-ca”, VERIFIED")
    assert dps_of(lab).certificates.get("walkthrough-ca").verified
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")


def test_05_the_group_has_the_name_and_the_policy_that_were_chosen(page: Page, lab: Lab) -> None:
    ready_for("05_create_enrollment_group", lab.workspace)
    hub = dps_of(lab).describe().iot_hubs[-1]
    notebook = NotebookPage.open(page, lab, "05_create_enrollment_group")
    notebook.run(0, 4)
    form = notebook.form()
    form.type("Group's name", "contoso-pumps")
    expect(form.field("Webhook")).to_be_hidden()
    form.choose("Hub chosen by", "custom")
    expect(form.field("Webhook")).to_be_visible()
    expect(form.alerts).to_have_count(0)
    key = secrets.token_hex(8)
    form.field("Webhook").fill(f"https://chooser.example/api?code={key}")  # as a person pastes it
    form.field("Webhook").press("Tab")
    expect(form.field("Webhook")).to_have_value("https://chooser.example/api?code=…")
    expect(form.reason("Webhook")).to_contain_text("must not hold a key")
    form.type("Webhook", "https://chooser.example/api")
    expect(form.reason("Webhook")).to_have_count(0)
    form.type("Webhook's key", key)
    expect(form.field("Webhook's key")).to_have_value("")
    form.choose("Hub chosen by", "static")
    expect(form.field("Webhook")).to_be_hidden()
    expect(notebook.run_in_vain(5)).to_contain_text("exactly one hub")
    expect(form.reason("Hubs to choose from")).to_contain_text("exactly one hub")
    form.choose("Hubs to choose from", hub)
    expect(form.reason("Hubs to choose from")).to_have_count(0)
    notebook.run_on(5)
    for text in ("contoso-pumps", hub):
        expect(notebook.output(5)).to_contain_text(text)
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")
    notebook.save()
    assert [file for file in lab.root.rglob("*") if file.is_file() and key.encode() in file.read_bytes()] == []
    group = dps_of(lab).enrollment_groups.get("contoso-pumps")
    assert (group.allocation_policy, group.iot_hubs) == (AllocationPolicy.STATIC, (hub,))


def test_06_the_device_and_its_fleet_have_the_names_and_the_number_that_were_typed(page: Page, lab: Lab) -> None:
    ready_for("06_provision_devices", lab.workspace)
    notebook = NotebookPage.open(page, lab, "06_provision_devices")
    notebook.run(0, 3)
    form = notebook.form()
    form.type("Registration id", "valve-7")
    form.type("Devices in the fleet", "3")
    notebook.run_on(4)
    for text in ("valve-7", "Walkthrough Intermediate CA"):
        expect(notebook.output(4)).to_contain_text(text)
    expect(notebook.output(8)).to_contain_text("valve-7")
    expect(notebook.output(12)).to_contain_text("valve-7-003")
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")
    records = dps_of(lab).devices.records("walkthrough-devices")
    assert {each.registration_id for each in records} == {"valve-7", "valve-7-001", "valve-7-002", "valve-7-003"}


def test_07_the_named_device_is_revoked_and_the_next_ca_has_its_name(page: Page, lab: Lab) -> None:
    ready_for("07_when_access_ends", lab.workspace)
    notebook = NotebookPage.open(page, lab, "07_when_access_ends")
    notebook.run(0, 3)
    form = notebook.form()
    form.type("Device to revoke", "valve-7")
    form.type("Next CA's name", "Contoso Next")
    notebook.run_on(4)
    for text in ("Before", "valve-7", "assigned to"):
        expect(notebook.output(4)).to_contain_text(text)
    for text in ("One device is revoked", "valve-7", "issuer “Walkthrough Intermediate CA”", "rejected"):
        expect(notebook.output(6)).to_contain_text(text)
    expect(notebook.output(14)).to_contain_text("Contoso Next")
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")


def test_08_the_learners_function_is_judged_diagnosed_and_at_last_decides_as_dps(page: Page, lab: Lab) -> None:
    ready_for("01_create_ca", lab.workspace)
    notebook = NotebookPage.open(page, lab, "08_you_are_dps")
    notebook.run(0, 4)
    expect(notebook.output(3)).to_contain_text("Exhibit 1")
    expect(notebook.output(4)).to_contain_text("10 of 28 right")
    exercise, judged, compared, revealed = 8, 9, 10, 11
    solution = (PROJECT / "notebooks" / "solutions" / "08_you_are_dps.py").read_text()
    notebook.write(exercise, solution.replace("names == [code] and ", ""))
    notebook.run(exercise, compared)
    expect(notebook.output(exercise)).to_contain_text("23 of 28 right. It ignores the code.")
    headings = notebook.output(compared).get_by_role("heading")
    expect(headings).to_have_text(["23 of 28 right", "It ignores the code not as DPS"])
    notebook.write(exercise, solution)
    notebook.run_on(exercise)
    expect(notebook.output(exercise)).to_contain_text("Solved.")
    expect(notebook.output(judged)).to_contain_text("28 of 28 right")
    exhibit = notebook.output(revealed).locator("summary").filter(has_text="Another CA of the same name")
    expect(exhibit).to_contain_text("you reject")
    exhibit.click()
    expect(notebook.output(revealed).get_by_text("Names prove nothing")).to_be_visible()
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")


def test_the_clean_up_removes_everything_created_and_the_keys_only_if_the_box_is_ticked(page: Page, lab: Lab) -> None:
    workspace = ready_for("06_provision_devices", lab.workspace)
    notebook = NotebookPage.open(page, lab, "11_clean_up")
    notebook.run(0, 3)
    for text in ("The enrollment group “walkthrough-devices” is deleted.", "The local DPS is stopped."):
        expect(notebook.output(3)).to_contain_text(text)
    expect(notebook.output(3)).not_to_contain_text("key.pem")
    assert workspace.authority_roles() == ["root", "intermediate"]
    notebook.form().field("Delete keys and certificates here, too").check()
    notebook.run_on(3)
    for text in ("root.key.pem is deleted here.", "intermediate.key.pem is deleted here."):
        expect(notebook.output(3)).to_contain_text(text)
    assert list((lab.workspace / "ca").iterdir()) == []
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")


def test_a_form_fits_its_width_and_keeps_its_height_when_a_passphrase_is_taken(page: Page, lab: Lab) -> None:
    """The form's help changes when the field is left; the cell below must not move while the mouse button is down on it."""
    notebook = NotebookPage.open(page, lab, "01_create_ca")
    notebook.run(0, 1)
    for width in (1400, 1000, 700):
        page.set_viewport_size({"width": width, "height": 1000})
        notebook.run(6, 6)
        form = notebook.form()
        form.choose("Key type", "RSA")
        expect(form.field("RSA size in bits")).to_be_visible()
        assert form.box.evaluate(_DOES_NOT_FIT) == [], width
        help_text = form.box.locator(".dps-help[role=status]")
        expect(help_text).to_contain_text("Encrypts")
        before = form.box.bounding_box()
        assert before is not None
        form.type("Passphrase", "open sesame")
        expect(help_text).to_contain_text("Accepted")
        after = form.box.bounding_box()
        assert after is not None
        assert after["height"] == before["height"], width


# Everything that extends beyond the form's right edge, and each control that overlaps the help below it.
_DOES_NOT_FIT = """form => {
    const right = form.getBoundingClientRect().right;
    const shown = [...form.querySelectorAll('input, select, button, .dps-help, .dps-drop')].filter(each => each.offsetParent);
    const wide = shown.filter(each => each.getBoundingClientRect().right > right + 1);
    const covered = shown.filter((each, n) => each.matches('.dps-help')
        && shown[n - 1].getBoundingClientRect().bottom > each.getBoundingClientRect().top + 6);
    return [...wide, ...covered].map(each => each.outerHTML);
}"""


def test_the_next_cell_takes_what_the_field_shows_although_the_kernel_was_busy_while_it_was_typed(
    page: Page, lab: Lab
) -> None:
    """A widget sends its first change at once, and holds back the others until the kernel is free, so a cell would overtake
    them."""
    workspace = ready_for("02_upload_ca", lab.workspace)
    notebook = NotebookPage.open(page, lab, "02_upload_ca")
    notebook.run(0, 4)
    notebook.keep_busy(seconds=3)
    notebook.form().type("Name at DPS", "contoso-ca")
    notebook.run(5, 5)
    expect(notebook.output(5)).to_contain_text("registered as “contoso-ca”")
    assert workspace.facts.certificate_name == "contoso-ca"
