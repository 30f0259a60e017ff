"""CAs created here and CAs brought along; no service is needed to have one."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from helpers import lesson
from helpers.certificates import KeyAlgorithm, describe
from helpers.dps import ProvisioningService
from helpers.lesson.forms.values import CreateCa
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.crafting import PAST, Crafted, issue

SECRET = "open sesame"


def bring(
    folder: Path, own: Crafted, *, key_of: Crafted | None = None, passphrase: str | None = None, name: str = "own"
) -> CreateCa:
    """The CA as two files, and the inputs that point to them."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(own.certificate_file)
    locked = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    private = (key_of or own).private_key
    key.write_bytes(
        private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, locked)
    )
    return CreateCa(own_ca_certificate=str(certificate), own_ca_key=str(key))


def files(workspace: Workspace) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (workspace.folder / "ca").glob("*")}


def verify(workspace: Workspace, dps: ProvisioningService, name: str, role: str) -> bool:
    lesson.choose_target(workspace, lesson.StartHere())
    lesson.register_authority(workspace, dps, lesson.UploadCa(register_ca=role, certificate_name=name))
    lesson.ask_for_code(workspace, dps, lesson.AskForCode())
    lesson.sign_kept_code(workspace, None)
    return lesson.verify_with_kept_proof(workspace, dps, lesson.VerifyCa()).verified


def test_new_cas_are_called_and_made_as_asked(workspace: Workspace) -> None:
    inputs = CreateCa(root_name="R", intermediate_name="I", key_type="EC", curve="P-384", lifetime_days=30)
    made = [describe(each.certificate) for each in lesson.create_authorities(workspace, inputs, None).values()]
    assert [(each.common_name, each.issuer, each.key) for each in made] == [
        ("R", "CN=R", "P-384"),
        ("I", "CN=R", "P-384"),
    ]
    assert all((each.not_after - each.not_before).days == 30 for each in made)


def test_keys_are_encrypted_with_the_passphrase_and_for_the_owner_alone(workspace: Workspace) -> None:
    lesson.create_authorities(workspace, CreateCa(), SECRET)
    keys = list((workspace.folder / "ca").glob("*.key.pem"))
    assert len(keys) == 2
    assert all(b"ENCRYPTED" in key.read_bytes() and key.stat().st_mode & 0o777 == 0o600 for key in keys)
    assert len(lesson.create_authorities(workspace, CreateCa(), SECRET)) == 2


@pytest.mark.parametrize("passphrase", [None, "close sesame"])
def test_the_passphrase_is_needed_again_and_nothing_is_lost_without_it(
    workspace: Workspace, passphrase: str | None
) -> None:
    lesson.create_authorities(workspace, CreateCa(), SECRET)
    before = files(workspace)
    with pytest.raises(Problem):
        lesson.create_authorities(workspace, CreateCa(), passphrase)
    assert files(workspace) == before


@pytest.mark.parametrize("changes", [{"root_name": ""}, {"intermediate_name": "x" * 65}])
def test_a_name_that_no_certificate_can_have_leaves_no_file(workspace: Workspace, changes: dict[str, str]) -> None:
    (name,) = changes
    with pytest.raises(Problem, match=f"{name} is invalid"):
        lesson.create_ca_form(workspace, **changes).result()
    assert files(workspace) == {}


@pytest.mark.parametrize(
    ("fields", "algorithm"),
    [
        ({}, KeyAlgorithm.P256),
        ({"curve": "P-384", "rsa_bits": 4096}, KeyAlgorithm.P384),
        ({"key_type": "RSA", "curve": "P-384"}, KeyAlgorithm.RSA2048),
        ({"key_type": "RSA", "rsa_bits": 3072}, KeyAlgorithm.RSA3072),
        ({"key_type": "RSA", "rsa_bits": 4096}, KeyAlgorithm.RSA4096),
    ],
)
def test_the_key_is_of_the_type_and_of_that_types_size(fields: dict[str, Any], algorithm: KeyAlgorithm) -> None:
    assert CreateCa(**fields).key_algorithm is algorithm


