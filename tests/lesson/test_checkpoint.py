"""A checkpoint is reached, or it raises an error."""

import pytest

from helpers.lesson.course.checkpoint import require
from helpers.lesson.course.expectations import Expect
from helpers.notebook import Notebook
from helpers.problem import Problem
from helpers.workspace import Workspace

MET = Expect("The sky is <blue>", True, "Look up.")
FAILED = Expect("The moon is full", False, "Wait a fortnight.")
FAILED_TOO = Expect("The tide is high", False, "Wait a fortnight.")


def test_a_reached_checkpoint_shows_each_expectation_and_the_next_notebook_and_is_on_the_map(
    workspace: Workspace,
) -> None:
    reached = require(workspace, "02_upload_ca", [MET])
    assert "✔ The sky is <blue>" in repr(reached)
    assert "Next: 03_sign_verification_code" in repr(reached)
    assert "The sky is &lt;blue&gt;" in reached._repr_html_()
    assert "<a href='03_sign_verification_code.ipynb'>" in reached._repr_html_()
    require(workspace, "02_upload_ca", [MET])
    assert workspace.facts.reached == ("02_upload_ca",)


def test_a_reached_checkpoint_says_that_the_exercise_is_still_open_until_it_is_solved(workspace: Workspace) -> None:
    for shown in (
        repr(require(workspace, "02_upload_ca", [MET])),
        require(workspace, "02_upload_ca", [MET])._repr_html_(),
    ):
        assert "Solve the exercise of 02_upload_ca." in shown
    workspace.solve("02_upload_ca")
    assert "exercise" not in require(workspace, "02_upload_ca", [MET])._repr_html_()


def test_with_the_portal_it_says_who_made_the_statements(workspace: Workspace) -> None:
    assert "repeat what you entered" not in repr(require(workspace, "02_upload_ca", [MET]))
    workspace.update(target="portal")
    told = require(workspace, "02_upload_ca", [MET])
    assert "repeat what you entered" in repr(told)
    assert "repeat what you entered" in told._repr_html_()


def test_when_one_fails_it_is_named_with_its_hint_and_the_others_are_not(workspace: Workspace) -> None:
    with pytest.raises(Problem, match="1 of 2") as caught:
        require(workspace, "02_upload_ca", [MET, FAILED])
    assert FAILED.statement in caught.value.why
    assert MET.statement not in caught.value.why
    assert caught.value.next_step == FAILED.hint
    assert workspace.facts.reached == ()


def test_when_many_fail_each_is_named_and_a_common_hint_stands_once(workspace: Workspace) -> None:
    with pytest.raises(Problem, match="2 of 3") as caught:
        require(workspace, "02_upload_ca", [FAILED, MET, FAILED_TOO])
    assert FAILED.statement in caught.value.why
    assert FAILED_TOO.statement in caught.value.why
    assert caught.value.next_step == "Wait a fortnight."


def test_after_the_last_notebook_it_says_what_is_left_of_the_course(workspace: Workspace) -> None:
    workspace.update(reached=tuple(Notebook))
    assert "Solve the exercise of 11_clean_up." in repr(require(workspace, Notebook.CLEAN_UP, [MET])), (
        "its own comes first"
    )
    workspace.update(solved=(Notebook.CLEAN_UP,))
    reached = require(workspace, Notebook.CLEAN_UP, [MET])
    for shown in (repr(reached), reached._repr_html_()):
        assert "This was the last notebook." in shown
        assert "Solve the exercise of 00_start_here." in shown
        assert "Next:" not in shown
    workspace.update(solved=tuple(Notebook))
    reached = require(workspace, Notebook.CLEAN_UP, [MET])
    assert "The course is complete." in repr(reached)
    assert "Course complete" in reached._repr_html_()
