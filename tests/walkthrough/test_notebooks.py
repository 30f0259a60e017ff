"""The notebooks that may run concurrently, and the parameters of each."""

from itertools import combinations
from pathlib import Path

import papermill
import pytest

from helpers.walkthrough.notebooks import NOTEBOOKS, parameter_names, predecessors


def numbers(notebooks: set[Path]) -> set[str]:
    return {each.stem[:2] for each in notebooks}


def test_only_08_to_10_run_while_other_notebooks_do() -> None:
    before = {each.stem[:2]: numbers(needed) for each, needed in predecessors(NOTEBOOKS, side_by_side=True).items()}
    *others, last = (number for number in before if number not in ("08", "09", "10"))
    expected = {number: set(others[:at]) for at, number in enumerate(others)}
    expected["07"].add("09")
    beside = {"08": {"00"}, "09": {"04", "08"}, "10": {"01"}}
    assert before == {**expected, **beside, last: {*others, *beside}}


def test_in_sequence_each_notebook_waits_for_all_before_it() -> None:
    before = predecessors(NOTEBOOKS, side_by_side=False)
    assert [numbers(before[each]) for each in NOTEBOOKS] == [
        numbers(set(NOTEBOOKS[:at])) for at in range(len(NOTEBOOKS))
    ]


@pytest.mark.parametrize("side_by_side", [True, False])
def test_any_selection_of_notebooks_runs_completely(side_by_side: bool) -> None:
    for count in (1, 2, 3, 10):
        for chosen in combinations(NOTEBOOKS, count):
            before, done = predecessors(chosen, side_by_side=side_by_side), set[Path]()
            while ready := {each for each in chosen if before[each] <= done} - done:
                done |= ready
            assert done == set(chosen)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda each: each.stem)
def test_papermill_finds_the_same_parameters(notebook: Path) -> None:
    assert parameter_names(notebook) == list(papermill.inspect_notebook(str(notebook)))
