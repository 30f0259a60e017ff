"""A PKI team signs the request with a key that never leaves its own process; its CA is verified at a real local DPS."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from helpers import lesson
from helpers.certificates import (
    accept_verification_certificate,
    describe,
    request_verification_certificate,
)
from helpers.dps import ProvisioningService
from helpers.lesson.experiments.pki_team import PkiTeam
from helpers.lesson.walkthrough.showing import picture_of
from helpers.problem import Problem
from helpers.walkthrough import PROJECT
from helpers.workspace import Workspace
from tests import openssl
from tests.crafting import name as name_of
from tests.lesson.cells import Notebook, walk

CODE = "0123456789ABCDEF" * 3
SCRIPT = PROJECT / "helpers" / "lesson" / "experiments" / "pki_team_process.py"


@pytest.fixture
def team(workspace: Workspace) -> Iterator[PkiTeam]:
    workspace.update(target="local")
    with closing(lesson.open(workspace.folder).pki_team()) as team:
        yield team


@pytest.mark.parametrize("target", ["local", "portal"])
def test_what_the_team_signs_leads_to_verified(workspace: Workspace, dps: ProvisioningService, target: str) -> None:
    workspace.update(target=target)
    walkthrough = lesson.open(workspace.folder)
    before, facts = dps.certificates.list(), workspace.facts
    team = walkthrough.pki_team()
    with team.registered_for_a_moment() as registered:
        code = str(registered.verification_code)
        assert registered.name in [each.name for each in dps.certificates.list()]
        signed = team.sign(request_verification_certificate(code))
        proof = accept_verification_certificate(signed, team.certificate, code)
        verified = team.dps.certificates.verify(registered, proof)
    assert verified.verified
    shown = picture_of(walkthrough, verified)
    for text in ("PKI Team CA", "VERIFIED"):
        assert text in shown.text()
        assert text in shown._repr_html_()
    assert (dps.certificates.list(), workspace.facts) == (before, facts)
    team.close()


def test_the_cell_of_03_ends_in_verified_and_leaves_nothing_behind(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, name, last="02")
    notebook = Notebook("03", workspace)
    notebook.call(until="walkthrough.pki_team")
    before, facts = dps.certificates.list(), workspace.facts
    for _ in range(2):  # a cell can be run again
        assert notebook.cell("walkthrough.pki_team").verified
        assert "VERIFIED" in picture_of(notebook.walkthrough, notebook.verified).text()
    assert (dps.certificates.list(), workspace.facts) == (before, facts)
    notebook.team.close()


def test_openssl_accepts_what_the_team_signs(team: PkiTeam) -> None:
    request = request_verification_certificate(CODE)
    signed = x509.load_pem_x509_certificate(team.sign(request))
    assert signed.public_key() == x509.load_pem_x509_csr(request).public_key()
    assert describe(signed).common_name == CODE
    assert not describe(signed).is_authority
    assert openssl.verify(signed, trusted=team.certificate).accepted


def request_of(common_name: str, *, key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    builder = x509.CertificateSigningRequestBuilder(name_of(common_name))
    return builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.PEM)


def tampered(request: bytes) -> bytes:
    der = openssl.run("req", "-outform", "DER", stdin=request).replace(CODE.encode(), CODE[::-1].encode())
    return x509.load_der_x509_csr(der).public_bytes(Encoding.PEM)


@pytest.mark.parametrize(
    ("request_pem", "reason"),
    [
        (request_of("pump-1"), "signs only verification codes"),
        (request_of(CODE.lower()), "signs only verification codes"),
        (tampered(request_of(CODE)), "was changed after it was signed"),
        (b"Please sign.", "not a PKCS#10 request"),
        (b"\xff\xfe\n{}", "not a PKCS#10 request"),
    ],
    ids=["a device", "lower case", "tampered with", "a text", "bytes"],
)
def test_the_team_refuses_other_requests_and_goes_on(team: PkiTeam, request_pem: bytes, reason: str) -> None:
    with pytest.raises(Problem, match="did not sign the request") as caught:
        team.sign(request_pem)
    assert reason in caught.value.why
    assert team.sign(request_verification_certificate(CODE))


def test_no_private_key_comes_out_of_the_process_and_it_writes_no_file(tmp_path: Path) -> None:
    requests = [json.dumps({"request": request_of(name).decode()}) for name in (CODE, "pump-1")]
    result = subprocess.run(
        [sys.executable, "-P", SCRIPT],
        input="\n".join(requests),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [sorted(each) for each in answers] == [["certificate"], ["certificate"], ["refused"]]
    assert result.stderr == ""
    for each in answers[:2]:
        assert len(x509.load_pem_x509_certificates(each["certificate"].encode())) == 1
        assert each["certificate"].count("-----BEGIN ") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_process_shares_no_code_with_the_helpers() -> None:
    assert "import helpers" not in SCRIPT.read_text()
    assert "from helpers" not in SCRIPT.read_text()


def test_the_process_ends_with_the_object(workspace: Workspace) -> None:
    workspace.update(target="local")
    team = PkiTeam(workspace)
    process = team._process
    assert process.poll() is None
    del team
    assert process.wait(10) == 0


def test_the_process_ends_with_the_kernel_even_if_that_is_killed() -> None:
    """The process holds the kernel's stderr: the stream ends only once both have ended."""
    program = dedent(f"""
        import os, subprocess, sys
        team = subprocess.Popen([sys.executable, "-P", {str(SCRIPT)!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        team.stdout.readline()
        print("The team works.", flush=True)
        sys.stdin.read()
    """)
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe, stderr=pipe) as kernel:
        assert kernel.stdout
        assert kernel.stdout.readline().split()[-1] == b"works."
        kernel.kill()
        assert kernel.communicate(timeout=10)[1] == b""


def test_a_team_whose_process_was_killed_says_how_to_get_another(team: PkiTeam) -> None:
    team._process.kill()
    team._process.wait()
    for _ in range(2):
        with pytest.raises(Problem, match="process has ended") as caught:
            team.sign(request_verification_certificate(CODE))
        assert "walkthrough.pki_team()" in caught.value.next_step


def test_an_interrupted_request_ends_the_team(team: PkiTeam, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted:
        def readline(self) -> str:
            raise KeyboardInterrupt

        def close(self) -> None:
            pass

    assert team._process.stdout
    with closing(team._process.stdout), monkeypatch.context() as patched:
        patched.setattr(team._process, "stdout", Interrupted())
        with pytest.raises(KeyboardInterrupt):
            team.sign(request_verification_certificate(CODE))
    assert team._process.poll() == 0
    with pytest.raises(Problem, match="process has ended"):
        team.sign(request_verification_certificate(CODE))


def test_a_new_team_takes_the_place_of_the_earlier_one(workspace: Workspace) -> None:
    workspace.update(target="local")
    walkthrough = lesson.open(workspace.folder)
    first, second = walkthrough.pki_team(), walkthrough.pki_team()
    assert first._process.poll() == 0
    assert walkthrough.uploaded == (second.certificate,)
    assert first.certificate != second.certificate
    second.close()


def test_without_a_target_it_names_the_notebook_to_run_first(workspace: Workspace) -> None:
    with pytest.raises(Problem) as caught:
        lesson.open(workspace.folder).pki_team()
    assert "00_start_here" in caught.value.next_step
