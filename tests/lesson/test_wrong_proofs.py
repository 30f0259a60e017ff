"""The gallery: the service, OpenSSL and the examiner judge each wrong proof; cell, test and table have one source."""

import base64
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from helpers import walkthrough
from helpers.certificates import certificate_pem
from helpers.dps import stop_local_dps
from helpers.lesson.experiments import Gallery, wrong_proofs
from helpers.lesson.experiments.__main__ import PAGE, as_markdown
from helpers.lesson.experiments.exhibit import Exhibit
from helpers.lesson.experiments.wrong_proofs import WRONG_PROOFS, Answer, Attempt
from helpers.lesson.figures.picture import ours, plain
from helpers.lesson.targets import rehearse
from helpers.problem import Problem
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


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path_factory.mktemp("gallery") / "workspace")
    workspace.update(target="local")
    yield workspace
    stop_local_dps(workspace.local_dps_folder)


@pytest.fixture(scope="module")
def gallery(place: Workspace) -> Gallery:
    return Gallery(place)


@pytest.mark.parametrize("name", WRONG_PROOFS)
def test_the_service_answers_as_the_gallery_says(gallery: Gallery, name: str) -> None:
    exhibit = gallery.show(name)
    refusal, answer = exhibit.answer.refusal, WRONG_PROOFS[name].answer
    assert (refusal.status, refusal.code) == (answer.status, answer.code)
    assert ANSWERS_IN_WORDS[answer] in refusal.says
    assert f"In its own words: {refusal.says}\n" in repr(exhibit)
    assert [check.name for check in exhibit.answer.verdicts.checks if not check.passed] == EXAMINER[name]
    assert "A surprise" not in repr(exhibit)


@pytest.mark.parametrize("name", WRONG_PROOFS)
def test_afterwards_the_service_has_nothing_of_it(gallery: Gallery, place: Workspace, name: str) -> None:
    gallery.show(name)
    with rehearse(place)._management as client:
        services = [each.name for each in client.iot_dps_resource.list_by_subscription()]
    assert services == ["local-dps", "gallery-dps"]
    assert gallery._dps.certificates.list() == []
    assert rehearse(place).certificates.list() == []


def attempt(gallery: Gallery, name: str) -> tuple[Any, Attempt]:
    """Return the content of the request, and the CA that DPS has."""
    wrong = WRONG_PROOFS[name]
    authority = gallery._root if wrong.uploaded == "root" else gallery._intermediate
    stage = wrong_proofs.Stage(
        gallery._root, gallery._intermediate, gallery._sibling, authority, "AB" * 24, "CD" * 24, lambda: "EF" * 24
    )
    return authority, wrong.make(stage)


@pytest.mark.parametrize("name", [name for name, each in WRONG_PROOFS.items() if each.answer is not Answer.ACCEPTED])
def test_openssl_refuses_those_whose_signature_or_dates_are_wrong_and_only_those(
    gallery: Gallery, name: str, tmp_path: Path
) -> None:
    authority, sent = attempt(gallery, name)
    if sent.proof is None:
        return_code = subprocess.run(
            ["openssl", "x509", "-noout"], input=base64.b64decode(sent.sent), capture_output=True, check=False
        ).returncode
        assert return_code != 0, "OpenSSL reads no certificate in it"
        return
    (tmp_path / "ca.pem").write_bytes(certificate_pem(authority.certificate))
    (tmp_path / "proof.pem").write_bytes(certificate_pem(sent.proof))
    command = ["openssl", "verify", "-partial_chain", "-CAfile", "ca.pem", "proof.pem"]
    verdict = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    # OpenSSL accepts the CA itself because it was told to trust it; it does not know that a proof is required.
    wrong = WRONG_PROOFS[name].answer in (Answer.SIGNER, Answer.DATES) and name != "the_ca_itself"
    assert (verdict.returncode != 0) is wrong, verdict.stderr


@pytest.mark.parametrize("name", [name for name, each in WRONG_PROOFS.items() if each.answer is Answer.UNREADABLE])
def test_a_request_that_the_service_calls_an_internal_error_is_not_retried(gallery: Gallery, name: str) -> None:
    with gallery._dps.wire.chapter("once"):
        gallery.show(name)
    assert [each.status for each in gallery._dps.wire["once"]].count(500) == 1


def test_each_thing_that_dps_checks_is_among_them() -> None:
    assert {each.answer for each in WRONG_PROOFS.values()} == set(Answer) - {Answer.ACCEPTED}
    assert list(EXAMINER) == list(WRONG_PROOFS)


def test_the_notebook_shows_each_of_them_once_in_this_order() -> None:
    source = nbformat.read(walkthrough.PROJECT / "notebooks" / "08_gallery_of_wrong_proofs.ipynb", as_version=4)
    cells = [cell.source for cell in source.cells if cell.cell_type == "code"]
    shown = [match.group(1) for cell in cells if (match := re.fullmatch(r'gallery\.show\("(\w+)"\)', cell))]
    assert shown == list(WRONG_PROOFS)


def test_the_table_is_written_from_the_same_source() -> None:
    assert PAGE.read_text() == as_markdown(), "write it again: python -m helpers.lesson.experiments"


@pytest.mark.parametrize("name", WRONG_PROOFS)
def test_each_answer_has_its_own_words(name: str) -> None:
    wrong = WRONG_PROOFS[name]
    assert all(len(text) > 20 for text in (wrong.drawing, wrong.reason, wrong.fix))
    assert "->" in wrong.drawing or ";" in wrong.drawing or "," in wrong.drawing
    assert "|" not in wrong.title + wrong.drawing + wrong.reason + wrong.fix, "it stands in a table"


