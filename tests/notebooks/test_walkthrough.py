"""The walkthrough as CI and learners run it: real kernels, papermill, the local DPS, Azure's SDKs."""

import re
import secrets
from functools import partial
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from helpers import walkthrough
from helpers.__main__ import app
from helpers.workspace import Workspace
from tests import openssl
from tests.azure_function import azure_function
from tests.notebooks.walking import STEPS, go, notebook, run, shown

# 08 and 09 have CAs of their own, so no key of the walkthrough's concerns them.
WITH_OWN_KEYS = tuple(step[:2] for step in STEPS[:-1] if step[:2] not in ("08", "09"))


# EC with the intermediate is what most tests have, and RSA with the root what the next one has.
@pytest.mark.usefixtures("reused_kernels")
@pytest.mark.parametrize(("key_type", "register_ca"), [("EC", "root"), ("RSA", "intermediate")])
def test_it_runs_with_each_kind_of_key_and_each_ca(workspace: Workspace, key_type: str, register_ca: str) -> None:
    outcomes = run(workspace, *WITH_OWN_KEYS, key_type=key_type, register_ca=register_ca)
    ca = workspace.folder / "ca"
    assert openssl.run("verify", "-x509_strict", "-CAfile", ca / "root.pem", ca / "intermediate.cer").endswith(b"OK\n")
    signer = ca / f"{register_ca}.cer"
    trusted = ["-partial_chain", "-CAfile", workspace.folder / "signer.pem"]
    (workspace.folder / "signer.pem").write_bytes(openssl.run("x509", "-in", signer))
    assert openssl.run("verify", "-x509_strict", *trusted, workspace.proof_file).endswith(b"OK\n")
    assert "VERIFIED" in shown(outcomes[4])
    run(workspace, STEPS[-1])
    assert workspace.facts.certificate_name is None, "11_clean_up removes what was registered"


@pytest.mark.usefixtures("reused_kernels")
def test_it_runs_with_an_encrypted_ca_of_openssl_and_a_webhook_with_a_key_and_stores_no_secret(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passphrase, key = "correct horse battery staple", secrets.token_hex(16)
    made = openssl.make_encrypted_root(tmp_path, passphrase, "rsa:4096")
    own = {"own_ca_certificate": str(made.certificate), "own_ca_key": str(made.private_key)}
    monkeypatch.setenv("CA_PASSPHRASE", passphrase)
    with azure_function(f"{key}/+==") as function:
        monkeypatch.setenv("WEBHOOK_KEY", function.key)
        webhook = {"allocation_policy": "custom", "webhook_url": function.url}
        outcomes = run(workspace, *WITH_OWN_KEYS, **own, register_ca="root", **webhook)
    assert "pump-1" in function.devices
    state = workspace.local_dps_folder / "state"  # without the key, the local DPS could not call the function
    for secret in (passphrase, key):
        assert [file for file in files_with(secret, workspace.folder) if not file.is_relative_to(state)] == []
    searched = files_with(function.url, workspace.folder)
    assert {outcomes[5].executed, outcomes[5].html} <= searched, "the search finds what is there"
    for key in (workspace.folder / "ca").glob("*.key.pem"):
        assert b"ENCRYPTED" in key.read_bytes()
    assert workspace.authority("root", passphrase=passphrase).certificate.subject.rfc4514_string() == "CN=Own Root"


def files_with(text: str, folder: Path) -> set[Path]:
    return {file for file in folder.rglob("*") if file.is_file() and text.encode() in file.read_bytes()}


@pytest.mark.usefixtures("reused_kernels", "local_dps_goes_on")
def test_every_notebook_runs_alone_on_a_prepared_workspace_and_twice(workspace: Workspace) -> None:
    for step in (step[:2] for step in STEPS):
        run(workspace, step)
        before = workspace.facts
        run(workspace, step)
        drawn = {name: getattr(before, name) for name in ("recalled", "test_questions", "final_test")}
        assert workspace.facts.model_copy(update=drawn) == before


@pytest.mark.usefixtures("reused_kernels")
@pytest.mark.parametrize("step", ["02", "03", "04", "05", "08"])
def test_a_notebook_before_its_predecessor_says_which_to_run_first(workspace: Workspace, step: str) -> None:
    (outcome,) = go(workspace, [notebook(step)])
    assert outcome.failure is not None
    assert notebook(step).stem in outcome.failure
    assert "00_start_here" in outcome.failure
    assert "Traceback" not in shown(outcome)
    assert outcome.executed.exists(), "the executed copy is kept"


def test_the_first_failure_ends_the_run_and_is_reported_in_plain_words(workspace: Workspace) -> None:
    outcomes = go(workspace, [notebook(step[:2]) for step in STEPS], root_name="x" * 65)
    assert [outcome.name for outcome in outcomes] == [*STEPS[:2], "08_you_are_dps"], "08 ran beside it"
    assert [bool(outcome.failure) for outcome in outcomes] == [False, True, False]
    # The seventh cell of 01 in JupyterLab: its form.
    assert re.match(r"01_create_ca, cell \[7\]: .*root_name is invalid", outcomes[1].failure or "")
    assert "64 are allowed" in (outcomes[1].failure or "")


@pytest.mark.usefixtures("reused_kernels")
def test_the_local_dps_is_stopped_at_the_end(workspace: Workspace) -> None:
    run(workspace, "00")
    assert not (workspace.local_dps_folder / "connection.json").exists()


@pytest.mark.usefixtures("reused_kernels")
def test_the_command_starts_clean_keeps_when_asked_and_leaves_the_learners_workspace_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three notebooks are enough; in tests/test_readme.py, the command runs all of them."""
    steps = STEPS[:3]
    monkeypatch.setattr(walkthrough, "run", partial(walkthrough.run, notebooks=walkthrough.NOTEBOOKS[:3]))
    place = tmp_path / "run"
    learners = walkthrough.PROJECT / "data" / "workspace" / "lab"
    before = sorted(learners.rglob("*")) if learners.exists() else None

    def command(*options: str) -> Result:
        return CliRunner().invoke(app, ["run", "--workspace", str(place), *options])

    def root() -> bytes:
        return (place / "ca" / "root.cer").read_bytes()

    first = command("-p", "root_name=First Root")
    assert first.exit_code == 0, first.output
    lines = first.stdout.splitlines()
    done, rest = lines[: len(steps)], lines[len(steps) :]
    assert sorted(line.split()[1] for line in done) == steps, "a line for each notebook, and none for a cell"
    for line in done:
        assert re.fullmatch(r"ok +\w+ +\d+\.\d s", line)
    assert re.fullmatch(r"total +\d+\.\d s", rest[0])
    assert str(place / "executed" / "index.html") in first.stdout

    kept = root()
    again = command("--keep", "-p", "root_name=First Root")
    assert again.exit_code == 0, again.output
    assert root() == kept

    (tmp_path / "no-ca.pem").write_text("neither a certificate nor a key")
    failed = command(*(f"-p{name}={tmp_path / 'no-ca.pem'}" for name in ("own_ca_certificate", "own_ca_key")))
    assert failed.exit_code == 1
    assert re.search(r"^FAILED +01_create_ca", failed.stdout, re.MULTILINE)
    assert re.search(r"01_create_ca, cell \[\d+\]: ", failed.stderr)
    assert not (place / "ca" / "root.cer").exists(), "without --keep it started clean"
    assert (sorted(learners.rglob("*")) if learners.exists() else None) == before
