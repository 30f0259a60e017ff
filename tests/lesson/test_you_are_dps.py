"""Verifiers as a learner writes them: each misconception gets its own explanation, and a right verifier gets none."""

import re
import runpy
import types
from collections.abc import Callable, Iterator
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any

import nbformat
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from helpers import walkthrough
from helpers.dps import stop_local_dps
from helpers.lesson import Unsolved
from helpers.lesson.course.exercises.exercise import try_exercise
from helpers.lesson.course.judging.decisions import decide_all
from helpers.lesson.course.judging.judging_pictures import Comparison, Scores
from helpers.lesson.course.judging.misconceptions import _MISCONCEPTIONS, diagnose
from helpers.lesson.course.judging.you_are_dps import Exhibits
from helpers.lesson.experiments.gallery import rehearsed_exhibits
from helpers.lesson.experiments.good_proofs import GOOD_PROOFS
from helpers.lesson.experiments.wrong_proofs import WRONG_PROOFS
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.lesson.cells import Notebook

SOLUTION = walkthrough.PROJECT / "notebooks" / "solutions" / "08_you_are_dps.py"
CASES = WRONG_PROOFS | GOOD_PROOFS


IGNORED = types.SimpleNamespace(try_exercise=lambda *_: None)
correct: Callable[..., bool] = runpy.run_path(str(SOLUTION), {"walkthrough": IGNORED})["verify_proof"]
"""The solution."""


def read(sent: bytes) -> x509.Certificate:
    is_pem = b"-----BEGIN CERTIFICATE-----" in sent
    return (x509.load_pem_x509_certificate if is_pem else x509.load_der_x509_certificate)(sent)


def common_names(proof: x509.Certificate) -> list[Any]:
    return [each.value for each in proof.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]


def is_signed(proof: x509.Certificate, ca: x509.Certificate) -> bool:
    proof.verify_directly_issued_by(ca)
    return True


def is_in_time(proof: x509.Certificate, now: datetime) -> bool:
    return proof.not_valid_before_utc <= now <= proof.not_valid_after_utc