# --- predictions ---


def test_a_prediction_is_judged_and_the_answer_is_shown_only_then(gallery: Gallery) -> None:
    exhibit = gallery.show("namesake")
    story = exhibit._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in story
    control = exhibit.form._fields[0].control
    assert [label for label, _ in control.options] == ["Choose …", *(f"DPS {answer.words}" for answer in Answer)]
    assert exhibit.shown.value == ""
    choose(exhibit, Answer.ACCEPTED)
    assert "In fact, DPS rejects it." in exhibit.shown.value
    choose(exhibit, Answer.DATES)
    assert "DPS rejects it, but for another reason." in exhibit.shown.value
    assert "Names prove nothing" in exhibit.shown.value
    choose(exhibit, Answer.SIGNER)
    assert "That is right." in exhibit.shown.value


@pytest.mark.parametrize("name", [name for name, each in WRONG_PROOFS.items() if each.also])
def test_predicting_a_second_fault_is_right_and_the_examiner_finds_it_too(gallery: Gallery, name: str) -> None:
    exhibit = gallery.show(name)
    assert WRONG_PROOFS[name].also is Answer.NAME
    assert "Common name is the code" in EXAMINER[name]
    choose(exhibit, Answer.NAME)
    assert "✔ You predicted" in plain(ours(exhibit.shown.value))
    assert "The proof has that fault, too" in exhibit.shown.value


def test_the_answer_can_be_opened_without_a_prediction(gallery: Gallery) -> None:
    exhibit = gallery.show("namesake")
    exhibit.button.click()
    assert "You made no prediction" in exhibit.shown.value
    assert "✘ You" not in exhibit.shown.value


def test_a_stale_etag_is_shown_beside_the_current_one(gallery: Gallery) -> None:
    etags = dict(exhibit_facts(gallery.show("stale_etag")))
    assert etags["ETag in the request"] != etags["Current ETag"]
    assert "Current ETag" not in dict(exhibit_facts(gallery.show("expired")))


def exhibit_facts(exhibit: Exhibit) -> list[tuple[str, str]]:
    return [(name, str(text)) for name, text in exhibit._facts]


def test_the_score_counts_what_was_predicted_and_takes_every_form(place: Workspace) -> None:
    gallery = Gallery(place)
    right, wrong, _, opened = (gallery.show(name) for name in ("expired", "garbage", "namesake", "self_signed"))
    choose(right, Answer.DATES)
    wrong.form._fields[
        0
    ].control.value = Answer.SIGNER  # a prediction that was chosen counts even if the button was not pressed
    opened.button.click()
    score = gallery.score()
    assert "4 wrong proofs, 2 predictions, 1 of them right" in repr(score)
    assert [str(each.sign.striptags()) for each in score.reveals] == ["✔", "✘", "·", "·"]
    assert "no prediction" in score._repr_html_()
    assert all((each.answer.refusal.status or 0) >= 400 for each in score.reveals)


def test_a_choice_after_the_answer_was_shown_does_not_count(place: Workspace) -> None:
    gallery = Gallery(place)
    pressed_again, changed = gallery.show("expired"), gallery.show("garbage")
    choose(pressed_again, Answer.SIGNER)
    choose(pressed_again, Answer.DATES)
    assert f"Your first prediction counts: {Answer.SIGNER}." in plain(ours(pressed_again.shown.value))
    choose(changed, Answer.SIGNER)
    changed.form._fields[0].control.value = Answer.UNREADABLE
    assert "2 wrong proofs, 2 predictions, 0 of them right" in repr(gallery.score())


def test_a_code_is_shown_with_the_service_that_generated_it(gallery: Gallery) -> None:
    assert "Its CN (the other service's code)" in dict(exhibit_facts(gallery.show("another_services_code")))
    assert "Its CN (the code before the newest)" in dict(exhibit_facts(gallery.show("old_code")))


def choose(exhibit: Exhibit, answer: Answer) -> None:
    exhibit.form._fields[0].control.value = answer
    exhibit.button.click()


def test_without_widgets_the_answer_is_folded(gallery: Gallery) -> None:
    html = gallery.show("expired")._repr_mimebundle_()["text/html"]
    story, _, folded = html.partition("<details>")
    assert "Sent after three days" in story
    assert "The fix" not in story
    assert "Decide first" in folded
    assert "The fix" in folded


def test_an_unknown_exhibit_is_named_with_those_that_exist(gallery: Gallery) -> None:
    with pytest.raises(Problem, match="no_such") as caught:
        gallery.show("no_such")
    assert "namesake" in caught.value.next_step


def test_an_answer_of_the_service_that_differs_is_shown(gallery: Gallery) -> None:
    exhibit = gallery.show("garbage")
    exhibit.answer.refusal.status = 400
    assert "A surprise" in repr(exhibit)
    assert "rely on its answer" in exhibit._repr_html_()


def test_no_private_key_is_in_what_an_exhibit_shows(gallery: Gallery) -> None:
    exhibit = gallery.show("private_key")
    exhibit.button.click()
    everything = str(exhibit._repr_mimebundle_()) + str(exhibit.shown.value)
    assert "BEGIN" not in everything
    assert "LS0tLS1CRUdJTi" not in everything  # its beginning in base64
