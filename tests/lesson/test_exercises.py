"""The exercises: a stub fails with a hint, the solution is accepted, and a nearly right answer gets the reason why it is
wrong."""

import hashlib
import re
import runpy
import signal
import time
import types
from datetime import timedelta
from pathlib import Path
from typing import Any

import nbformat
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from markupsafe import Markup

from helpers import lesson, walkthrough
from helpers.certificates import CertificateAuthority, certificate_pem, is_issued_by
from helpers.dps import IndividualEnrollment, ProvisioningService
from helpers.lesson.course import answers
from helpers.lesson.course.exercises.exercise import EXERCISES, ExerciseCard, try_exercise
from helpers.lesson.course.journey import JOURNEY
from helpers.lesson.targets.scratch import registered_for_a_moment, with_code
from helpers.notebook import Notebook
from helpers.problem import Problem
from helpers.workspace import Workspace

SOLUTIONS = walkthrough.PROJECT / "notebooks" / "solutions"


def solution_of(notebook: str) -> Path:
    return SOLUTIONS / f"{notebook}.py"


def stub_of(notebook: str) -> str:
    source = nbformat.read(walkthrough.PROJECT / "notebooks" / f"{notebook}.ipynb", as_version=4)
    (cell,) = (cell for cell in source.cells if "exercise" in cell.metadata.get("tags", []))
    return str(cell.source)


def tried(workspace: Workspace, source: str | Path) -> ExerciseCard:
    """Return what the exercise's cell shows with this answer in it."""
    cards: list[ExerciseCard] = []

    def try_it(*given: Any) -> None:
        cards.append(try_exercise(workspace, *given))

    names = {"walkthrough": types.SimpleNamespace(try_exercise=try_it), "lesson": lesson}
    if isinstance(source, Path):
        runpy.run_path(str(source), names)
    else:
        exec(compile(source, "cell", "exec"), names)
    (card,) = cards
    return card


@pytest.fixture
def ready(workspace: Workspace) -> Workspace:
    workspace.update(target="local")
    return workspace


def test_every_notebook_except_the_final_test_has_one_exercise_and_one_solution() -> None:
    notebooks = [stop.notebook for stop in JOURNEY]
    assert notebooks == [each.stem for each in walkthrough.NOTEBOOKS]
    with_exercise = [each for each in notebooks if each != Notebook.FINAL_TEST]
    assert list(EXERCISES) == with_exercise
    assert sorted(file.stem for file in SOLUTIONS.glob("*.py")) == with_exercise


@pytest.mark.parametrize("notebook", EXERCISES)
def test_the_stub_is_not_solved_and_gives_no_hint_before_an_attempt(ready: Workspace, notebook: str) -> None:
    card = tried(ready, stub_of(notebook))
    assert card.solved is None
    assert "Your turn" in repr(card)
    assert card.hints == ()
    assert ready.facts.solved == ()
    assert ready.facts.attempts == {}


def test_hints_come_one_by_one_after_attempts_and_a_solved_exercise_is_remembered(ready: Workspace) -> None:
    first, second, third = (try_exercise(ready, "01_create_ca", lambda certificate, issuer: True) for _ in range(3))
    exercise = EXERCISES["01_create_ca"]
    assert first.hints == exercise.hints[:1]
    assert second.hints == exercise.hints
    assert third.hints[:2] == exercise.hints
    assert "solutions/01_create_ca.py" in third.hints[2]
    assert ready.facts.solved == ()
    tried(ready, solution_of("01_create_ca"))
    assert ready.facts.solved == ("01_create_ca",)
    try_exercise(ready, "01_create_ca", lambda certificate, issuer: True)
    assert ready.facts.solved == ("01_create_ca",), "a later attempt does not take it back"


@pytest.mark.parametrize("notebook", EXERCISES)
def test_the_solution_is_accepted(ready: Workspace, notebook: str) -> None:
    card = tried(ready, solution_of(notebook))
    assert (card.solved, "Solved" in repr(card)) == (True, True), card.message


