"""The files of a walkthrough: written atomically, private, and never lost."""

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from helpers.certificates import CertificateAuthority
from helpers.problem import Problem
from helpers.workspace import Facts, Role, Workspace, is_workspace, remove_workspace
from tests.modes import has_mode

EVERYTHING: dict[str, Any] = {
    "target": "azure",
    "subscription_id": "00000000-0000-0000-0000-000000000000",
    "resource_group": "größe",
    "provisioning_service": "dps",
    "registered_role": "intermediate",
    "certificate_name": "factory",
    "etags": (("AAA=", "uploaded"), ("BBB=", "code")),
    "verification_code": "0123456789ABCDEF" * 3,
    "used_code": "FEDCBA9876543210" * 3,
    "verified": True,
    "enrollment_group_id": "pumps",
    "allocation_policy": "custom",
    "iot_hubs": ("a-hub.azure-devices.net",),
    "webhook_url": "https://f.example/api",
    "revoked_device": "pump-1",
    "next_certificate_name": "factory-next",
    "id_scope": "0ne00112233",
    "done_in_portal": ("upload", "verify"),
    "rehearsed": True,
    "added_services": ("gallery-dps",),
    "choices": {"registration_id": "pump-1", "fleet_size": 3},
    "outcomes": {"06_provision_devices": {"pump-1": "hub", "stranger": 401}},
    "exhibit_seed": "0123456789abcdef",
    "reached": ("00_start_here", "01_create_ca"),
    "solved": ("00_start_here",),
    "attempts": {"01_create_ca": 2},
    "predictions": {"stale_etag": ("200", "412")},
    "recalled": {"02_upload_ca": ("why_a_proof", "path_length")},
    "has_own_ca": True,
    "test_questions": ("signed_message", "two_codes"),
    "final_test": (11, 2),
}
TEXTS = ["subscription_id", "resource_group", "provisioning_service", "certificate_name", "enrollment_group_id"]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture(scope="module")
def root() -> CertificateAuthority:
    return CertificateAuthority.create_root("Root")


def file_of(workspace: Workspace) -> Path:
    return workspace.folder / "workspace.json"


# --- facts ---


def test_a_new_workspace_has_no_facts(workspace: Workspace) -> None:
    assert workspace.facts == Facts()
    assert file_of(workspace).exists(), "the file says that the folder is a workspace"


def test_every_fact_comes_back(workspace: Workspace) -> None:
    assert set(EVERYTHING) | {"schema_version"} == set(Facts.model_fields)
    stored = workspace.update(**EVERYTHING)
    assert stored == Facts(**EVERYTHING) == workspace.facts == Workspace(workspace.folder).facts


def test_a_change_leaves_the_other_facts_unchanged(workspace: Workspace) -> None:
    workspace.update(**EVERYTHING)
    assert workspace.update(verified=False) == Facts(**{**EVERYTHING, "verified": False})


def test_only_the_owner_may_read_the_folder_and_the_file(workspace: Workspace) -> None:
    workspace.update(verified=True)
    assert has_mode(workspace.folder, 0o700)
    assert has_mode(file_of(workspace), 0o600)


@pytest.mark.parametrize("change", [{"verified": "perhaps"}, {"target": "moon"}, {"nothing": 1}])
def test_an_invalid_fact_is_not_written(workspace: Workspace, change: dict[str, Any]) -> None:
    workspace.update(**EVERYTHING)
    before = file_of(workspace).read_bytes()
    with pytest.raises(ValueError):
        workspace.update(**change)
    assert file_of(workspace).read_bytes() == before


def test_threads_that_write_concurrently_lose_nothing(workspace: Workspace) -> None:
    def write(name: str) -> None:
        for number in range(10):
            workspace.update(**{name: f"{name} {number}"})

    with ThreadPoolExecutor(len(TEXTS)) as pool:
        list(pool.map(write, TEXTS))
    assert workspace.facts == Facts(**{name: f"{name} 9" for name in TEXTS})


def test_checkpoints_that_are_reached_at_the_same_moment_are_all_noted(tmp_path: Path) -> None:
    Workspace(tmp_path / "w")
    names = [f"{number:02}_notebook" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: Workspace(tmp_path / "w").reach(name), [*names, *names]))
    assert sorted(Workspace(tmp_path / "w").facts.reached) == names, "each once"


