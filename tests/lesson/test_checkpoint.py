"""A checkpoint is met, or it is loud."""

import pytest

from helpers.lesson import Expectation, checkpoint
from helpers.problem import Problem

MET = Expectation("The sky is <blue>", True, "Look up.")
FAILED = Expectation("The moon is full", False, "Wait a fortnight.")
FAILED_TOO = Expectation("The tide is high", False, "Wait a fortnight.")


def test_when_all_holds_it_shows_each_and_where_to_go_on() -> None:
    reached = checkpoint(MET, next_notebook="07_<next>")
    assert "✔ The sky is <blue>" in repr(reached)
    assert "07_<next>" in repr(reached)
    assert "✔ The sky is &lt;blue&gt;" in reached._repr_html_()
    assert "07_&lt;next&gt;" in reached._repr_html_()


def test_when_one_fails_it_is_named_with_its_hint_and_the_others_are_not() -> None:
    with pytest.raises(Problem, match="1 of 2") as caught:
        checkpoint(MET, FAILED, next_notebook="next")
    assert FAILED.statement in caught.value.why
    assert MET.statement not in caught.value.why
    assert caught.value.next_step == FAILED.hint


def test_when_many_fail_each_is_named_and_a_common_hint_stands_once() -> None:
    with pytest.raises(Problem, match="2 of 3") as caught:
        checkpoint(FAILED, MET, FAILED_TOO, next_notebook="next")
    assert FAILED.statement in caught.value.why
    assert FAILED_TOO.statement in caught.value.why
    assert caught.value.next_step == "Wait a fortnight."