@pytest.mark.parametrize("notebook", EXERCISES)
def test_the_solution_answers_the_question_of_the_stub(notebook: str) -> None:
    """The stub and the solution define the same function, and try it in the same way."""
    (call,) = (line for line in stub_of(notebook).splitlines() if line.startswith("walkthrough.try_exercise("))
    assert call in solution_of(notebook).read_text()
    question = next(line for line in stub_of(notebook).splitlines() if re.match(r"def |\w+ = \{", line))
    assert question.partition("{")[0] in solution_of(notebook).read_text()


def test_an_endless_loop_is_stopped_and_reported(ready: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_TIME_LIMIT_SECONDS", 1)

    def for_ever(*_given: Any) -> None:
        while True:
            pass

    card = try_exercise(ready, "06_provision_devices", for_ever)
    assert card.solved is False
    assert "still running after 1 second" in card.message


def test_a_learner_who_interrupts_a_loop_is_not_told_that_it_took_too_long(ready: Workspace) -> None:
    def interrupted(*_given: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        try_exercise(ready, "06_provision_devices", interrupted)


def test_an_answer_in_time_is_not_interrupted_later(ready: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(answers, "_TIME_LIMIT_SECONDS", 0.2)
    assert try_exercise(ready, "06_provision_devices", nothing).solved is False
    time.sleep(0.4)
    assert signal.getsignal(signal.SIGINT) is before


def nothing(*_given: Any) -> None:
    return None


def own_key(code: str, ca_certificate: x509.Certificate, ca_key: Any) -> x509.Certificate:
    """A proof that bears the CA's own public key."""
    names = runpy.run_path(
        str(solution_of("03_sign_verification_code")),
        {"walkthrough": types.SimpleNamespace(try_exercise=nothing)},
    )
    builder = x509.CertificateBuilder
    proof = names["verification_certificate"](code, ca_certificate, ca_key)
    again = builder().subject_name(proof.subject).issuer_name(proof.issuer).public_key(ca_certificate.public_key())
    again = again.serial_number(1).not_valid_before(proof.not_valid_before_utc)
    return again.not_valid_after(proof.not_valid_after_utc).sign(ca_key, proof.signature_hash_algorithm)


def later_by_another_key(code: str, ca_certificate: x509.Certificate, _ca_key: Any) -> x509.Certificate:
    """A proof that another key signed, and that is not valid yet."""
    proof = CertificateAuthority.create_root("x").sign_verification_code(code).certificate
    key, later = ec.generate_private_key(ec.SECP256R1()), proof.not_valid_after_utc + timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(proof.subject).issuer_name(ca_certificate.subject)
    builder = builder.public_key(key.public_key()).serial_number(1)
    return builder.not_valid_before(later).not_valid_after(later + timedelta(days=1)).sign(key, hashes.SHA256())


def another_issuer(code: str, ca_certificate: x509.Certificate, ca_key: Any) -> x509.Certificate:
    """A proof that names the CA above as its issuer."""
    proof = own_key(code, ca_certificate, ca_key)
    builder = x509.CertificateBuilder().subject_name(proof.subject).issuer_name(ca_certificate.issuer)
    builder = builder.public_key(ec.generate_private_key(ec.SECP256R1()).public_key()).serial_number(1)
    builder = builder.not_valid_before(proof.not_valid_before_utc).not_valid_after(proof.not_valid_after_utc)
    return builder.sign(ca_key, proof.signature_hash_algorithm)


def decided(notebook: str, **changed: str | None) -> dict[str, str | None]:
    """The decisions of a solution, some of them changed."""
    decisions: list[dict[str, str | None]] = []
    walkthrough = types.SimpleNamespace(try_exercise=lambda _notebook, given: decisions.append(given))
    runpy.run_path(str(solution_of(notebook)), {"walkthrough": walkthrough})
    return decisions[0] | changed


def chain_by_names(device: x509.Certificate, authorities: list[x509.Certificate]) -> list[x509.Certificate]:
    """A chain in which each certificate's issuer is found by its name."""
    by_name = {each.subject: each for each in authorities}
    chain = [device]
    while (above := by_name[chain[-1].issuer]).issuer != above.subject or above.subject == device.issuer:
        chain.append(above)
        if above.issuer == above.subject:
            break
    return chain


def in_the_wrong_order(device: x509.Certificate, authorities: list[x509.Certificate]) -> list[x509.Certificate]:
    """The right certificates, with those of the CAs from the top down."""
    path = chain_by_signatures(device, authorities)
    return [device, *reversed(path[1:])]


def chain_by_signatures(device: x509.Certificate, authorities: list[x509.Certificate]) -> list[x509.Certificate]:
    chain = [device]
    while chain[-1].issuer != chain[-1].subject:
        chain += [each for each in authorities if is_issued_by(chain[-1], each)]
    return chain[:-1]


def another_code(code: str, ca_certificate: x509.Certificate, ca_key: Any) -> x509.Certificate:
    """A proof for the code in lower case."""
    return own_key(code.lower(), ca_certificate, ca_key)


def for_one_exception(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Names that differ raise another exception."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except InvalidSignature:
        return False
    return True


def private_key_inside(_code: str, _ca_certificate: x509.Certificate, ca_key: Any) -> x509.CertificateBuilder:
    return x509.CertificateBuilder().public_key(ca_key)


def changed_record(_certificates: Any, stale: Any, _proof: bytes) -> None:
    stale.etag = "*"


def hash_of_pem(certificate: x509.Certificate) -> str:
    return hashlib.sha1(certificate_pem(certificate)).hexdigest().upper()


WRONG: list[tuple[str, Any, str]] = [
    ("00_start_here", lambda certificate, keys: keys[0], "a key that does not fit"),
    ("00_start_here", lambda certificate, keys: None, "It returned nothing"),
    ("00_start_here", lambda certificate, keys: certificate.public_key(), "one of the private keys"),
    ("01_create_ca", lambda certificate, issuer: certificate.issuer == issuer.subject, "another CA of the same name"),
    ("01_create_ca", lambda certificate, issuer: True, "another CA of the same name"),
    (
        "01_create_ca",
        lambda certificate, issuer: certificate.verify_directly_issued_by(issuer) is None,
        "another CA of the same name, it raised InvalidSignature. It should return False.",
    ),
    ("01_create_ca", for_one_exception, "a CA of another name, it raised ValueError"),
    ("02_upload_ca", lambda certificate: b"", "a string"),
    ("02_upload_ca", lambda certificate: "00" * 32, "64 characters"),
    ("02_upload_ca", lambda certificate: "00" * 20, "it should return"),
    ("03_sign_verification_code", nothing, "no certificate"),
    ("03_sign_verification_code", another_code, "it should be the code that your function gets"),
    (
        "03_sign_verification_code",
        lambda code, ca, key: CertificateAuthority.create_root("x").sign_verification_code(code).certificate,
        "Signed by the CA",
    ),
    ("03_sign_verification_code", lambda code, ca, key: ca, "Anyone may have it"),
    ("03_sign_verification_code", another_issuer, "It was signed with the right key, but it names"),
    ("03_sign_verification_code", private_key_inside, "Pass new_key.public_key()"),
    ("04_verify_ca", changed_record, "can't be changed"),
    ("04_verify_ca", nothing, "still unverified"),
    ("04_verify_ca", lambda certificates, stale, proof: certificates.verify(stale, proof), "412"),
    ("05_create_enrollment_group", decided("05_create_enrollment_group", A="accepted"), "is its group enabled?"),
    ("05_create_enrollment_group", decided("05_create_enrollment_group", B="certificate missing"), "what DPS lacks"),
    ("05_create_enrollment_group", decided("05_create_enrollment_group", C="accepted"), "Two CAs have the same name"),
    ("05_create_enrollment_group", decided("05_create_enrollment_group", C=None), "no answer for C yet"),
    ("05_create_enrollment_group", decided("05_create_enrollment_group", C="rejected"), "is not one of accepted"),
    ("06_provision_devices", chain_by_names, "don't compare names"),
    ("02_upload_ca", hash_of_pem, "hash of the PEM text"),
    ("06_provision_devices", lambda device, cas: cas, "comes first"),
    ("06_provision_devices", lambda device, cas: [device, *cas], "Leave out the root"),
    ("06_provision_devices", lambda device, cas: [device], "It stops at “pump-1”."),
    ("06_provision_devices", in_the_wrong_order, "right certificates in the wrong order"),
    ("07_when_access_ends", nothing, "no IndividualEnrollment"),
    (
        "07_when_access_ends",
        lambda name, certificate: IndividualEnrollment(name, certificate),
        "The enrollment is enabled",
    ),
    ("07_when_access_ends", lambda name, certificate: IndividualEnrollment("x", certificate, enabled=False), "id"),
    ("07_when_access_ends", lambda name, certificate: IndividualEnrollment(name, None, enabled=False), "certificate"),
    ("08_you_are_dps", nothing, "It rejects everything"),
    ("08_you_are_dps", lambda ca, code, sent, now: True, "It accepts everything"),
    (
        "09_the_attack",
        lambda registered, own: [each.name for each in registered],
        "It suspects a CA that is not verified",
    ),
    ("09_the_attack", lambda registered, own: [each.name for each in registered], "It suspects one of your own CAs"),
    ("09_the_attack", lambda registered, own: None, "It returned nothing."),
    ("09_the_attack", lambda registered, own: registered, "Return the names of the CAs"),
    ("09_the_attack", lambda registered, own: [], "whose-is-this"),
    ("11_clean_up", decided("11_clean_up", **{"ca/root.key.pem": "public"}), "issue certificates in your name"),
    ("11_clean_up", decided("11_clean_up", **{"devices/pump-1.pem": "secret"}), "shows in every handshake"),
]


@pytest.mark.parametrize(("notebook", "answer", "says"), WRONG)
def test_a_wrong_answer_gets_the_reason(ready: Workspace, notebook: str, answer: Any, says: str) -> None:
    card = try_exercise(ready, notebook, answer)
    assert card.solved is False
    assert says in repr(card), repr(card)


def test_a_proof_with_several_faults_gets_a_row_for_each_and_the_first_is_open(ready: Workspace) -> None:
    card = try_exercise(ready, "03_sign_verification_code", later_by_another_key)
    assert [each.name for each in card.failed] == ["Signed by the CA", "Dates of the proof"]
    assert "does not pass 2 of" in card.message
    for picture in (repr(card), card._repr_html_()):
        for each in card.failed:
            assert each.name in picture
            assert f"Fix: {each.remedy}" in Markup(picture).striptags()
    opened = re.findall(r"<details( open)?><summary><b>([^<]+)", card._repr_html_())
    assert opened == [(" open", "Signed by the CA"), ("", "Dates of the proof")]


def test_a_proof_with_the_cas_own_key_is_accepted_with_a_note_about_azure(
    ready: Workspace, dps: ProvisioningService
) -> None:
    """The local DPS accepts it, too. What Azure does is not publicly known."""
    card = try_exercise(ready, "03_sign_verification_code", own_key)
    assert card.solved is True, card.message
    assert "It is not known whether Azure does" in card.message
    ca = CertificateAuthority.create_root("Exercise CA")
    with registered_for_a_moment(dps, ca.certificate) as uploaded:
        coded = with_code(dps, uploaded)
        proof = own_key(str(coded.verification_code), ca.certificate, ca.private_key)
        assert dps.certificates.verify(coded, certificate_pem(proof)).verified


def test_a_revocation_that_was_created_at_dps_is_removed_again(workspace: Workspace, dps: ProvisioningService) -> None:
    """Otherwise it would stay at the learner's service, and 07's checkpoint would fail without a visible cause."""
    workspace.update(target="local")
    service = lesson.open(workspace.folder).rehearsal

    def create_it(name: str, certificate: x509.Certificate) -> IndividualEnrollment:
        return service.individual_enrollments.create(IndividualEnrollment(name, certificate, enabled=False))

    card = try_exercise(workspace, "07_when_access_ends", create_it)
    assert "Only return the IndividualEnrollment" in card.message
    assert workspace.facts.revoked_device is None
    assert dps.individual_enrollments.list() == []


def test_an_unknown_exercise_is_named(workspace: Workspace) -> None:
    with pytest.raises(Problem, match="11_more"):
        try_exercise(workspace, "11_more", nothing)


def test_the_text_of_a_learners_function_is_never_html() -> None:
    card = ExerciseCard("<b>", False, "<script>")
    assert "<script>" not in card._repr_html_()
    assert "<b>\n" in repr(card)