@pytest.mark.parametrize("path_length", [1, None])
def test_an_own_root_gets_an_intermediate_below_it(
    workspace: Workspace, tmp_path: Path, path_length: int | None
) -> None:
    own = issue("Own Root", ca=True, path_length=path_length)
    made = lesson.create_authorities(workspace, bring(tmp_path, own), None)
    assert made["root"].certificate == own.certificate
    made["intermediate"].certificate.verify_directly_issued_by(own.certificate)


def test_an_own_root_with_path_length_0_stands_alone_and_is_what_can_be_registered(
    workspace: Workspace, dps: ProvisioningService, tmp_path: Path, name: str
) -> None:
    inputs = bring(tmp_path, issue("Own Root", ca=True, path_length=0))
    assert list(lesson.create_authorities(workspace, inputs, None)) == ["root"]
    with pytest.raises(Problem) as caught:
        verify(workspace, dps, name, "intermediate")
    assert caught.value.next_step == "Set register_ca to root."
    assert verify(workspace, dps, name, "root")


def test_an_own_intermediate_takes_the_intermediates_place(
    workspace: Workspace, dps: ProvisioningService, tmp_path: Path, name: str
) -> None:
    own = issue("Own Intermediate", issuer=issue("Far Root", ca=True), ca=True, path_length=0)
    made = lesson.create_authorities(workspace, bring(tmp_path, own), None)
    assert {role: each.certificate for role, each in made.items()} == {"intermediate": own.certificate}
    with pytest.raises(Problem) as caught:
        verify(workspace, dps, name, "root")
    assert caught.value.next_step == "Set register_ca to intermediate."
    assert verify(workspace, dps, name, "intermediate")


@pytest.mark.parametrize(
    "own",
    [
        issue("Own Root", ca=True),
        issue("Own Root", ca=True, path_length=0),
        issue("Own Intermediate", issuer=issue("Far Root", ca=True), ca=True),
    ],
    ids=["root", "root alone", "intermediate"],
)
def test_an_own_ca_brought_twice_changes_nothing(workspace: Workspace, tmp_path: Path, own: Crafted) -> None:
    inputs = bring(tmp_path, own)
    first, before = lesson.create_authorities(workspace, inputs, None), files(workspace)
    second = lesson.create_authorities(workspace, inputs, None)
    assert {role: each.certificate for role, each in second.items()} == {
        role: each.certificate for role, each in first.items()
    }
    assert files(workspace) == before


def test_an_own_encrypted_key_is_opened_with_its_passphrase_and_kept_encrypted(
    workspace: Workspace, tmp_path: Path
) -> None:
    inputs = bring(tmp_path, issue("Own Root", ca=True), passphrase=SECRET)
    assert list(lesson.create_authorities(workspace, inputs, SECRET)) == ["root", "intermediate"]
    assert all(b"ENCRYPTED" in pem for name, pem in files(workspace).items() if name.endswith(".key.pem"))


def test_a_passphrase_encrypts_what_is_kept_of_an_own_ca_whose_key_is_not_encrypted(
    workspace: Workspace, tmp_path: Path
) -> None:
    lesson.create_authorities(workspace, bring(tmp_path, issue("Own Root", ca=True)), SECRET)
    keys = [pem for name, pem in files(workspace).items() if name.endswith(".key.pem")]
    assert [b"ENCRYPTED" in pem for pem in keys] == [True, True]
    lesson.create_authorities(workspace, CreateCa(), SECRET)


@pytest.mark.parametrize("passphrase", [None, "close sesame"])
def test_an_own_encrypted_key_stays_shut_without_its_passphrase(
    workspace: Workspace, tmp_path: Path, passphrase: str | None
) -> None:
    inputs = bring(tmp_path, issue("Own Root", ca=True), passphrase=SECRET)
    with pytest.raises(Problem, match=r"own\.key") as caught:
        lesson.create_authorities(workspace, inputs, passphrase)
    assert "passphrase" in str(caught.value)
    assert ("CA_PASSPHRASE" in caught.value.next_step) is (passphrase is None), "where to give it, if none was given"
    assert files(workspace) == {}


