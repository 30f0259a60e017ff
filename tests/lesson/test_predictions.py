"""Predictions and recall: the control, what it stores, and the explanation that each answer gets."""

from html import unescape
from itertools import pairwise
from typing import Any

import nbformat
import pytest
from markupsafe import escape

from helpers import lesson, walkthrough
from helpers.lesson.course.questions.bank import read_bank
from helpers.lesson.course.questions.predictions import predict, right_predictions
from helpers.lesson.course.questions.question import answer_from_solutions
from helpers.lesson.course.questions.recall import recall
from helpers.lesson.figures import Outcomes
from helpers.notebook import Notebook
from helpers.problem import Problem
from helpers.workspace import Workspace

BANKS = ("predictions", "recall", "decisions")
HAPPENED = Outcomes({"the same bytes": True, "one byte changed": False, "another public key": False})


def sources(notebook: str) -> list[str]:
    cells = nbformat.read(walkthrough.PROJECT / "notebooks" / f"{notebook}.ipynb", as_version=4).cells
    return [cell.source for cell in cells]


@pytest.mark.parametrize("bank", BANKS)
def test_every_choice_is_explained_and_no_two_say_the_same(bank: str) -> None:
    for name, (_, question) in read_bank(bank).items():
        assert "?" in question.asks, name
        texts = [text for choice in question.choices.values() for text in (choice.says, choice.why)]
        assert len(set(texts)) == len(texts), name
        assert all(text.endswith(".") for text in texts), name


def test_the_right_answer_is_not_always_at_the_same_place() -> None:
    for bank in ("predictions", "recall"):
        places = [list(question.choices).index(question.right) for _, question in read_bank(bank).values()]
        assert max(places.count(place) for place in set(places)) <= 0.6 * len(places), bank


def test_each_prediction_stands_right_before_its_experiment_and_in_the_notebook_that_the_bank_names() -> None:
    for name, (notebook, _) in read_bank("predictions").items():
        cells = sources(notebook)
        (asked,) = (position for position, cell in enumerate(cells) if f'walkthrough.predict("{name}")' in cell)
        shown = next(
            position for position, cell in enumerate(cells) if position > asked and "prediction.beside(" in cell
        )
        assert not any("walkthrough.predict(" in cell for cell in cells[asked + 1 : shown]), name


def test_the_texts_before_an_experiment_do_not_tell_its_outcome() -> None:
    """The sentence that explains the outcome is one of the bank's, and stands in no cell."""
    for notebook in Notebook:
        text = " ".join(" ".join(sources(notebook)).split())
        for name, (_, question) in read_bank("predictions").items():
            assert question.choices[question.right].why not in text, name


def test_without_a_prediction_the_outcome_is_folded_and_nothing_is_stored(workspace: Workspace) -> None:
    compared = predict(workspace, "signatures").beside(HAPPENED)
    assert compared.html().count("<details") == 1
    assert "Choose an answer above" in repr(compared)
    assert workspace.facts.predictions == {}


def test_what_happened_is_marked_among_the_choices_once_an_answer_was_judged(workspace: Workspace) -> None:
    card = predict(workspace, "signatures")
    (asked,) = card.asked
    card.beside(HAPPENED)
    assert asked.box._dom_classes == ("dps-question",), "there was no answer"
    asked.control.value = "AAR"
    card.beside(HAPPENED)
    number = list(asked.question.choices).index("ARR") + 1
    assert set(asked.box._dom_classes) == {"dps-question", "dps-judged", f"dps-right-{number}"}


@pytest.mark.parametrize(("chosen", "word"), [("ARR", "as predicted"), ("AAR", "not what happened")])
def test_what_happened_stands_beside_what_was_predicted(workspace: Workspace, chosen: str, word: str) -> None:
    card = predict(workspace, "signatures")
    card.asked[0].control.value = chosen
    compared = card.beside(HAPPENED)
    _, question = read_bank("predictions")["signatures"]
    for shown in (repr(compared), compared.html()):
        assert word in shown
        assert question.choices[chosen].why in unescape(shown)
        assert question.choices["ARR"].why in unescape(shown)
    assert compared.is_right == (chosen == "ARR")
    assert workspace.facts.predictions == {"signatures": (chosen, "ARR")}
    assert right_predictions(workspace, "01_create_ca") == (int(chosen == "ARR"), 1)


def test_a_second_run_without_a_prediction_keeps_the_first(workspace: Workspace) -> None:
    card = predict(workspace, "signatures")
    card.asked[0].control.value = "AAR"
    card.beside(HAPPENED)
    again = predict(workspace, "signatures")
    assert again.asked[0].choice == "AAR"
    assert again.beside(HAPPENED).title == "Your prediction"
    assert workspace.facts.predictions == {"signatures": ("AAR", "ARR")}


