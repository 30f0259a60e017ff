"""A typed passphrase encrypts the keys, and cannot be found anywhere afterwards."""

import json
import secrets

from playwright.sync_api import Page, expect

from tests.browser.lab import Lab, NotebookPage


def test_a_passphrase_encrypts_the_keys_and_is_in_no_file(page: Page, lab: Lab) -> None:
    notebook = NotebookPage.open(page, lab, "01_create_ca")
    notebook.run(0, 6)
    form = notebook.form()
    typed, passphrase = f"Root {secrets.token_hex(8)}", f"open {secrets.token_hex(8)}"
    form.type("Root's name", typed)
    form.type("Passphrase", passphrase)
    expect(form.field("Passphrase")).to_have_value("")
    expect(form.box.get_by_text("Accepted and removed from this field")).to_be_visible()
    notebook.run_on(7)  # the checkpoint opens the keys with it
    expect(notebook.output(-1)).to_contain_text("Checkpoint reached")
    keys = sorted((lab.workspace / "ca").glob("*.key.pem"))
    assert [each.name for each in keys] == ["intermediate.key.pem", "root.key.pem"]
    assert all(b"BEGIN ENCRYPTED PRIVATE KEY" in each.read_bytes() for each in keys)
    notebook.save()
    saved = json.loads(notebook.file.read_text())
    states = saved["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    assert typed in [each["state"].get("value") for each in states], "what other fields hold is saved"
    everything = {file: file.read_bytes() for file in lab.root.rglob("*") if file.is_file()}
    assert [file for file, content in everything.items() if typed.encode() in content], "the search finds what is there"
    assert [file for file, content in everything.items() if passphrase.encode() in content] == []