def test_each_form_that_asks_for_the_passphrase_says_why(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CA_PASSPHRASE", raising=False)
    for form in (lesson.create_ca_form(workspace), lesson.sign_form(workspace)):
        assert form.secret is not None
        assert "It is never stored, so each notebook asks for it." in form.secret._help.value


def test_an_own_encrypted_key_is_opened_with_the_passphrase_of_the_environment(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CA_PASSPHRASE", SECRET)
    inputs = bring(tmp_path, issue("Own Root", ca=True), passphrase=SECRET)
    assert list(lesson.create_authorities(workspace, inputs, None)) == ["root", "intermediate"]


def test_an_intermediate_is_not_called_as_an_own_root(workspace: Workspace, tmp_path: Path) -> None:
    inputs = bring(tmp_path, issue("Walkthrough Intermediate CA", ca=True))
    with pytest.raises(Problem, match="can't be called “Walkthrough Intermediate CA”"):
        lesson.create_authorities(workspace, inputs, None)
    assert files(workspace) == {}


def test_a_key_of_another_certificate_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    inputs = bring(tmp_path, issue("Own Root", ca=True), key_of=issue("Other", ca=True))
    with pytest.raises(Problem, match="does not belong"):
        lesson.create_authorities(workspace, inputs, None)
    assert files(workspace) == {}


@pytest.mark.parametrize(
    ("own", "says"),
    [
        (issue("A Device", issuer=issue("Root", ca=True)), "not a CA certificate"),
        (issue("Old Root", ca=True, life=PAST), "has expired"),
    ],
    ids=["device", "expired"],
)
def test_what_can_not_sign_is_refused(workspace: Workspace, tmp_path: Path, own: Crafted, says: str) -> None:
    with pytest.raises(Problem, match=says):
        lesson.create_authorities(workspace, bring(tmp_path, own), None)
    assert files(workspace) == {}


@pytest.mark.parametrize("left_out", ["own_ca_certificate", "own_ca_key"])
def test_half_of_an_own_ca_is_refused_in_words(workspace: Workspace, tmp_path: Path, left_out: str) -> None:
    inputs = bring(tmp_path, issue("Own Root", ca=True)).model_copy(update={left_out: ""})
    with pytest.raises(Problem):
        lesson.create_authorities(workspace, inputs, None)
    assert files(workspace) == {}


def test_an_own_ca_that_comes_after_others_were_made_is_not_silently_ignored(
    workspace: Workspace, tmp_path: Path
) -> None:
    lesson.create_authorities(workspace, CreateCa(), None)
    before = files(workspace)
    with pytest.raises(Problem):
        lesson.create_authorities(workspace, bring(tmp_path, issue("Own Root", ca=True)), None)
    assert files(workspace) == before


@pytest.mark.parametrize("whose", ["new", "own"])
@pytest.mark.parametrize(
    "lost",
    [
        ["root.cer", "intermediate.*"],
        ["intermediate.*"],
        ["intermediate.pem", "intermediate.cer"],
        ["intermediate.cer"],
    ],
    ids=["in the root's files", "between the two", "after the intermediate's key", "before the last file"],
)
def test_what_an_interruption_left_out_is_made_up_for_and_the_root_stays(
    workspace: Workspace, tmp_path: Path, whose: str, lost: list[str]
) -> None:
    inputs = CreateCa() if whose == "new" else bring(tmp_path, issue("Own Root", ca=True))
    root = lesson.create_authorities(workspace, inputs, None)["root"].certificate
    for file in [file for pattern in lost for file in (workspace.folder / "ca").glob(pattern)]:
        file.unlink()
    made = lesson.create_authorities(workspace, inputs, None)
    assert made["root"].certificate == root
    made["intermediate"].certificate.verify_directly_issued_by(root)
    assert workspace.public_part("root").exists()
    assert workspace.public_part("intermediate").exists()


def test_the_button_says_what_it_will_do_where_there_are_cas_already(workspace: Workspace) -> None:
    first = lesson.create_ca_form(workspace)
    assert "[Create the CAs]" in repr(first)
    first._button.click()
    assert "Created" in first._outcome.value
    again = lesson.create_ca_form(workspace)
    assert "[Open the CAs of this workspace]" in repr(again)
    again._button.click()
    assert "what the form says was not needed" in again._outcome.value


def test_one_file_of_an_own_ca_is_not_enough(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(issue("Own Root", ca=True).certificate_file)
    inputs = lesson.CreateCa(own_ca_certificate=str(tmp_path / "ca.pem"))
    with pytest.raises(Problem, match="own_ca_key is missing"):
        lesson.create_authorities(lesson.Workspace(tmp_path / "w"), inputs, None)
