"""The service, OpenSSL and the examiner judge each wrong and each good proof; notebook, test and table have one source."""

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from helpers.certificates import certificate_pem, examine_proof
from helpers.dps import stop_local_dps
from helpers.lesson.experiments.__main__ import PAGE, as_markdown
from helpers.lesson.experiments.exhibit import DpsAnswer
from helpers.lesson.experiments.gallery import rehearsed_exhibits, send_exhibits
from helpers.lesson.experiments.good_proofs import GOOD_PROOFS
from helpers.lesson.experiments.proof_case import Answer
from helpers.lesson.experiments.wrong_proofs import WRONG_PROOFS
from helpers.lesson.targets import rehearse
from helpers.lesson.targets.scratch import answer_to, registered_for_a_moment
from helpers.workspace import Workspace

# The examiner's objections, before anything is sent. It does not know ETags, and knows only the code that it is given.
EXAMINER = {
    "another_common_name": ["Common name is the code"],
    "lower_case_code": ["Common name is the code"],
    "old_code": ["Common name is the code"],
    "another_services_code": ["Common name is the code"],
    "namesake": ["Signed by the CA"],
    "sibling_intermediate": ["Signed by the CA"],
    "root_instead_of_intermediate": ["Signed by the CA"],
    "intermediate_instead_of_root": ["Signed by the CA"],
    "signed_by_a_device": ["Signed by the CA"],
    "self_signed": ["Signed by the CA"],
    "the_ca_itself": ["Not the CA itself", "Common name is the code", "Signed by the CA"],
    "expired": ["Dates of the proof"],
    "not_yet_valid": ["Dates of the proof"],
    "garbage": ["Encoding"],
    "signing_request": ["Encoding"],
    "private_key": ["Encoding"],
    "double_base64": ["Encoding"],
    "no_code_asked_for": ["Common name is the code"],
    "stale_etag": [],
}
ANSWERS_IN_WORDS = {
    Answer.SIGNER: "Issuer certificate",
    Answer.NAME: "does not match the verification code",
    Answer.DATES: "not within its validity period",
    Answer.NO_CODE: "No verification code is outstanding",
    Answer.UNREADABLE: "Internal Error",
    Answer.KEY: "contains a private key",
    Answer.ETAG: "Invalid ETag supplied",
}


CASES = WRONG_PROOFS | GOOD_PROOFS


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path_factory.mktemp("exhibits") / "workspace")
    workspace.update(target="local")
    yield workspace
    stop_local_dps(workspace.local_dps_folder)


@pytest.fixture(scope="module")
def answers(place: Workspace) -> dict[str, DpsAnswer]:
    """The answers of the service, by the case's name."""
    return {each.answer.case.name: each.answer for each in send_exhibits(place)}


@pytest.mark.parametrize("name", WRONG_PROOFS)
def test_the_service_rejects_each_wrong_proof_as_its_description_says(answers: dict[str, DpsAnswer], name: str) -> None:
    given, answer = answers[name], WRONG_PROOFS[name].answer
    assert given.refusal is not None
    assert (given.refusal.status, given.refusal.code) == (answer.status, answer.code)
    assert ANSWERS_IN_WORDS[answer] in given.refusal.says
    assert f"DPS says: {given.refusal.says}\n" in repr(given)
    assert "A surprise" not in repr(given)
    assert given.is_good is (name == "stale_etag")


@pytest.mark.parametrize("name", GOOD_PROOFS)
def test_the_service_accepts_each_good_proof(answers: dict[str, DpsAnswer], name: str) -> None:
    assert answers[name].refusal is None
    assert answers[name].is_good
    assert "A surprise" not in repr(answers[name])


@pytest.mark.parametrize("name", CASES)
def test_the_examiner_objects_to_what_is_wrong_and_to_nothing_else(answers: dict[str, DpsAnswer], name: str) -> None:
    given = answers[name]
    failed = [check.name for check in examine_proof(given.sent, given.ca, given.code).failed]
    assert failed == EXAMINER.get(name, [])


def test_the_workspace_notes_each_answer(place: Workspace, answers: dict[str, DpsAnswer]) -> None:
    noted = place.outcomes("08_you_are_dps")["answers"]
    assert noted == {name: CASES[name].answer.status for name in answers}
    assert noted.keys() == CASES.keys()


def test_afterwards_the_service_has_nothing_of_it(place: Workspace, answers: dict[str, DpsAnswer]) -> None:
    assert answers
    with closing(rehearse(place)) as dps, dps._management as client:
        services = [each.name for each in client.iot_dps_resource.list_by_subscription()]
    assert services == ["local-dps"]
    with closing(rehearse(place)) as dps:
        assert dps.certificates.list() == []


