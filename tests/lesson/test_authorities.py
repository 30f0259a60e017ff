"""01: CAs that the notebook creates, and CAs that the learner brings. No service is needed."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from helpers import lesson
from helpers.certificates import CertificateAuthority, KeyAlgorithm, describe
from helpers.dps import ProvisioningService
from helpers.lesson.forms.values import CreateCa
from helpers.problem import Problem
from helpers.workspace import Role, Workspace
from tests.crafting import PAST, Crafted, issue
from tests.lesson.cells import Notebook, walk
from tests.lesson.dropping import drop
from tests.modes import has_mode

SECRET = "open sesame"


@pytest.fixture(autouse=True)
def no_passphrase_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CA_PASSPHRASE", raising=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def bring(
    folder: Path, own: Crafted, *, key_of: Crafted | None = None, passphrase: str | None = None, name: str = "own"
) -> dict[str, str]:
    """Write the CA as two files, and return the parameters that point to them."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(own.certificate_file)
    key.write_bytes(key_pem(key_of or own, passphrase))
    return {"own_ca_certificate": str(certificate), "own_ca_key": str(key)}


def key_pem(own: Crafted, passphrase: str | None) -> bytes:
    locked = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    layout = serialization.PrivateFormat.TraditionalOpenSSL
    return own.private_key.private_bytes(serialization.Encoding.PEM, layout, locked)


def files(workspace: Workspace) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (workspace.folder / "ca").glob("*")}


def cas(workspace: Workspace) -> dict[Role, Any]:
    return {role: workspace.authority_certificate(role) for role in workspace.authority_roles()}


def create(workspace: Workspace, passphrase: str | None = None, **parameters: Any) -> Notebook:
    """Run 01 in a new kernel, with the passphrase typed into the form."""
    notebook = Notebook("01", workspace, **parameters)
    notebook.call(until="wanted = form.value")
    if passphrase:
        notebook.form.secret.control.value = passphrase
    notebook.cell("wanted = form.value")
    notebook.cell('"intermediate"')
    assert "✔" in repr(notebook.cell("checkpoint"))
    return notebook


def is_encrypted(workspace: Workspace) -> list[bool]:
    return [b"ENCRYPTED" in pem for name, pem in files(workspace).items() if name.endswith(".key.pem")]


# --- new ones ---


def test_new_cas_have_the_requested_names_and_keys(workspace: Workspace) -> None:
    asked = {"root_name": "R", "intermediate_name": "I", "curve": "P-384", "lifetime_days": 30}
    notebook = create(workspace, **asked)
    made = [describe(each.certificate) for each in (notebook.root, notebook.intermediate)]
    assert [(each.common_name, each.issuer, each.key) for each in made] == [
        ("R", "CN=R", "P-384"),
        ("I", "CN=R", "P-384"),
    ]
    assert all((each.not_after - each.not_before).days == 30 for each in made)
    assert cas(workspace) == {"root": notebook.root.certificate, "intermediate": notebook.intermediate.certificate}


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


def test_existing_cas_stay_whatever_the_form_says(workspace: Workspace) -> None:
    create(workspace)
    before = files(workspace)
    again = create(workspace, root_name="R", intermediate_name="I", key_type="RSA", lifetime_days=1)
    assert files(workspace) == before
    assert [field.name for field in again.form._fields] == ["own_ca_certificate"]
    shown = again.cell("walkthrough.authorities()")
    assert "Walkthrough Root CA" in repr(shown)


@pytest.mark.parametrize("changes", [{"root_name": ""}, {"intermediate_name": "x" * 65}, {"lifetime_days": 1.5}])
@pytest.mark.parametrize("how", ["as parameters", "typed in"])
def test_a_value_that_no_ca_can_have_is_named_and_leaves_no_file(
    workspace: Workspace, changes: dict[str, Any], how: str
) -> None:
    (name,) = changes
    notebook = Notebook("01", workspace, **(changes if how == "as parameters" else {}))
    run = notebook.call
    if how == "typed in":
        notebook.call(until="wanted = form.value")
        notebook.type_in(**{name: str(value) for name, value in changes.items()})
        run = lambda: notebook.cell("wanted = form.value")  # noqa: E731
    with pytest.raises(Problem, match=f"{name} is invalid"):
        run()
    assert files(workspace) == {}