def compares_names(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    proof = read(sent)
    return proof.issuer == ca.subject and common_names(proof) == [code] and is_in_time(proof, now)


def compares_names_and_forgets_dates(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    proof = read(sent)
    return proof.issuer == ca.subject and common_names(proof) == [code]


def forgets_dates(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    proof = read(sent)
    return is_signed(proof, ca) and common_names(proof) == [code]


def looks_at_the_end_only(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    proof = read(sent)
    return is_signed(proof, ca) and common_names(proof) == [code] and now <= proof.not_valid_after_utc


def ignores_the_code(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    proof = read(sent)
    return is_signed(proof, ca) and is_in_time(proof, now)


def checks_the_signature_alone(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    return is_signed(x509.load_pem_x509_certificate(sent), ca)


def trusts_the_common_name(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    proof = read(sent)
    return common_names(proof) == [code] and is_in_time(proof, now)


def trusts_the_common_name_in_any_case(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    proof = read(sent)
    return common_names(proof)[0].upper() == code and is_in_time(proof, now)


def trusts_any_certificate(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    return is_in_time(read(sent), now)


def accepts_the_ca_itself(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    return read(sent) == ca or correct(ca, code, sent, now)


def accepts_the_ca_above(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    return read(sent).issuer == ca.issuer or correct(ca, code, sent, now)


def accepts_what_looks_like_a_code(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    proof = read(sent)
    (name,) = common_names(proof)
    return is_signed(proof, ca) and len(name) == 48 and name.isupper() and is_in_time(proof, now)


def looks_for_the_code_in_the_name(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    proof = read(sent)
    (name,) = common_names(proof)
    return is_signed(proof, ca) and code in name and len(name) == 48 and is_in_time(proof, now)


def looks_for_the_code_in_what_cant_be_read(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    try:
        read(sent)
    except ValueError:
        return code.encode() in sent
    return correct(ca, code, sent, now)


def reads_pem_only(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    x509.load_pem_x509_certificate(sent)
    return correct(ca, code, sent, now)


def knows_ec_only(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    proof, key = read(sent), ca.public_key()
    assert proof.signature_hash_algorithm is not None
    key.verify(proof.signature, proof.tbs_certificate_bytes, ec.ECDSA(proof.signature_hash_algorithm))  # type: ignore
    return correct(ca, code, sent, now)


def compares_the_subject(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    proof = read(sent)
    return is_signed(proof, ca) and proof.subject.rfc4514_string() == f"CN={code}" and is_in_time(proof, now)


def demands_extensions(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    return len(read(sent).extensions) > 0 and correct(ca, code, sent, now)


def limits_the_life(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    proof = read(sent)
    return (proof.not_valid_after_utc - proof.not_valid_before_utc).days < 100 and correct(ca, code, sent, now)


def demands_an_intermediate(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    return ca.issuer != ca.subject and correct(ca, code, sent, now)


def accepts_all(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    return True


def returns_nothing(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> None:
    correct(ca, code, sent, now)


def is_unsolved(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    raise Unsolved


EXPLAINED: dict[Callable[..., Any], list[str]] = {
    correct: [],
    compares_names: ["It compares names"],
    compares_names_and_forgets_dates: ["It compares names", "It forgets the dates"],
    forgets_dates: ["It forgets the dates"],
    looks_at_the_end_only: ["It looks at one end of the validity period only"],
    ignores_the_code: ["It ignores the code"],
    checks_the_signature_alone: ["It ignores the code", "It forgets the dates", "It reads PEM only"],
    trusts_the_common_name: ["It trusts the common name"],
    trusts_the_common_name_in_any_case: ["It trusts the common name", "It ignores case"],
    trusts_any_certificate: ["It accepts any certificate, whoever signed it"],
    accepts_the_ca_itself: ["It accepts the CA itself"],
    accepts_the_ca_above: ["It accepts a relative of the CA", "It accepts the CA itself"],
    accepts_what_looks_like_a_code: ["It accepts a code that is not the newest"],
    looks_for_the_code_in_the_name: ["It accepts a code that is not the newest"],
    looks_for_the_code_in_what_cant_be_read: ["It accepts what is not a certificate"],
    reads_pem_only: ["It reads PEM only"],
    knows_ec_only: ["It knows only EC keys"],
    compares_the_subject: ["It compares the whole subject"],
    demands_extensions: ["It demands an extension"],
    limits_the_life: ["It limits the validity period"],
    demands_an_intermediate: ["It rejects “A root that proves itself”"],
    accepts_all: ["It accepts everything"],
    returns_nothing: ["It rejects everything"],
}


@pytest.fixture
def local(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.mark.parametrize("verifier", EXPLAINED, ids=lambda verifier: verifier.__name__)
def test_each_misconception_gets_its_own_explanation_and_no_other(local: Workspace, verifier: Any) -> None:
    decisions = decide_all(verifier, rehearsed_exhibits(local))
    found = diagnose(decisions)
    assert [each.heading for each in found] == EXPLAINED[verifier]
    explained = [each.name for diagnosis in found for each in diagnosis.decisions]
    assert sorted(explained) == sorted(each.name for each in decisions if not each.is_right)


def test_every_misconception_is_held_by_one_of_these_verifiers() -> None:
    held = {heading for headings in EXPLAINED.values() for heading in headings}
    assert {each.heading for each in _MISCONCEPTIONS} <= held


def test_a_misconception_explains_cases_that_exist() -> None:
    assert {name for each in _MISCONCEPTIONS for name in each.explains} <= CASES.keys()


@pytest.mark.parametrize(
    "verifier", [each for each, found in EXPLAINED.items() if found], ids=lambda each: each.__name__
)
def test_the_exercise_tells_the_first_of_them_with_the_score(local: Workspace, verifier: Any) -> None:
    card = try_exercise(local, "08_you_are_dps", verifier)
    assert card.solved is False
    assert f"of {len(CASES)} right. {EXPLAINED[verifier][0]}." in card.message


def test_the_exercise_names_the_exception_that_rejected_a_good_proof(local: Workspace) -> None:
    assert "It raised TypeError" in try_exercise(local, "08_you_are_dps", knows_ec_only).message


# --- beside the service ---


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path_factory.mktemp("you") / "workspace")
    workspace.update(target="local")
    yield workspace
    stop_local_dps(workspace.local_dps_folder)


@pytest.fixture(scope="module")
def exhibits(place: Workspace) -> Exhibits:
    return Exhibits(place)


def test_the_service_decides_as_the_solution_does(exhibits: Exhibits, place: Workspace) -> None:
    shown = exhibits.compare(correct)
    assert isinstance(shown, Comparison)
    assert shown.diagnoses == []
    assert repr(shown).startswith("28 of 28 right")
    assert "class='card accepted'" in shown._repr_html_()
    assert "DPS rejected this request for its ETag" in repr(shown), "the one that DPS rejects, and the solution accepts"
    assert place.outcomes("08_you_are_dps")["right_decisions"] == [28, 28]


def test_the_learners_score_is_noted_beside_the_answers(exhibits: Exhibits, place: Workspace) -> None:
    exhibits.compare(ignores_the_code)
    noted = place.outcomes("08_you_are_dps")
    assert noted["right_decisions"] == [23, 28]
    assert len(noted["answers"]) == 28


def test_each_step_raises_the_score_which_is_shown_beside_the_earlier_ones(exhibits: Exhibits) -> None:
    steps = {
        "nothing": (accepts_all, 10),
        "the signature": (checks_the_signature_alone, 20),
        "the code": (lambda *given: checks_the_signature_alone(*given) and forgets_dates(*given), 25),
        "the dates": (reads_pem_only, 27),
        "everything": (correct, 28),
    }
    for checks, (verifier, _) in steps.items():
        shown = exhibits.try_verifier(verifier, checks)
    for checks, (_, right) in steps.items():
        assert f"  {checks}: {right} of 28 right" in repr(shown)
    again = exhibits.try_verifier(forgets_dates, "nothing")
    assert isinstance(again, Scores)
    assert list(again.decisions) == [*list(steps)[1:], "nothing"], "a repeated try replaces the earlier one"
    assert repr(again).startswith("26 of 28")


def test_an_exhibit_shows_what_dps_sees_and_neither_its_title_nor_the_answer(exhibits: Exhibits) -> None:
    for number in range(1, 29):
        exhibit = exhibits[number]
        shown = exhibit._repr_html_() + repr(exhibit)
        case = exhibit.answer.case
        for told in (case.name, case.title, case.reason, str(case.answer), "PRIVATE"):
            assert told not in shown
        assert f"Exhibit {number}" in shown


def test_a_score_shows_no_title(exhibits: Exhibits) -> None:
    shown = exhibits.try_verifier(accepts_all, "nothing")
    everything = shown._repr_html_() + repr(shown)
    assert "ETag" not in everything
    assert not re.search(r"accepts 1?\d,", everything), "it does not say which exhibits DPS accepts"
    assert "It wrongly accepts" in everything
    assert [case.title for case in CASES.values() if case.title in everything] == []


def test_a_comparison_names_the_exhibits_for_which_the_function_raised(exhibits: Exhibits) -> None:
    shown = exhibits.compare(knows_ec_only)
    (rsa,) = (each for each in map(exhibits.__getitem__, range(1, 29)) if each.answer.case.name == "rsa_key")
    assert f"For exhibit {rsa.number}, your function raised TypeError" in repr(shown)
    assert "Your function raised an exception for" in repr(shown)
    assert "raised an exception" not in repr(exhibits.compare(accepts_all))


def test_an_unknown_number_is_named(exhibits: Exhibits) -> None:
    with pytest.raises(Problem, match="no exhibit 29"):
        exhibits[29]


def test_the_reveal_shows_each_exhibit_with_the_learners_decision(exhibits: Exhibits) -> None:
    shown = exhibits.reveal(compares_names)
    html = shown._repr_html_()
    assert html.count("<details><summary>") == 2 * len(CASES), "each has the examiner's findings inside"
    for case in CASES.values():
        assert case.title in repr(shown)
        assert case.reason in repr(shown)
    assert "Another CA of the same name DPS rejects ✘ you accept" in repr(shown)
    assert "A good proof with the first ETag DPS rejects the request, not the proof ✔ you accept" in repr(shown)


def test_before_the_exercise_is_solved_nothing_fails_and_the_reveal_is_complete(exhibits: Exhibits) -> None:
    assert "Your turn" in repr(exhibits.try_verifier(is_unsolved, "nothing"))
    assert "Your turn" in repr(exhibits.compare(is_unsolved))
    revealed = exhibits.reveal(is_unsolved)
    assert repr(revealed) == "You have not decided yet"
    above, _, folded = unescape(revealed._repr_html_()).partition("<details>")
    assert [case.title for case in CASES.values() if case.title in above or case.title not in folded] == []


def test_an_endless_loop_is_reported(exhibits: Exhibits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpers.lesson.course.answers._TIME_LIMIT_SECONDS", 0.3)

    def for_ever(*_given: Any) -> None:
        while True:
            pass

    assert "still running" in repr(exhibits.compare(for_ever))


# --- the replay ---


@pytest.mark.parametrize(("verifier", "who"), [(correct, "verify_proof"), (is_unsolved, "not solved yet")])
def test_an_old_proof_passes_with_a_constant_code_and_fails_with_a_random_one(
    exhibits: Exhibits, verifier: Any, who: str
) -> None:
    shown = exhibits.replay(verifier, "ALWAYS-THE-SAME-CODE")
    assert (shown.with_constant, shown.with_random) == (True, False)
    assert who in repr(shown)


def test_a_verifier_that_ignores_the_code_accepts_the_old_proof_in_any_case(exhibits: Exhibits) -> None:
    shown = exhibits.replay(ignores_the_code, "ALWAYS-THE-SAME-CODE")
    assert (shown.with_constant, shown.with_random) == (True, True)


# --- the notebook ---


def test_the_notebook_gives_no_exhibit_away() -> None:
    source = nbformat.read(walkthrough.PROJECT / "notebooks" / "08_you_are_dps.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in source.cells)
    assert [name for name, case in CASES.items() if name in text or case.title in text] == []


def test_the_notebook_reaches_its_checkpoint_without_a_solution(place: Workspace) -> None:
    assert "DPS has judged all 28 proofs" in repr(Notebook("08", place).run())


def test_the_notebooks_last_cells_judge_the_function_that_the_learner_wrote(place: Workspace) -> None:
    notebook = Notebook("08", place)
    notebook.run(until="exhibits.compare")
    notebook.names["verify_proof"] = correct
    assert repr(notebook.cell("exhibits.compare")).startswith("28 of 28")
    assert "you have not decided" not in repr(notebook.cell("exhibits.reveal"))
    assert "verify_proof" in repr(notebook.cell("exhibits.replay"))
