"""The final test: its bank, the draw, the score, and what a learner sees who is wrong."""

from collections import Counter
from collections.abc import Iterator

import pytest
from markupsafe import Markup

from helpers import lesson
from helpers.lesson.course.final_test import PASS_MARK, QUESTIONS_ASKED, FinalTest, draw_test
from helpers.lesson.course.final_test.exam import draw_questions, with_object
from helpers.lesson.course.final_test.objects import MAKERS
from helpers.lesson.course.questions.bank import read_bank
from helpers.lesson.course.questions.question import Ask, answer_from_solutions
from helpers.notebook import Notebook
from helpers.workspace import Workspace
from tests.lesson import cells

BANK = read_bank("final_test")


@pytest.fixture
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a headless run: the questions answer themselves."""
    monkeypatch.setattr("helpers.lesson.course.questions.question._is_answering", False)
    answer_from_solutions()
    yield
    monkeypatch.undo()


def answer(test: FinalTest, right: int) -> None:
    """Choose the right answer to so many questions, and a wrong one to the others."""
    for at, ask in enumerate(test.asked):
        wrong = next(key for key in ask.question.choices if key != ask.question.right)
        ask.control.value = ask.question.right if at < right else wrong


# --- the bank ---


def test_the_bank_covers_the_course_in_its_order_mostly_with_real_objects() -> None:
    taught_in = [notebook for notebook, _ in BANK.values()]
    assert len(BANK) >= 40
    assert taught_in == sorted(taught_in)
    assert set(taught_in) == set(list(Notebook)[:-2])
    count = Counter(taught_in)
    assert all(count[notebook] >= 2 for notebook in set(taught_in))
    assert sum(bool(question.about) for _, question in BANK.values()) > len(BANK) * 2 / 3


def test_every_object_is_asked_about_and_every_question_finds_its_object() -> None:
    assert {question.about for _, question in BANK.values() if question.about} == set(MAKERS)


def test_no_question_is_asked_twice_and_each_choice_has_an_explanation_of_its_own() -> None:
    asked = [(question.asks, question.about) for _, question in BANK.values()]
    assert len(set(asked)) == len(asked)
    for name, (_, question) in BANK.items():
        explained = [choice.why for choice in question.choices.values()]
        assert len(set(explained)) == len(explained), name
        assert all(len(each) > 20 for each in explained), name


def test_the_right_answer_can_be_told_neither_by_its_place_nor_by_its_length() -> None:
    places = Counter(list(question.choices).index(question.right) for _, question in BANK.values())
    assert max(places.values()) < len(BANK) / 2
    longest = [
        name
        for name, (_, question) in BANK.items()
        if max(question.choices, key=lambda key, each=question: len(each.choices[key].says)) == question.right
    ]
    assert len(longest) < len(BANK) / 2


# --- the draw ---


def test_a_draw_has_a_question_of_each_notebook_and_none_of_the_last_draw() -> None:
    last: tuple[str, ...] = ()
    for _ in range(20):
        drawn = tuple(question.name for question in draw_questions(last))
        assert len(set(drawn)) == QUESTIONS_ASKED
        assert {BANK[name][0] for name in drawn} >= set(list(Notebook)[1:-2])
        assert drawn != last
        assert len(set(drawn) & set(last)) <= 3, "a notebook with few questions may have to repeat one"
        last = drawn


def test_a_new_test_asks_other_questions_than_the_one_before_in_this_workspace(workspace: Workspace) -> None:
    one, other = ({ask.question.name for ask in lesson.open(workspace.folder).final_test().asked} for _ in range(2))
    assert one != other


def test_the_questions_at_the_notebooks_beginning_do_not_replace_those_of_the_test(workspace: Workspace) -> None:
    first = cells.Notebook("10", workspace).run(until="test.result()")
    second = cells.Notebook("10", workspace).run(until="test.result()")
    one, other = ({ask.question.name for ask in test.asked} for test in (first, second))
    assert len(one & other) <= 3, "a notebook with few questions may have to repeat one"


def test_the_choices_change_their_places() -> None:
    _, question = BANK["geo_latency"]
    assert len({tuple(with_object(question)[0].choices) for _ in range(20)}) > 1


# --- the score ---


def test_open_questions_are_named_and_nothing_is_judged_lost_or_noted(workspace: Workspace) -> None:
    test = draw_test(workspace)
    test.asked[4].control.value = test.asked[4].question.right
    result = test.result()
    assert "1 of 12 answered. Still open: 1, 2, 3, 4, 6" in repr(result)
    assert result.score is None
    assert not result.passed
    assert test.asked[4].choice == test.asked[4].question.right
    assert all(not ask._feedback.value for ask in test.asked), "an explanation would give answers away"
    assert workspace.facts.final_test == (0, 0)
    answer(test, QUESTIONS_ASKED)
    assert test.result().score == QUESTIONS_ASKED


@pytest.mark.parametrize(("right", "passes"), [(PASS_MARK - 1, False), (PASS_MARK, True), (QUESTIONS_ASKED, True)])
def test_ten_of_twelve_pass(workspace: Workspace, right: int, passes: bool) -> None:
    test = draw_test(workspace)
    answer(test, right)
    result = test.result()
    assert (result.score, result.passed) == (right, passes)
    for said in (f"{right} of 12 right", "The pass mark is 10. 1 test finished; best score"):
        assert said in repr(result)
        assert said in result._repr_html_()
    assert (Notebook.FINAL_TEST in workspace.facts.solved) == passes
    assert workspace.facts.final_test == (right, 1)


def test_the_button_judges_once_and_a_finished_test_can_not_be_changed(workspace: Workspace) -> None:
    test = draw_test(workspace)
    answer(test, 3)
    test._finish.click()
    assert test._finish.disabled
    assert all(ask.control.disabled for ask in test.asked)
    assert "3 of 12 right. Each question now shows its explanation." in test._said.value
    assert "pass mark" not in test._said.value, "the result in full is in the next cell"
    answer(test, QUESTIONS_ASKED)
    assert test.result().score == 3
    assert workspace.facts.final_test == (3, 1)


def test_a_later_worse_test_takes_nothing_away(workspace: Workspace) -> None:
    for right in (11, 2):
        test = draw_test(workspace)
        answer(test, right)
        test.result()
    assert workspace.facts.final_test == (11, 2)
    assert Notebook.FINAL_TEST in workspace.facts.solved
    assert "2 tests finished; best score 11 of 12" in repr(test.result())


def test_a_learner_who_is_always_wrong_sees_why_and_what_is_right(workspace: Workspace) -> None:
    test = draw_test(workspace)
    answer(test, 0)
    result = test.result()
    for number, ask in enumerate(test.asked, 1):
        chosen, right = (ask.question.choices[key] for key in (str(ask.choice), ask.question.right))
        shown = Markup(ask._feedback.value).striptags()
        for text in ("not right", chosen.why, right.says, right.why):
            assert " ".join(text.split()) in shown
        assert f">✘ {number}<" in result._repr_html_()


def test_each_wrong_answer_of_the_whole_bank_has_its_explanation() -> None:
    for _, question in BANK.values():
        for key in question.choices.keys() - {question.right}:
            ask = Ask(question)
            ask.control.value = key
            shown = str(ask.explanation().striptags())
            assert question.choices[key].why in shown
            assert question.choices[question.right].why in shown


# --- the notebook ---


def test_run_all_without_an_answer_reaches_the_checkpoint(workspace: Workspace) -> None:
    notebook = cells.Notebook("10", workspace)
    reached = repr(notebook.run())
    assert "✔ A test of 12 questions was drawn for you" in reached
    assert "0 of 12 answered" in repr(notebook.cell("test.result()"))
    assert "No certificate yet" in repr(notebook.cell("certificate_of_completion"))
    assert Notebook.FINAL_TEST in workspace.facts.reached
    marks = {each.notebook: each for each in lesson.open(workspace.folder).journey().marks}
    assert not marks[Notebook.FINAL_TEST].is_done


@pytest.mark.usefixtures("nobody_there")
def test_a_headless_run_passes_and_gets_the_certificate(workspace: Workspace) -> None:
    cells.Notebook("01", workspace).call()
    reached = repr(cells.Notebook("10", workspace, learner_name="Ada Lovelace").run())
    assert "your best score is 12 of 12" in reached
    assert "✔ Your certificate of completion is on your disk" in reached
    marks = {each.notebook: each for each in lesson.open(workspace.folder).journey().marks}
    assert marks[Notebook.FINAL_TEST].is_done


def test_the_next_step_after_the_other_exercises_is_to_pass(workspace: Workspace) -> None:
    everything = tuple(Notebook)
    workspace.update(reached=everything, solved=tuple(set(everything) - {Notebook.FINAL_TEST}))
    assert "Pass 10_final_test." in repr(lesson.open(workspace.folder).journey())