# --- the passphrase ---


def test_keys_are_encrypted_with_the_passphrase_and_readable_by_the_owner_only(workspace: Workspace) -> None:
    create(workspace, SECRET)
    keys = list((workspace.folder / "ca").glob("*.key.pem"))
    assert len(keys) == 2
    assert all(b"ENCRYPTED" in key.read_bytes() and has_mode(key, 0o600) for key in keys)
    before = files(workspace)
    create(workspace, SECRET)
    assert files(workspace) == before


@pytest.mark.parametrize("passphrase", [None, "close sesame"])
def test_the_passphrase_is_needed_again_and_nothing_is_lost_without_it(
    workspace: Workspace, passphrase: str | None
) -> None:
    create(workspace, SECRET)
    before = files(workspace)
    with pytest.raises(Problem, match="could not be opened"):
        create(workspace, passphrase)
    assert files(workspace) == before


def test_the_passphrase_of_the_environment_is_accepted(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CA_PASSPHRASE", SECRET)
    create(workspace)
    assert is_encrypted(workspace) == [True, True]


def test_each_form_that_asks_for_the_passphrase_says_why(workspace: Workspace) -> None:
    walkthrough = lesson.open(workspace.folder)
    workspace.update(target="local")
    for model in (lesson.CreateCa, lesson.SignCode, lesson.ProvisionDevices, lesson.EndAccess, lesson.Completion):
        secret = walkthrough.form(model, {}).secret
        assert secret is not None
        assert "stored, so each notebook that needs it asks for it." in secret._help.value


def test_the_passphrase_opens_the_key_in_each_notebook_and_is_in_no_widget_and_no_file(
    workspace: Workspace, shared_folder: Path, dps: ProvisioningService, name: str
) -> None:
    workspace.local_dps_folder.symlink_to(shared_folder)
    walk(workspace, name, last="00")
    notebooks = [create(workspace, SECRET)]
    for number, opens in (
        ("02", "form.value"),
        ("03", "walkthrough.signer"),
        ("04", "examine_proof().require"),
        ("05", "form.value"),
        ("06", "signing_authority"),
        ("07", "two_devices"),
    ):
        notebook = Notebook(number, workspace, certificate_name=name, enrollment_group_id=name, registration_id=name)
        notebook.call(until=opens)
        if number in ("03", "06", "07"):
            notebook.form.secret.control.value = SECRET
        notebook.cell(opens)
        notebooks.append(notebook)
    forms = [each.form for each in notebooks]
    shown = str([(repr(form), form._repr_mimebundle_()) for form in forms]) + repr(notebooks[-1].walkthrough)
    held = [widget for form in forms for widget in widgets_in(form.box)]
    assert SECRET not in shown
    assert all(SECRET not in str(widget.get_state()) for widget in held)
    written = [file for file in workspace.folder.rglob("*") if file.is_file() and "local-dps" not in file.parts]
    assert len(written) > 5
    assert all(SECRET.encode() not in file.read_bytes() for file in written)


def widgets_in(widget: Any) -> list[Any]:
    return [widget, *(inner for child in getattr(widget, "children", ()) for inner in widgets_in(child))]


# --- one's own ---


@pytest.mark.parametrize("path_length", [1, None])
def test_an_own_root_gets_an_intermediate_below_it(
    workspace: Workspace, tmp_path: Path, path_length: int | None
) -> None:
    own = issue("Own Root", ca=True, path_length=path_length)
    notebook = create(workspace, **bring(tmp_path, own))
    assert cas(workspace)["root"] == notebook.root.certificate == own.certificate
    notebook.intermediate.certificate.verify_directly_issued_by(own.certificate)


OWN_INTERMEDIATE = issue("Own Intermediate", issuer=issue("Far Root", ca=True), ca=True, path_length=0)


@pytest.mark.parametrize(
    ("own", "place", "other"),
    [
        (issue("Own Root", ca=True, path_length=0), "root", "intermediate"),
        (OWN_INTERMEDIATE, "intermediate", "root"),
    ],
    ids=["root without room below it", "intermediate"],
)
def test_an_own_ca_without_a_ca_below_it_can_be_registered(
    workspace: Workspace,
    shared_folder: Path,
    dps: ProvisioningService,
    tmp_path: Path,
    name: str,
    own: Crafted,
    place: str,
    other: str,
) -> None:
    workspace.local_dps_folder.symlink_to(shared_folder)
    walk(workspace, name, last="00")
    notebook = create(workspace, **bring(tmp_path, own))
    assert cas(workspace) == {place: own.certificate}
    assert notebook.root.certificate == notebook.intermediate.certificate == own.certificate
    with pytest.raises(Problem) as caught:
        Notebook("02", workspace, certificate_name=name, register_ca=other).call()
    assert caught.value.next_step == f"Set register_ca to {place}."
    for number in ("02", "03", "04", "05"):
        Notebook(number, workspace, certificate_name=name, register_ca=place, enrollment_group_id=name).run()
    assert dps.certificates.get(name).verified
    in_06 = Notebook("06", workspace, registration_id=name, fleet_size=0)
    in_06.call(until="register_with_azure_sdk")
    assert in_06.dps.devices.register(in_06.device).status == "assigned"


@pytest.mark.parametrize(
    "own",
    [issue("Own Root", ca=True), issue("Own Root", ca=True, path_length=0), OWN_INTERMEDIATE],
    ids=["root", "root alone", "intermediate"],
)
def test_an_own_ca_brought_twice_changes_nothing(workspace: Workspace, tmp_path: Path, own: Crafted) -> None:
    given = bring(tmp_path, own)
    create(workspace, **given)
    before = files(workspace)
    create(workspace, **given)
    assert files(workspace) == before
    create(workspace)
    assert files(workspace) == before, "nor does it without its files"


def test_an_own_encrypted_key_is_opened_with_its_passphrase_and_stored_encrypted(
    workspace: Workspace, tmp_path: Path
) -> None:
    create(workspace, SECRET, **bring(tmp_path, issue("Own Root", ca=True), passphrase=SECRET))
    assert is_encrypted(workspace) == [True, True]


def test_a_passphrase_encrypts_an_own_ca_whose_key_is_not_encrypted(workspace: Workspace, tmp_path: Path) -> None:
    create(workspace, SECRET, **bring(tmp_path, issue("Own Root", ca=True)))
    assert is_encrypted(workspace) == [True, True]
    create(workspace, SECRET)


@pytest.mark.parametrize("passphrase", [None, "close sesame"])
def test_an_own_encrypted_key_is_not_opened_without_its_passphrase(
    workspace: Workspace, tmp_path: Path, passphrase: str | None
) -> None:
    given = bring(tmp_path, issue("Own Root", ca=True), passphrase=SECRET)
    with pytest.raises(Problem, match=r"own\.key") as caught:
        create(workspace, passphrase, **given)
    assert "passphrase" in str(caught.value)
    assert ("CA_PASSPHRASE" in caught.value.next_step) is (passphrase is None), "where to give it, if none was given"
    assert files(workspace) == {}


def test_an_own_encrypted_key_is_opened_with_the_passphrase_of_the_environment(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CA_PASSPHRASE", SECRET)
    create(workspace, **bring(tmp_path, issue("Own Root", ca=True), passphrase=SECRET))
    assert list(cas(workspace)) == ["root", "intermediate"]


@pytest.mark.parametrize("name", ["Walkthrough Intermediate CA", "WALKTHROUGH intermediate CA"])
def test_an_intermediate_does_not_get_the_name_of_an_own_root(workspace: Workspace, tmp_path: Path, name: str) -> None:
    given = bring(tmp_path, issue(name, ca=True))
    with pytest.raises(Problem, match="can't be called “Walkthrough Intermediate CA”") as caught:
        create(workspace, **given)
    assert "intermediate_name" in caught.value.next_step
    assert files(workspace) == {}
    create(workspace, intermediate_name="Another", **given)


def test_a_key_of_another_certificate_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="does not belong"):
        create(workspace, **bring(tmp_path, issue("Own Root", ca=True), key_of=issue("Other", ca=True)))
    assert files(workspace) == {}


@pytest.mark.parametrize(
    ("own", "says"),
    [
        (issue("A Device", issuer=issue("Root", ca=True)), "not a CA certificate"),
        (issue("Old Root", ca=True, life=PAST), "has expired"),
    ],
    ids=["device", "expired"],
)
def test_a_certificate_that_can_not_sign_is_refused(
    workspace: Workspace, tmp_path: Path, own: Crafted, says: str
) -> None:
    with pytest.raises(Problem, match=says):
        create(workspace, **bring(tmp_path, own))
    assert files(workspace) == {}


@pytest.mark.parametrize("left_out", ["own_ca_certificate", "own_ca_key"])
def test_half_of_an_own_ca_is_refused_in_words(workspace: Workspace, tmp_path: Path, left_out: str) -> None:
    given = bring(tmp_path, issue("Own Root", ca=True)) | {left_out: ""}
    with pytest.raises(Problem, match="own_ca_key"):
        create(workspace, **given)
    assert files(workspace) == {}


def test_an_own_ca_is_not_silently_ignored_where_cas_exist(workspace: Workspace, tmp_path: Path) -> None:
    create(workspace)
    before = files(workspace)
    with pytest.raises(Problem, match="“Own Root” was not accepted") as caught:
        create(workspace, **bring(tmp_path, issue("Own Root", ca=True)))
    assert "“Walkthrough Root CA”" in caught.value.why
    assert "11_clean_up" in caught.value.next_step
    assert files(workspace) == before


def test_an_own_ca_where_cas_exist_is_told_so_before_a_cell_is_run(workspace: Workspace, tmp_path: Path) -> None:
    create(workspace)
    own = issue("Own Root", ca=True)
    given = bring(tmp_path, own)
    says = "This workspace already has the CA “Walkthrough Root CA”. Leave the fields of your own CA empty, or run 11_clean_up"
    as_parameters, typed, dropped = (Notebook("01", workspace, **each) for each in (given, {}, {}))
    for notebook in (as_parameters, typed, dropped):
        notebook.call(until="wanted = form.value")
    assert "already has a CA, and keeps it" in typed.form._fields[0]._help.value
    assert typed.form._fields[0]._reason.value == ""
    typed.type_in(own_ca_certificate=given["own_ca_certificate"])
    drop(dropped.form, "own_ca_certificate", "own.pem", own.certificate_file)
    for notebook in (as_parameters, typed, dropped):
        (field,) = (each for each in notebook.form._fields if each.is_shown)
        assert says in field._reason.value
        with pytest.raises(Problem, match="“Own Root” was not accepted"):
            notebook.cell("wanted = form.value")
    typed.type_in(own_ca_certificate="")
    assert typed.form._fields[0]._reason.value == ""


def test_a_file_that_is_no_certificate_is_told_so_before_a_cell_is_run(workspace: Workspace) -> None:
    notebook = Notebook("01", workspace)
    notebook.call(until="wanted = form.value")
    notebook.type_in(own_ca_certificate=__file__)
    assert "neither PEM nor the DER" in notebook.form._fields[0]._reason.value


def test_a_home_folder_that_nobody_has_is_no_file(workspace: Workspace) -> None:
    notebook = Notebook("01", workspace)
    notebook.call(until="wanted = form.value")
    notebook.type_in(own_ca_certificate="~no-such-user/ca.pem")
    assert "There is no file" in notebook.form._fields[0]._reason.value


def test_a_choice_that_made_no_ca_is_not_remembered(workspace: Workspace) -> None:
    notebook = create(workspace, key_type="RSA", lifetime_days=30)
    notebook.type_in(key_type="EC", lifetime_days="60")
    notebook.cell("wanted = form.value")
    create(workspace, lifetime_days=90)
    chosen = lesson.open(workspace.folder).chosen(lesson.CreateCa)
    assert (chosen.key_algorithm, chosen.lifetime_days) == (KeyAlgorithm.RSA2048, 30)


# --- dropped on the form ---


@pytest.mark.parametrize("passphrase", [None, SECRET])
@pytest.mark.parametrize("own", [issue("Own Root", ca=True), OWN_INTERMEDIATE], ids=["root", "intermediate"])
def test_dropped_files_are_deleted_when_the_ca_is_stored(
    workspace: Workspace, own: Crafted, passphrase: str | None
) -> None:
    notebook = Notebook("01", workspace)
    notebook.call(until="wanted = form.value")
    drop(notebook.form, "own_ca_certificate", "own.pem", own.certificate_file)
    drop(notebook.form, "own_ca_key", "own.key", key_pem(own, passphrase))
    if passphrase:
        with pytest.raises(Problem, match="passphrase"):
            notebook.cell("wanted = form.value")
        assert len([each for each in (workspace.folder / "dropped").rglob("*") if each.is_file()]) == 2, (
            "for the next try"
        )
        notebook.form.secret.control.value = passphrase
    assert own.certificate == notebook.cell("wanted = form.value").certificate
    assert not (workspace.folder / "dropped").exists()
    assert own.certificate == notebook.cell("wanted = form.value").certificate, "and the cell can be run again"
    assert {field.value for field in notebook.form._fields if field.name.startswith("own")} == {""}
    notebook.cell('"intermediate"')
    assert "✔" in repr(notebook.cell("checkpoint"))


def test_an_own_ca_that_is_stored_already_leaves_no_dropped_files(workspace: Workspace, tmp_path: Path) -> None:
    own = issue("Own Root", ca=True)
    create(workspace, SECRET, **bring(tmp_path, own))
    again = Notebook("01", workspace)
    again.call(until="wanted = form.value")
    again.form.secret.control.value = SECRET
    drop(again.form, "own_ca_certificate", "own.pem", own.certificate_file)
    again.cell("wanted = form.value")
    assert not (workspace.folder / "dropped").exists()


# --- interrupted ---


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
def test_after_an_interruption_the_missing_ca_is_created_and_the_root_stays(
    workspace: Workspace, tmp_path: Path, whose: str, lost: list[str]
) -> None:
    given: dict[str, Any] = {"key_type": "RSA", "intermediate_name": "Mine"}
    given |= bring(tmp_path, issue("Own Root", ca=True)) if whose == "own" else {}
    root = create(workspace, **given).root.certificate
    for file in [file for pattern in lost for file in (workspace.folder / "ca").glob(pattern)]:
        file.unlink()
    again = create(workspace)  # the learner reopens the notebook, which remembers the choices
    assert again.root.certificate == root
    again.intermediate.certificate.verify_directly_issued_by(root)
    facts = describe(again.intermediate.certificate)
    assert (facts.common_name, facts.key) == ("Mine", "RSA-2048")
    assert all((workspace.folder / "ca" / f"{role}.cer").exists() for role in ("root", "intermediate"))


def test_after_an_interruption_an_own_root_gets_no_namesake(workspace: Workspace) -> None:
    workspace.save_authority("root", CertificateAuthority.create_root("Walkthrough Intermediate CA"))
    with pytest.raises(Problem, match="Your root has this name"):
        create(workspace)


def test_a_value_that_can_not_be_stored_is_an_error(workspace: Workspace) -> None:
    walkthrough = lesson.open(workspace.folder)
    with pytest.raises(TypeError, match="str can't be stored as 'root'"):
        walkthrough.store("root", "a text")
    with pytest.raises(KeyError):
        walkthrough.stored("car")
