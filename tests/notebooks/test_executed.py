"""One walkthrough as CI runs it, every notebook in a kernel of its own: its requests, its results, and its executed copies."""

import base64
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from helpers import walkthrough
from helpers.lesson.course.exercises.exercise import EXERCISES
from helpers.notebook import Notebook
from helpers.workspace import Workspace
from tests import openssl
from tests.notebooks.recorder import Exchange, read_recording, recording_local_dps
from tests.notebooks.walking import STEPS, cells, outputs, shown


@dataclass
class Walked:
    """A whole walkthrough.

    Attributes:
        before_clean_up: the workspace as the clean-up found it.
        exchanges: every request that the local DPS received, and its answer.
        begun: each cell that began, in this order.
        ended: the notebooks in the order in which they ended.
    """

    workspace: Workspace
    before_clean_up: Path
    outcomes: list[walkthrough.NotebookRun] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    begun: list[tuple[str, int]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Walked:
    folder = tmp_path_factory.mktemp("executed")
    workspace = Workspace(folder / "workspace")
    walked = Walked(workspace, folder / "before-clean-up")
    recording = folder / "recording.jsonl"

    def on_end(outcome: walkthrough.NotebookRun) -> None:
        walked.ended.append(outcome.name)
        if len(walked.ended) == len(STEPS) - 1:
            shutil.copytree(workspace.folder, walked.before_clean_up)

    with recording_local_dps(workspace.local_dps_folder, recording):
        walked.outcomes = walkthrough.run(
            workspace, {}, on_cell=lambda name, cell: walked.begun.append((name, cell)), on_end=on_end
        )
    walked.exchanges = read_recording(recording)
    return walked


def test_every_notebook_runs_to_its_end_and_is_in_the_index(walked: Walked) -> None:
    assert [outcome.name for outcome in walked.outcomes] == STEPS
    assert [outcome.failure for outcome in walked.outcomes] == [None] * len(STEPS)
    index = (walked.workspace.folder / "executed" / "index.html").read_text()
    for outcome in walked.outcomes:
        assert outcome.html.name in index
        assert "<html" in outcome.html.read_text()
    assert "VERIFIED" in shown(walked.outcomes[4])


def test_openssl_accepts_the_created_certificates(walked: Walked) -> None:
    ca = walked.before_clean_up / "ca"
    assert openssl.run("verify", "-x509_strict", "-CAfile", ca / "root.pem", ca / "intermediate.cer").endswith(b"OK\n")
    signer = walked.before_clean_up / "signer.pem"
    signer.write_bytes(openssl.run("x509", "-in", ca / "intermediate.cer"))
    proof = walked.before_clean_up / "proof" / "verification.pem"
    assert openssl.run("verify", "-x509_strict", "-partial_chain", "-CAfile", signer, proof).endswith(b"OK\n")


def test_the_clean_up_removes_what_was_registered(walked: Walked) -> None:
    assert walked.workspace.facts.certificate_name is None


def test_a_notebook_begins_after_those_that_it_needs(walked: Walked) -> None:
    ends = walked.ended.index
    main = [step for step in STEPS if step[:2] not in ("08", "09", "10")]
    assert [name for name in walked.ended if name in main] == main
    assert walked.ended[-1] == "11_clean_up"
    assert ends("08_you_are_dps") < ends("09_the_attack") < ends("07_when_access_ends")
    begins = [name for name, cell in walked.begun if cell == 1]
    assert begins.index("08_you_are_dps") < begins.index("02_upload_ca"), "08 runs beside the others"


def test_cells_have_the_numbers_that_jupyterlab_gives_them_and_each_cells_time_is_kept(walked: Walked) -> None:
    for outcome in walked.outcomes:
        source = [
            cell.source for cell in nbformat.read(notebook_of(outcome), as_version=4).cells if cell.cell_type == "code"
        ]
        numbered = {cell.execution_count: cell.source for cell in cells(outcome) if cell.get("execution_count")}
        assert numbered == dict(enumerate(source, start=1))
        assert [cell for name, cell in walked.begun if name == outcome.name] == list(range(1, len(source) + 1))
        for cell in cells(outcome):
            assert cell.metadata.papermill.duration is not None or cell.cell_type != "code"


def notebook_of(outcome: walkthrough.NotebookRun) -> Path:
    return walkthrough.PROJECT / "notebooks" / outcome.executed.name


def private_key_files(workspace: Path) -> list[Path]:
    """The CAs' and the devices'."""
    return [*(workspace / "ca").glob("*.key.pem"), *(workspace / "devices").glob("*.key")]


def private_key_traces(workspace: Path, recorded: bytes) -> list[str]:
    """Return the private keys of the workspace that the bytes contain, in any form in which a key is written.

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


def test_no_request_of_a_whole_walkthrough_holds_a_private_key(walked: Walked) -> None:
    kept = walked.before_clean_up
    calls = [(each.method, each.path.rpartition("/")[2]) for each in walked.exchanges]
    for call in [
        ("PUT", "walkthrough-ca"),
        ("POST", "generateVerificationCode"),
        ("POST", "verify"),
        ("PUT", "walkthrough-devices"),
    ]:
        assert call in calls, "the recording holds the whole walkthrough"
    bodies = b"\n".join(each.body for each in walked.exchanges)
    decoded = b"\n".join(
        base64.b64decode(text) for text in re.findall(rb"[A-Za-z0-9+/]{40,}={0,2}", bodies) if len(text) % 4 == 0
    )
    everything = "".join(each.line() for each in walked.exchanges).encode() + bodies + decoded
    certificate = x509.load_der_x509_certificate((kept / "ca" / "intermediate.cer").read_bytes())
    assert certificate.public_bytes(serialization.Encoding.PEM) in decoded, "what was sent is found by this search"
    assert private_key_traces(kept, everything) == []
    assert len(private_key_files(kept)) > 10
    contents = b"".join(file.read_bytes() for file in private_key_files(kept))
    assert len(private_key_traces(kept, contents)) > 2, "the search finds a key where there is one"


def test_the_executed_copies_hold_no_secret_and_no_path_outside_of_the_workspace(walked: Walked) -> None:
    folder = walked.workspace.folder
    secrets = [line for key in private_key_files(walked.before_clean_up) for line in key.read_text().splitlines()[1:-1]]
    assert len(secrets) > 20
    for outcome in walked.outcomes:
        text = shown(outcome) + outcome.html.read_text()
        for secret in secrets:
            assert secret not in text
        # A question of the final test shows the first line of a key's file, and nothing of its content.
        assert not re.search(r"PRIVATE KEY-----(?:\\n|\s)*[A-Za-z0-9+/]{32}", text)
        outside = text.replace(str(folder), "").replace(str(folder.resolve()), "")
        for place in (str(walkthrough.PROJECT), str(Path.home()), sys.prefix, str(folder.parent)):
            assert place not in outside or place in ("/root", "/"), place
        notebook = nbformat.read(outcome.executed, as_version=4)
        assert "widgets" not in notebook.metadata


def test_the_stubs_are_not_solved_and_do_not_stop_a_run(walked: Walked) -> None:
    for outcome in walked.outcomes:
        if outcome.name not in EXERCISES:
            continue  # 10 has its test instead
        assert "○ Your turn." in shown(outcome), outcome.name
        assert "✔ Solved." not in shown(outcome)


def test_every_object_that_a_cell_returns_shows_itself_in_html_and_in_plain_text(
    walked: Walked,
) -> None:
    counted = 0
    for outcome in walked.outcomes:
        for output in outputs(outcome):
            if re.match(r"(Certificates|Registrations): ", output.get("data", {}).get("text/plain", "")):
                continue  # a progress bar, on a machine that is busy with something else
            assert output.output_type == "execute_result", f"{outcome.name} prints: {output}"
            text, html = output.data["text/plain"], output.data["text/html"]
            assert not re.match(r"[<{(']|\[['\"{<(\d]|\w+\(", text), f"{outcome.name} shows {text[:80]}"
            assert len(html) > 50
            assert "<script" not in html
            counted += 1
    assert counted > 90


def test_every_notebook_ends_in_its_checkpoint(walked: Walked) -> None:
    for outcome in walked.outcomes:
        *_, last = outputs(outcome)
        assert "✔ " in last.data["text/plain"]
        onward = "This was the last notebook." if outcome.name == Notebook.CLEAN_UP else "Next: "
        assert onward in last.data["text/plain"]
    assert [outcome.name for outcome in walked.outcomes] == list(Notebook)