def test_processes_that_write_concurrently_lose_nothing_and_a_reader_never_sees_half(workspace: Workspace) -> None:
    code = (
        "import sys; from helpers.workspace import Workspace; workspace = Workspace(sys.argv[1])\n"
        "for number in range(20): workspace.update(**{sys.argv[2]: str(number)})"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(workspace.folder), name]) for name in TEXTS[:3]]
    while any(writer.poll() is None for writer in writers):
        assert workspace.facts.schema_version == 1
    assert [writer.returncode for writer in writers] == [0] * 3
    assert workspace.facts == Facts(**dict.fromkeys(TEXTS[:3], "19"))


# --- damage ---


def assert_damaged(workspace: Workspace, content: bytes) -> None:
    """Opening, reading and changing the workspace raise a Problem, and the file stays as it is, so that it can be fixed."""
    file_of(workspace).write_bytes(content)
    for use in (lambda: workspace.facts, lambda: Workspace(workspace.folder), lambda: workspace.update(verified=True)):
        with pytest.raises(Problem, match="is damaged"):
            use()
    assert file_of(workspace).read_bytes() == content


def test_a_file_cut_off_anywhere_is_damaged_and_unchanged(workspace: Workspace) -> None:
    workspace.update(**EVERYTHING)
    whole = file_of(workspace).read_bytes()
    for end in range(len(whole)):
        assert_damaged(workspace, whole[:end])


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 2},
        {"schema_version": "1"},
        {"schema_version": None},
        {"unknown": 1},
        {"etags": 5},
        {"target": "moon"},
        {"resource_group": "\ud800"},
    ],
    ids=str,
)
def test_another_version_or_field_is_damaged(workspace: Workspace, change: dict[str, Any]) -> None:
    facts = workspace.update(**EVERYTHING).model_dump()
    assert_damaged(workspace, json.dumps({**facts, **change}).encode())


def test_a_file_of_an_earlier_version_is_read(workspace: Workspace) -> None:
    """Before the facts had `choices`, 06 noted its outcomes in lists."""
    earlier = {name: value for name, value in EVERYTHING.items() if name != "choices"}
    earlier["outcomes"] = {"06_provision_devices": {"device": ["pump-1"], "fleet": ["pump-1-001"], "stranger": 401}}
    file_of(workspace).write_text(json.dumps({"schema_version": 1, **earlier}))
    reopened = Workspace(workspace.folder)
    assert reopened.facts == Facts(**earlier)
    assert reopened.update(choices={"fleet_size": 1}) == Facts(**earlier, choices={"fleet_size": 1})


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60) | st.from_type(type(None) | bool | int | str).map(lambda v: json.dumps(v).encode()))
@example(b"[" * 100_000)
@example(b"[]")
@example(b"\xff\xfe{}")
@example(b"1" * 5_000)
def test_garbage_is_damaged(workspace: Workspace, content: bytes) -> None:
    assert_damaged(workspace, content)