def test_a_prediction_made_after_the_outcome_does_not_count(workspace: Workspace) -> None:
    card = predict(workspace, "signatures")
    card.asked[0].control.value = "AAR"
    card.beside(HAPPENED)
    card.asked[0].control.value = "ARR"
    compared = card.beside(HAPPENED)
    assert (compared.title, compared.is_right) == ("Your first prediction, which counts", False)
    assert card.asked[0].choice == "AAR"
    assert right_predictions(workspace, "01_create_ca") == (0, 1)


def test_what_really_happened_counts_and_not_what_the_bank_expects(workspace: Workspace) -> None:
    card = predict(workspace, "signatures")
    card.asked[0].control.value = "ARR"
    assert not card.beside(Outcomes({"the same bytes": True, "one byte changed": True, "another": False})).is_right


def test_an_unknown_prediction_is_named(workspace: Workspace) -> None:
    with pytest.raises(Problem, match="no-such"):
        predict(workspace, "no-such")


@pytest.fixture
def no_learner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpers.lesson.course.questions.question._is_answering", False)
    answer_from_solutions()


@pytest.mark.usefixtures("no_learner")
def test_where_no_learner_is_present_each_question_answers_itself(workspace: Workspace) -> None:
    compared = predict(workspace, "signatures").beside(HAPPENED)
    assert (compared.title, compared.is_right) == ("An example of a prediction", True)
    assert all(ask.choice == ask.question.right for ask in recall(workspace, "05_create_enrollment_group").asked)


def test_a_question_is_shown_without_its_answer(workspace: Workspace) -> None:
    card = predict(workspace, "signatures")
    shown: dict[str, Any] = card._repr_mimebundle_()
    _, question = read_bank("predictions")["signatures"]
    for text in (shown["text/plain"], shown["text/html"]):
        assert question.asks in unescape(text)
        for choice in question.choices.values():
            assert choice.says in unescape(text)
            assert choice.why not in unescape(text)


# --- recall ---


def test_questions_that_were_not_asked_yet_come_first(workspace: Workspace) -> None:
    taught_before_04 = {name for name, (notebook, _) in read_bank("recall").items() if notebook in list(Notebook)[:4]}
    asked = [recall(workspace, notebook).asked for notebook in list(Notebook)[2:5]]
    names = [ask.question.name for two in asked for ask in two]
    assert len(set(names)) == 6
    assert set(names) <= taught_before_04


@pytest.mark.parametrize("notebook", list(Notebook)[2:])
def test_a_notebook_asks_two_questions_of_earlier_ones_and_never_the_same_twice_in_a_row(
    workspace: Workspace, notebook: Notebook
) -> None:
    earlier = list(Notebook)[: list(Notebook).index(notebook)]
    drawn = [[ask.question.name for ask in recall(workspace, notebook).asked] for _ in range(6)]
    for names in drawn:
        assert len(set(names)) == 2
        assert all(read_bank("recall")[name][0] in earlier for name in names)
    assert all(not set(one) & set(next_one) for one, next_one in pairwise(drawn))


@pytest.mark.parametrize("notebook", list(Notebook)[2:])
def test_each_notebook_from_02_on_begins_with_them(notebook: Notebook) -> None:
    position = next(n for n, cell in enumerate(sources(notebook)) if f'walkthrough.recall("{notebook}")' in cell)
    assert position <= 5


def test_an_answer_is_explained_at_once_and_a_wrong_one_does_not_give_the_right_one_away(workspace: Workspace) -> None:
    ask, _ = recall(workspace, "02_upload_ca").asked
    wrong = next(key for key in ask.question.choices if key != ask.question.right)
    right = ask.question.choices[ask.question.right]
    ask.control.value = wrong
    for text in ("not right", ask.question.choices[wrong].why, "Choose again."):
        assert escape(text) in ask._feedback.value
    assert escape(right.why) not in ask._feedback.value
    assert "dps-judged" not in ask.box._dom_classes
    ask.control.value = ask.question.right
    assert "not right" not in ask._feedback.value
    assert escape(right.why) in ask._feedback.value
    assert "dps-judged" in ask.box._dom_classes


def test_the_decision_table_of_02_is_a_question_in_06() -> None:
    (cell,) = (cell for cell in sources(Notebook.PROVISION_DEVICES) if "walkthrough.ask(" in cell)
    assert "which_ca_for_two_customers" in cell
    card = lesson.Walkthrough.ask(None, "which_ca_for_two_customers")  # type: ignore[arg-type]  # it needs no walkthrough
    card.asked[0].control.value = "root"
    assert "nothing tells them apart" in card.asked[0]._feedback.value
