"""A learner brings a CA: its files are chosen or dropped, and the key goes only into the workspace."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import openssl
from tests.browser.lab import FormHand, Lab, NotebookPage
from tests.browser.prepared import ready_for
from tests.lesson.forms_of_notebooks import code_cells

PASSPHRASE = "correct horse battery staple"
Bring = Callable[[FormHand, str, Path], None]


def choose(form: FormHand, label: str, file: Path) -> None:
    """Choose a file in the browser's own dialog."""
    place_for(form, label).set_input_files(file)


def drop_on_the_control(form: FormHand, label: str, file: Path) -> None:
    drop(place_for(form, label), file)


def drop_on_the_words(form: FormHand, label: str, file: Path) -> None:
    """Drop the file on the words “drop it here”, inside the frame. Outside of a control, a browser opens the file in a new
    tab."""
    drop(form.box.locator(".dps-drop").filter(has_text=label), file, x=40)


def place_for(form: FormHand, label: str) -> Locator:
    return form.field(f"{label}: choose the file, or drop it here")


def drop(place: Locator, file: Path, *, x: int = 10) -> None:
    """Drag a file from the desktop: Chromium itself handles the file, as in a real drag, without an event made by a script."""
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box is not None
    where = {"x": box["x"] + x, "y": box["y"] + box["height"] / 2}
    dragged = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
    session = place.page.context.new_cdp_session(place.page)
    for moment in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": moment, **where, "data": dragged})
    session.detach()


@pytest.mark.parametrize(("bring", "bring_key"), [(choose, choose), (drop_on_the_words, drop_on_the_control)])
def test_an_own_ca_is_read_from_its_two_files_and_its_key_is_never_shown(
    page: Page, lab: Lab, tmp_path: Path, bring: Bring, bring_key: Bring
) -> None:
    own = openssl.make_encrypted_root(tmp_path, PASSPHRASE)
    certificate, key = own.certificate, own.private_key
    notebook = NotebookPage.open(page, lab, "01_create_ca")
    notebook.run(0, 6)
    form = notebook.form()
    dropped = lab.workspace / "dropped"
    expect(form.field("Its private key")).to_be_hidden()
    bring(form, "Your own CA", certificate)
    expect(form.field("Your own CA")).to_have_value(str(dropped / "own_ca_certificate" / "own.pem"))
    expect(form.box.get_by_text("own.pem was accepted.")).to_be_visible()
    expect(form.field("Its private key")).to_be_visible()
    expect(form.alerts).to_have_count(0)
    expect(notebook.run_in_vain(7)).to_contain_text("two files")
    expect(form.reason("Its private key")).to_contain_text("two files")
    bring_key(form, "Its private key", key)
    expect(form.field("Its private key")).to_have_value(str(dropped / "own_ca_key" / key.name))
    expect(form.reason("Its private key")).to_have_count(0)
    kept = {
        file.name: (file.read_bytes(), file.stat().st_mode & 0o777) for file in dropped.rglob("*") if file.is_file()
    }
    assert kept == {
        certificate.name: (certificate.read_bytes(), 0o600),
        key.name: (key.read_bytes(), 0o600),
    }
    form.type("Passphrase", PASSPHRASE)
    notebook.run_on(7)
    expect(notebook.output(7)).to_contain_text("Own Root")
    expect(notebook.output(8)).to_contain_text("Walkthrough Intermediate CA")
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")
    notebook.save()
    secret = key.read_bytes().splitlines()[5]  # a line of base64 that is in no other file
    assert len(secret) == 64
    assert any(secret in message for message in notebook.sent), "it went to the kernel"
    assert not any(secret in message for message in notebook.told), "nothing of it came back"
    files = [file for file in lab.root.rglob("*") if file.is_file() and secret in file.read_bytes()]
    assert files == [], "the workspace's copy of the key is encrypted again, and the dropped file is deleted"
    assert not dropped.exists()
    assert PASSPHRASE.encode() not in notebook.file.read_bytes()


def test_a_file_that_is_too_large_is_not_accepted(page: Page, lab: Lab, tmp_path: Path) -> None:
    film = tmp_path / "film.pem"
    film.write_bytes(bytes((1 << 20) + 1))
    notebook = NotebookPage.open(page, lab, "01_create_ca")
    notebook.run(0, 6)
    form = notebook.form()
    choose(form, "Your own CA", film)
    expect(form.box.get_by_text("film.pem was not accepted")).to_be_visible()
    expect(form.field("Your own CA")).to_have_value("")
    assert not any(b"film.pem" in message for message in notebook.sent), "it is not even sent"
    assert not (lab.workspace / "dropped").exists()


def test_a_certificate_that_somebody_else_signed_is_dropped_and_becomes_the_proof(
    page: Page, lab: Lab, tmp_path: Path
) -> None:
    workspace = ready_for("03_sign_verification_code", lab.workspace)
    stem = "03_sign_verification_code"
    asks, signs = (
        next(at for at, cell in enumerate(code_cells(stem)) if call in cell.source)
        for call in ("walkthrough.form(", "walkthrough.signer(")
    )
    notebook = NotebookPage.open(page, lab, stem)
    notebook.run(0, asks)
    form = FormHand(notebook.forms.filter(has_text="Who signs"))
    expect(form.field("Signed certificate")).to_be_hidden()
    form.choose("Who signs", "somebody else")
    expect(form.field("Signed certificate")).to_be_visible()
    expect(form.field("Passphrase")).to_be_hidden()
    notebook.run(asks + 1, signs - 1)
    shown = notebook.run_in_vain(signs)
    for text in ("▶ have the request signed", "openssl x509 -req", "It is your turn: have the request signed."):
        expect(shown).to_contain_text(text)
    with page.expect_download() as download:
        shown.get_by_role("link", name="request.csr").click()
    assert download.value.path().read_bytes() == workspace.request_file.read_bytes()
    team = [workspace.folder / "ca" / f"intermediate{ending}" for ending in (".pem", ".key.pem")]
    signed = tmp_path / "signed.pem"
    signer = ("-CA", team[0], "-CAkey", team[1])
    signed.write_bytes(openssl.run("x509", "-req", "-in", download.value.path(), *signer, "-days", "3"))
    drop_on_the_words(form, "Signed certificate", signed)
    expect(form.box.get_by_text("signed.pem was accepted.")).to_be_visible()
    notebook.run(signs, signs)
    expect(notebook.output(signs)).to_contain_text(str(workspace.facts.verification_code))
    assert workspace.proof_file.read_bytes() == signed.read_bytes()