@pytest.mark.unix
def test_a_full_disk_leaves_the_old_facts_intact(workspace: Workspace) -> None:
    workspace.update(**EVERYTHING)
    before = file_of(workspace).read_bytes()
    code = (
        "import resource, sys; from helpers.workspace import Workspace; from helpers.problem import Problem\n"
        "workspace = Workspace(sys.argv[1]); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try: workspace.update(resource_group='x' * 1000)\n"
        "except Problem as problem: print(problem.what)"
    )
    command = [sys.executable, "-c", code, str(workspace.folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "workspace.json could not be written.\n"
    assert file_of(workspace).read_bytes() == before
    assert {file.name for file in workspace.folder.iterdir()} == {".lock", "workspace.json"}


def test_a_folder_that_can_not_be_created_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem, match="could not be created"):
        Workspace(tmp_path / "file")


# --- certificate authorities ---


@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_an_authority_comes_back(workspace: Workspace, root: CertificateAuthority, passphrase: str | None) -> None:
    below = root.create_intermediate("Line 1")
    workspace.save_authority("intermediate", below, passphrase=passphrase)
    assert workspace.authority_roles() == ["intermediate"]
    workspace.save_authority("root", root, passphrase=passphrase)
    assert workspace.authority_roles() == ["root", "intermediate"]
    roles: dict[Role, CertificateAuthority] = {"root": root, "intermediate": below}
    for role, authority in roles.items():
        stored = Workspace(workspace.folder).authority(role, passphrase=passphrase)
        assert (stored.certificate, stored.issuers) == (authority.certificate, authority.issuers)
        assert stored.private_key.public_key() == authority.private_key.public_key()
        key_file = workspace.folder / "ca" / f"{role}.key.pem"
        assert has_mode(key_file, 0o600)
        assert (b"ENCRYPTED" in key_file.read_bytes()) == (passphrase is not None)
        assert b"PRIVATE" not in workspace.public_part(role).read_bytes()
    assert has_mode(workspace.folder / "ca", 0o700)


@pytest.mark.parametrize("passphrase", [None, "", "wrong"])
def test_a_wrong_passphrase_is_a_problem(
    workspace: Workspace, root: CertificateAuthority, passphrase: str | None
) -> None:
    workspace.save_authority("root", root, passphrase="right")
    with pytest.raises(Problem, match="could not be opened") as caught:
        workspace.authority("root", passphrase=passphrase)
    assert ("CA_PASSPHRASE" in caught.value.next_step) is (passphrase != "wrong"), "where to give it, if none was given"
    assert workspace.authority("root", passphrase="right").certificate == root.certificate


def test_the_error_for_a_missing_authority_names_the_notebook_that_creates_one(workspace: Workspace) -> None:
    with pytest.raises(Problem) as caught:
        workspace.authority("root")
    assert "01_create_ca" in caught.value.next_step


def test_the_error_for_a_missing_role_names_the_existing_one(workspace: Workspace, root: CertificateAuthority) -> None:
    workspace.save_authority("root", root)
    with pytest.raises(Problem) as caught:
        workspace.authority("intermediate")
    assert "root" in caught.value.next_step


def test_a_stored_ca_is_not_overwritten_by_another(workspace: Workspace, root: CertificateAuthority) -> None:
    workspace.save_authority("root", root)
    before = {file.name: file.read_bytes() for file in (workspace.folder / "ca").iterdir()}
    with pytest.raises(Problem, match="was not written"):
        workspace.save_authority("root", CertificateAuthority.create_root("Root"))
    assert {file.name: file.read_bytes() for file in (workspace.folder / "ca").iterdir()} == before
    workspace.save_authority("root", root)  # the same again is fine


def test_certificates_keys_and_proofs_are_deleted_and_the_facts_stay(
    workspace: Workspace, root: CertificateAuthority
) -> None:
    assert workspace.delete_certificates() == []
    workspace.update(**EVERYTHING)
    workspace.save_authority("root", root)
    workspace.proof_file.parent.mkdir()
    workspace.proof_file.write_bytes(b"proof")
    assert workspace.delete_certificates() == ["root.cer", "root.key.pem", "root.pem", "verification.pem"]
    assert workspace.authority_roles() == []
    assert workspace.facts == Facts(**EVERYTHING)
    workspace.save_authority("root", CertificateAuthority.create_root("Another"))


@pytest.mark.linux
@pytest.mark.parametrize("path", ["/proc/dps", "/dev/null/dps"])
def test_a_path_that_can_not_be_written_is_a_problem(path: str) -> None:
    with pytest.raises(Problem, match="could not be created") as caught:
        Workspace(path)
    assert "may write to" in caught.value.next_step


def test_a_file_that_can_not_be_removed_is_named_and_the_rest_can_be_removed_later(
    workspace: Workspace, root: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.save_authority("root", root)

    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path / "root.pem"))

    with monkeypatch.context() as used_elsewhere:
        used_elsewhere.setattr(shutil, "rmtree", denied)
        with pytest.raises(Problem, match="was not removed completely") as caught:
            remove_workspace(workspace.folder)
    assert caught.value.why.endswith("root.pem could not be removed: Permission denied.")
    assert is_workspace(workspace.folder)
    remove_workspace(workspace.folder)
    assert not workspace.folder.exists()


def test_an_encrypted_ca_is_opened_with_the_passphrase_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script has no form in which to type the passphrase."""
    workspace = Workspace(tmp_path / "w")
    workspace.save_authority("root", CertificateAuthority.create_root("Root"), passphrase="correct horse")
    monkeypatch.delenv("CA_PASSPHRASE", raising=False)
    with pytest.raises(Problem, match="set the environment variable CA_PASSPHRASE"):
        workspace.authority("root")
    monkeypatch.setenv("CA_PASSPHRASE", "correct horse")
    assert workspace.authority("root").certificate.subject.rfc4514_string() == "CN=Root"
    monkeypatch.setenv("CA_PASSPHRASE", "wrong")
    with pytest.raises(Problem):
        workspace.authority("root")
