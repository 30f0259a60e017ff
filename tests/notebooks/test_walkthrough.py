"""The walkthrough as CI and learners run it: real kernels, papermill, the local DPS, Azure's SDKs."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from helpers import walkthrough
from helpers.dps import stop_local_dps
from helpers.workspace import Workspace

STEPS = [notebook.stem for notebook in walkthrough.NOTEBOOKS]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    place = Workspace(tmp_path / "workspace")
    yield place
    stop_local_dps(place.local_dps_folder)


def run(workspace: Workspace, *steps: str, **parameters: Any) -> list[walkthrough.Outcome]:
    """The named notebooks, all unless named, through to the end of the last."""
    chosen = [notebook for notebook in walkthrough.NOTEBOOKS if not steps or notebook.stem[:2] in steps]
    seen: list[tuple[str, int, int]] = []
    outcomes = walkthrough.run(workspace, parameters, notebooks=chosen, progress=lambda *cell: seen.append(cell))
    assert [outcome.failure for outcome in outcomes] == [None] * len(chosen)
    assert all(any(name == outcome.name and cell == cells for name, cell, cells in seen) for outcome in outcomes)
    return outcomes


def shown(outcome: walkthrough.Outcome) -> str:
    """All that the executed copy shows and stores."""
    return outcome.executed.read_text()


def openssl(*arguments: str | Path, stdin: bytes | None = None) -> bytes:
    return subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, check=True).stdout


def make_own_ca(folder: Path, algorithm: str, passphrase: str) -> dict[str, str]:
    """A root as people make it: OpenSSL, the key encrypted."""
    folder.mkdir()
    certificate, key = folder / "own.pem", folder / "own.key"
    subject = ["-subj", "/CN=Own Root", "-days", "365", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    openssl(
        "req",
        "-x509",
        "-newkey",
        algorithm,
        "-keyout",
        key,
        "-out",
        certificate,
        "-passout",
        f"pass:{passphrase}",
        *subject,
    )
    assert b"ENCRYPTED" in key.read_bytes()
    return {"own_ca_certificate": str(certificate), "own_ca_key": str(key)}


@pytest.mark.parametrize("key_type", ["EC", "RSA"])
@pytest.mark.parametrize("register_ca", ["intermediate", "root"])
def test_it_runs_from_the_first_notebook_to_the_last(workspace: Workspace, key_type: str, register_ca: str) -> None:
    parameters = {"key_type": key_type, "register_ca": register_ca}
    outcomes = run(workspace, *(step[:2] for step in STEPS[:-1]), **parameters)
    assert [outcome.name for outcome in outcomes] == STEPS[:-1]
    ca = workspace.folder / "ca"
    assert openssl("verify", "-x509_strict", "-CAfile", ca / "root.pem", ca / "intermediate.cer").endswith(b"OK\n")
    signer = ca / f"{register_ca}.cer"
    trusted = ["-partial_chain", "-CAfile", workspace.folder / "signer.pem"]
    (workspace.folder / "signer.pem").write_bytes(openssl("x509", "-in", signer))
    assert openssl("verify", "-x509_strict", *trusted, workspace.proof_file).endswith(b"OK\n")
    assert "VERIFIED" in shown(outcomes[4])
    index = (workspace.folder / "executed" / "index.html").read_text()
    for outcome in outcomes:
        assert outcome.html.name in index
        assert "<html" in outcome.html.read_text()
    run(workspace, "10")
    assert workspace.facts.certificate_name is None, "10_clean_up removes what was registered"


@pytest.mark.parametrize("algorithm", ["rsa:2048", "rsa:4096"])
def test_it_runs_with_a_ca_that_openssl_made_with_an_encrypted_key(
    workspace: Workspace, tmp_path: Path, algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    passphrase = "correct horse battery staple"
    own = make_own_ca(tmp_path / "own", algorithm, passphrase)
    monkeypatch.setenv("CA_PASSPHRASE", passphrase)
    outcomes = run(workspace, **own, register_ca="root")
    for outcome in outcomes:
        assert passphrase not in shown(outcome) + outcome.html.read_text()
    for key in (workspace.folder / "ca").glob("*.key.pem"):
        assert b"ENCRYPTED" in key.read_bytes()
    assert workspace.authority("root", passphrase=passphrase).certificate.subject.rfc4514_string() == "CN=Own Root"


def test_every_notebook_runs_alone_on_a_prepared_workspace_and_twice(workspace: Workspace) -> None:
    for step in (step[:2] for step in STEPS):
        run(workspace, step)
        before = workspace.facts
        run(workspace, step)
        assert workspace.facts == before


@pytest.mark.parametrize(
    ("step", "needed"),
    [
        ("02", "00_start_here"),
        ("03", "00_start_here"),
        ("04", "00_start_here"),
        ("05", "00_start_here"),
    ],
)
def test_a_notebook_before_its_predecessor_says_which_to_run_first(
    workspace: Workspace, step: str, needed: str
) -> None:
    (notebook,) = (each for each in walkthrough.NOTEBOOKS if each.stem.startswith(step))
    (outcome,) = walkthrough.run(workspace, {}, notebooks=[notebook], progress=lambda *cell: None)
    assert outcome.failure is not None
    assert notebook.stem in outcome.failure
    assert needed in outcome.failure
    assert "Traceback" not in shown(outcome)
    assert outcome.executed.exists(), "the executed copy is kept"


def test_the_first_failure_ends_the_run_and_is_told_in_plain_words(workspace: Workspace) -> None:
    outcomes = walkthrough.run(workspace, {"root_name": "x" * 65}, progress=lambda *cell: None)
    assert [outcome.name for outcome in outcomes] == STEPS[:2]
    assert outcomes[0].failure is None
    assert re.search(r"01_create_ca, cell \d+ of \d+: .*root_name is invalid", outcomes[1].failure or "")
    assert "64 fit" in (outcomes[1].failure or "")


def private_key_files(workspace: Workspace) -> list[Path]:
    """The CAs' and the devices'."""
    return [*(workspace.folder / "ca").glob("*.key.pem"), *workspace.devices_folder.glob("*.key")]


def private_key_traces(workspace: Workspace, recorded: bytes) -> list[str]:
    """Which private keys of the workspace can be found in the bytes, in any form a key is written in.

    The scalar is what is secret of an EC key: PKCS#8, SEC1, PEM and DER all hold its 32 bytes.
    """
    unfolded = recorded.replace(b"\\n", b"").replace(b"\n", b"")  # PEM breaks its lines anywhere
    found = []
    for file in private_key_files(workspace):
        key = serialization.load_pem_private_key(file.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        number = key.private_numbers().private_value
        scalar = number.to_bytes(32, "big")
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        forms = {"scalar": scalar, "PEM": pem, "decimal": str(number).encode(), "file": file.read_bytes()}
        forms |= {"hex": scalar.hex().encode(), "HEX": scalar.hex().upper().encode()}
        for offset in range(3):  # base64 of bytes looks different at each of the three places they may have in it
            forms[f"base64 at {offset}"] = base64.b64encode(bytes(offset) + scalar)[4:-4]
        found += [f"{file.name}: {name}" for name, form in forms.items() if form in recorded or form in unfolded]
    return found


def test_no_request_of_a_whole_walkthrough_holds_a_private_key(workspace: Workspace, tmp_path: Path) -> None:
    recording = tmp_path / "recording.jsonl"
    workspace.local_dps_folder.mkdir()
    recorder = Path(__file__).with_name("recorder.py")
    command = [sys.executable, str(recorder), str(workspace.local_dps_folder), str(recording)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            run(workspace)
        finally:
            process.terminate()
    requests = [json.loads(line) for line in recording.read_text().splitlines()]
    calls = [(method, path.rpartition("/")[2]) for method, path, *_ in requests]
    for call in [
        ("PUT", "walkthrough-ca"),
        ("POST", "generateVerificationCode"),
        ("POST", "verify"),
        ("PUT", "walkthrough-devices"),
    ]:
        assert call in calls, "the recording holds the whole walkthrough"
    bodies = b"\n".join(base64.b64decode(body) for *_, body in requests)
    decoded = b"\n".join(
        base64.b64decode(text) for text in re.findall(rb"[A-Za-z0-9+/]{40,}={0,2}", bodies) if len(text) % 4 == 0
    )
    everything = recording.read_bytes() + bodies + decoded
    certificate = x509.load_der_x509_certificate((workspace.folder / "ca" / "intermediate.cer").read_bytes())
    assert certificate.public_bytes(serialization.Encoding.PEM) in decoded, "what was sent is found by this search"
    assert private_key_traces(workspace, everything) == []
    assert len(private_key_files(workspace)) > 10
    kept = b"".join(file.read_bytes() for file in private_key_files(workspace))
    assert len(private_key_traces(workspace, kept)) > 2, "the search finds a key where there is one"


def test_the_executed_copies_hold_no_secret_and_no_path_outside_of_the_workspace(workspace: Workspace) -> None:
    outcomes = run(workspace, "00", "01", "02", "03", "04", "05", "06", "07")
    connection = workspace.local_dps_folder / "state"
    assert connection.exists()
    secrets = [line for key in private_key_files(workspace) for line in key.read_text().splitlines()[1:-1]]
    for outcome in outcomes:
        text = shown(outcome) + outcome.html.read_text()
        for secret in secrets:
            assert secret not in text
        assert "PRIVATE KEY" not in text
        outside = text.replace(str(workspace.folder), "").replace(str(workspace.folder.resolve()), "")
        for place in (str(walkthrough.PROJECT), str(Path.home()), sys.prefix, str(workspace.folder.parent)):
            assert place not in outside or place in ("/root", "/"), place
        notebook = nbformat.read(outcome.executed, as_version=4)
        assert "widgets" not in notebook.metadata


def test_the_local_dps_is_stopped_at_the_end(workspace: Workspace) -> None:
    run(workspace, "00")
    assert not (workspace.local_dps_folder / "connection.json").exists()


def test_the_command_starts_clean_keeps_when_asked_and_leaves_the_learners_workspace_alone(tmp_path: Path) -> None:
    place = tmp_path / "run"
    command = [sys.executable, "-m", "helpers", "run", "--workspace", str(place), "-p", "root_name=First Root"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    learners = walkthrough.PROJECT / "data" / "workspace" / "lab"
    before = sorted(learners.rglob("*")) if learners.exists() else None

    def root() -> bytes:
        return (place / "ca" / "root.cer").read_bytes()

    first = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert first.returncode == 0, first.stdout + first.stderr
    for step in STEPS:
        assert re.search(rf"^ok +{step} +\d+\.\d s$", first.stdout, re.MULTILINE)
        assert f"{step}: cell 2 of" in first.stdout
    assert str(place / "executed" / "index.html") in first.stdout
    kept = root()
    subprocess.run([*command, "--keep"], capture_output=True, check=True, env=environment)
    assert root() == kept
    subprocess.run(command, capture_output=True, check=True, env=environment)
    assert root() != kept
    assert (sorted(learners.rglob("*")) if learners.exists() else None) == before
    (tmp_path / "no-ca.pem").write_text("neither a certificate nor a key")
    own = [f"-p{name}={tmp_path / 'no-ca.pem'}" for name in ("own_ca_certificate", "own_ca_key")]
    failed = subprocess.run([*command, *own], capture_output=True, text=True, check=False, env=environment)
    assert failed.returncode == 1
    assert re.search(r"01_create_ca, cell \d+ of \d+: ", failed.stderr)
