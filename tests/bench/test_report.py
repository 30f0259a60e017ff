"""The bench's report: ratios, goals, and what is worse than before."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.bench.report import Figure, Report

SECONDS = Figure("walk", "s", [4.0, 2.0, 3.0], "empty", [4.0, 4.0, 4.0], goal=1.2, goal_of_ratio=True)
RATE = Figure("rate", "/s", [90.0, 80.0], higher_is_better=True, goal=100.0)


def test_a_row_has_the_median_between_the_extremes_beside_its_reference() -> None:
    assert SECONDS.row() == "| walk | 3 (2–4) s | 4 (4–4) (empty) | 0.75 (0.5–1) | at most 1.2: met |"
    assert RATE.row() == "| rate | 85 (80–90) /s |  |  | at least 100 /s: **missed** |"


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (SECONDS, True),
        (replace(SECONDS, goal=0.7), False),
        (replace(SECONDS, goal=2.9, goal_of_ratio=False), False),
        (RATE, False),
        (replace(RATE, goal=85.0), True),
        (replace(RATE, goal=None), None),
    ],
)
def test_a_goal_applies_to_the_ratio_or_to_the_value(figure: Figure, met: bool | None) -> None:
    assert figure.is_met is met


def test_figures_worse_than_the_committed_report_by_more_than_noise_are_named(tmp_path: Path) -> None:
    before = tmp_path / "report.json"
    before.write_text(json.dumps(asdict(Report([SECONDS, RATE], "a machine"))))
    noise = [replace(SECONDS, values=[3.4] * 3), replace(RATE, values=[75.0])]
    worse = [replace(SECONDS, values=[3.5] * 3), replace(RATE, values=[70.0])]
    faster_machine = [replace(SECONDS, values=[6.0] * 3, references=[8.0] * 3)]
    assert Report(noise, "").worse_than(before) == []
    assert Report(worse, "").worse_than(before) == ["walk", "rate"]
    assert Report(faster_machine, "").worse_than(before) == [], "the ratio is what counts"
    assert Report([replace(SECONDS, name="new")], "").worse_than(before) == []


def test_the_committed_report_can_be_compared_with() -> None:
    committed = Path(__file__).with_name("report.json")
    figures = [Figure(**each) for each in json.loads(committed.read_text())["figures"]]
    assert Report(figures, "").worse_than(committed) == []
    assert len(figures) > 20
