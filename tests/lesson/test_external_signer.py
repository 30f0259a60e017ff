"""Somebody else signs the code: the notebook writes a request, and stores what comes back once it is good."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from helpers import lesson
from helpers.certificates import certificate_pem, read_certificates
from helpers.dps import ProvisioningService
from helpers.lesson import YourTurn
from helpers.lesson.targets import Portal
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests import openssl
from tests.crafting import PAST, Crafted, issue
from tests.lesson.cells import Notebook, walk
from tests.lesson.dropping import drop
from tests.modes import has_mode

SIGNS = "walkthrough.signer"


@pytest.fixture
def coded(workspace: Workspace, name: str) -> Notebook:
    """Notebook 03 above the cell that signs, with somebody else as the signer."""
    walk(workspace, name, last="02")
    notebook = Notebook("03", workspace, signed_by="somebody else")
    notebook.call(until=SIGNS)
    return notebook


def asked(notebook: Notebook) -> YourTurn:
    with pytest.raises(YourTurn) as caught:
        notebook.cell(SIGNS)
    return caught.value


def run_the_command_of(turn: YourTurn, folder: Path) -> Path:
    """Run the OpenSSL command of the checklist, with the key that it names, and return the file that it writes."""
    (step,) = (each for each in turn.checklist.steps if "openssl x509" in each)
    command, key = re.findall("`(.+?)`", step)
    program, *arguments = shlex.split(command.replace("KEY", key))
    signed = folder / "signed.pem"
    openssl.run(*(str(signed) if each == signed.name else each for each in arguments))
    assert program == "openssl"
    return signed


def test_the_checklists_own_command_leads_to_verified(
    workspace: Workspace, coded: Notebook, dps: ProvisioningService, name: str, tmp_path: Path
) -> None:
    turn = asked(coded)
    request = workspace.request_file.read_bytes()
    assert openssl.verify_request(request).accepted
    coded.type_in(signed_certificate=str(run_the_command_of(turn, tmp_path)))
    coded.cell(SIGNS)
    assert coded.proof.code == coded.code == workspace.facts.verification_code
    assert coded.proof.certificate.public_key() == x509.load_pem_x509_csr(request).public_key()
    assert coded.walkthrough.examine_proof().passed
    Notebook("04", workspace).call()
    assert dps.certificates.get(name).verified


def test_a_headless_run_stops_at_the_request_and_goes_on_with_the_file(
    workspace: Workspace, coded: Notebook, tmp_path: Path
) -> None:
    signed = run_the_command_of(asked(coded), tmp_path)
    again = Notebook("03", workspace, signed_by="somebody else", signed_certificate=str(signed))
    again.run()
    assert certificate_pem(again.proof.certificate) == signed.read_bytes()
    signed.unlink()
    Notebook("03", workspace).run()
    assert certificate_pem(again.walkthrough.stored("proof").certificate) == workspace.proof_file.read_bytes()


def test_the_checklist_offers_the_request_and_says_why_and_what_then(workspace: Workspace, coded: Notebook) -> None:
    turn = asked(coded)
    assert "in the portal" not in str(turn)
    assert "does not use the CA's private key" in turn.why
    assert "“Signed certificate”" in turn.next_step
    (file,) = turn.checklist.files.values()
    assert file.public_bytes(Encoding.PEM) == workspace.request_file.read_bytes()
    for shown in (turn._repr_html_(), turn.checklist.text()):
        for part in ("request.csr", "openssl x509 -req", "Walkthrough Intermediate CA", "az keyvault key sign"):
            assert part in shown
        assert "`" not in shown
    assert "<code>openssl x509 -req -in &#34;" in turn._repr_html_()
    assert "data:application/pkcs10;base64," in turn._repr_html_()


def test_the_request_is_not_secret_and_no_private_key_is_written_for_it(workspace: Workspace, coded: Notebook) -> None:
    before = {file for file in workspace.folder.rglob("*") if file.is_file()}
    asked(coded)
    assert {file for file in workspace.folder.rglob("*") if file.is_file()} - before == {workspace.request_file}
    assert has_mode(workspace.request_file, 0o644)
    assert b"PRIVATE KEY" not in workspace.request_file.read_bytes()


def test_the_cas_key_is_not_opened(workspace: Workspace, coded: Notebook) -> None:
    workspace.folder.joinpath("ca", "intermediate.key.pem").write_text("in an HSM")
    asked(coded)


def crafted(authority: Any) -> Crafted:
    return Crafted(authority.certificate, authority.private_key)


@pytest.mark.parametrize("kind", ["another signer", "another code", "expired", "the request"])
def test_a_wrong_certificate_is_explained_and_not_stored(
    workspace: Workspace, coded: Notebook, tmp_path: Path, kind: str
) -> None:
    asked(coded)
    ca, code = crafted(coded.walkthrough.authority("intermediate")), coded.code
    content, why = {
        "another signer": (issue(code, issuer=crafted(coded.walkthrough.authority("root"))).der, "the CA above"),
        "another code": (issue("AB" * 24, issuer=ca).der, "not the newest code"),
        "expired": (issue(code, issuer=ca, life=PAST).der, "Expired"),
        "the request": (workspace.request_file.read_bytes(), "It is the request"),
    }[kind]
    back = tmp_path / "back.cer"
    back.write_bytes(content)
    coded.type_in(signed_certificate=str(back))
    with pytest.raises(Problem, match=r"back\.cer was not accepted") as caught:
        coded.cell(SIGNS)
    assert why in caught.value.why
    assert "“Signed certificate”" in caught.value.next_step
    assert not workspace.proof_file.exists()


def test_a_dropped_certificate_is_stored_as_the_proof_and_its_copy_is_deleted(
    workspace: Workspace, coded: Notebook, tmp_path: Path
) -> None:
    signed = run_the_command_of(asked(coded), tmp_path).read_bytes()
    assert drop(coded.form, "signed_certificate", "signed.pem", signed) == "signed.pem was accepted."
    coded.cell(SIGNS)
    assert read_certificates(workspace.proof_file.read_bytes(), "") == read_certificates(signed, "")
    assert not (workspace.folder / "dropped").exists()
    coded.cell(SIGNS)


@pytest.mark.parametrize("content", ["the request", "with a private key"])
def test_a_file_that_is_not_a_certificate_alone_is_not_kept(
    workspace: Workspace, coded: Notebook, content: str
) -> None:
    asked(coded)
    device = issue("pump-1")
    dropped = (
        workspace.request_file.read_bytes() if content == "the request" else device.certificate_file + device.key_file
    )
    assert "was accepted" not in drop(coded.form, "signed_certificate", "signed.pem", dropped)
    assert not (workspace.folder / "dropped").exists()


def test_a_new_code_deletes_the_request_for_the_old_one(workspace: Workspace, coded: Notebook) -> None:
    asked(coded)
    coded.walkthrough.store("code", "AB" * 24)
    assert not workspace.request_file.exists()


@pytest.mark.parametrize("passphrase", ["", "correct horse"])
def test_the_passphrase_is_asked_for_only_if_this_notebook_signs_with_an_encrypted_key(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, name: str, passphrase: str
) -> None:
    monkeypatch.setenv("CA_PASSPHRASE", passphrase)
    walk(workspace, name, last="02")
    notebook = Notebook("03", workspace, signed_by="somebody else")
    notebook.call(until=SIGNS)
    assert not notebook.form.secret.is_shown
    notebook.type_in(signed_by="this notebook")
    assert notebook.form.secret.is_shown is bool(passphrase)


def test_with_the_portal_somebody_else_can_sign_too(workspace: Workspace, tmp_path: Path) -> None:
    Notebook("00", workspace, target="portal", provisioning_service="my-dps", id_scope="0ne00112233").call()
    Notebook("01", workspace).call()
    Notebook("02", workspace, done_in_portal=True).call()
    notebook = Notebook("03", workspace, verification_code="AB" * 24, signed_by="somebody else")
    notebook.call(until=SIGNS)
    notebook.type_in(signed_certificate=str(run_the_command_of(asked(notebook), tmp_path)))
    notebook.cell(SIGNS)
    assert isinstance(notebook.walkthrough.dps, Portal)
    assert notebook.walkthrough.examine_proof().passed


def test_without_a_registered_ca_it_names_the_notebook_to_run_first(workspace: Workspace) -> None:
    with pytest.raises(Problem) as caught:
        lesson.open(workspace.folder).signer(lesson.SignCode(signed_by="somebody else"))
    assert "02_upload_ca" in caught.value.next_step