@pytest.mark.parametrize("name", CASES)
def test_openssl_refuses_those_whose_signature_or_dates_are_wrong_and_only_those(
    answers: dict[str, DpsAnswer], name: str, tmp_path: Path
) -> None:
    given, proof = answers[name], answers[name].attempt.proof
    if proof is None:
        return_code = subprocess.run(
            ["openssl", "x509", "-noout"], input=given.sent, capture_output=True, check=False
        ).returncode
        assert return_code != 0, "OpenSSL reads no certificate in it"
        return
    (tmp_path / "ca.pem").write_bytes(certificate_pem(given.ca))
    (tmp_path / "proof.pem").write_bytes(certificate_pem(proof))
    command = ["openssl", "verify", "-partial_chain", "-CAfile", "ca.pem", "proof.pem"]
    verdict = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    # OpenSSL accepts the CA itself because it was told to trust it; it does not know that a proof is required.
    wrong = CASES[name].answer in (Answer.SIGNER, Answer.DATES) and name != "the_ca_itself"
    assert (verdict.returncode != 0) is wrong, verdict.stderr


@pytest.mark.parametrize("name", [name for name, each in CASES.items() if each.answer is Answer.UNREADABLE])
def test_a_request_that_the_service_calls_an_internal_error_is_not_retried(
    place: Workspace, answers: dict[str, DpsAnswer], name: str
) -> None:
    given = answers[name]
    with (
        closing(rehearse(place)) as dps,
        registered_for_a_moment(dps, given.ca) as uploaded,
        dps.wire.chapter("once"),
    ):
        answer_to(dps, uploaded, given.attempt.sent)
    assert [each.status for each in dps.wire["once"]].count(500) == 1


def test_each_thing_that_dps_checks_is_among_them() -> None:
    assert {each.answer for each in WRONG_PROOFS.values()} == set(Answer) - {Answer.ACCEPTED}
    assert {each.answer for each in GOOD_PROOFS.values()} == {Answer.ACCEPTED}
    assert list(EXAMINER) == list(WRONG_PROOFS)


def test_the_table_is_written_from_the_same_source() -> None:
    assert PAGE.read_text() == as_markdown(), "write it again: python -m helpers.lesson.experiments"


@pytest.mark.parametrize("name", CASES)
def test_each_case_is_described(name: str) -> None:
    case = CASES[name]
    assert all(len(text) > 20 for text in (case.drawing, case.reason, case.fix))
    assert "->" in case.drawing or ";" in case.drawing or "," in case.drawing
    assert "|" not in case.title + case.drawing + case.reason + case.fix, "it stands in a table"


def test_no_title_is_used_twice() -> None:
    assert len({case.title for case in CASES.values()}) == len(CASES)


def test_a_stale_etag_is_shown_beside_the_current_one(answers: dict[str, DpsAnswer]) -> None:
    etags = dict(answers["stale_etag"].rows())
    assert etags["ETag in the request"] != etags["Current ETag"]
    assert "Current ETag" not in dict(answers["expired"].rows())


def test_a_code_is_shown_with_the_service_that_generated_it(answers: dict[str, DpsAnswer]) -> None:
    assert "Its CN (the other service's code)" in dict(answers["another_services_code"].rows())
    assert "Its CN (the code before the newest)" in dict(answers["old_code"].rows())


def test_an_answer_of_the_service_that_differs_is_shown(place: Workspace) -> None:
    """The rehearsed exhibits have no refusal, as if the service had accepted each of them."""
    (given,) = (each.answer for each in rehearsed_exhibits(place) if each.answer.case.name == "garbage")
    assert "A surprise" in repr(given)
    assert "rely on its answer" in given._repr_html_()


def test_no_private_key_is_in_what_an_answer_shows(answers: dict[str, DpsAnswer]) -> None:
    everything = answers["private_key"]._repr_html_() + repr(answers["private_key"])
    assert "BEGIN" not in everything
    assert "LS0tLS1CRUdJTi" not in everything  # its beginning in base64


# --- the order ---


def order(exhibits: list) -> list[str]:
    return [each.answer.case.name for each in exhibits]


def test_each_workspace_keeps_its_own_order(place: Workspace, tmp_path: Path) -> None:
    sent = send_exhibits(place)
    assert order(sent) == order(send_exhibits(place))
    assert [each.number for each in sent] == list(range(1, len(CASES) + 1))
    assert order(sent) != list(CASES)
    seeds = {Workspace(tmp_path / secrets.token_hex(2)).exhibit_seed() for _ in range(3)}
    assert len(seeds) == 3


def test_the_target_azure_leaves_out_what_is_not_known_there(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    workspace.update(target="azure")
    assert {*CASES} - {*order(rehearsed_exhibits(workspace))} == {"own_public_key"}
