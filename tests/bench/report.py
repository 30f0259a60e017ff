"""The report, and its figures, each beside its reference in the same run."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = ["Figure", "Report"]

_NOISE = 0.15  # two runs on one machine differ by so much


@dataclass(frozen=True)
class Figure:
    """A value that was measured a few times, in turn with a reference.

    Attributes:
        values, references: one for each round, in `unit`.
        reference: what the references are; "" if there are none.
        higher_is_better: of the value.
        goal: the worst that is good enough; of the ratio to the reference if `goal_of_ratio`, else of the value.
    """

    name: str
    unit: str
    values: Sequence[float]
    reference: str = ""
    references: Sequence[float] = ()
    higher_is_better: bool = False
    goal: float | None = None
    goal_of_ratio: bool = False

    @property
    def ratios(self) -> list[float]:
        return [ours / theirs for ours, theirs in zip(self.values, self.references, strict=bool(self.references))]

    @property
    def compared(self) -> float:
        """The number to compare with another report: the ratio, which a slower machine does not change, or else the value."""
        return statistics.median(self.ratios or self.values)

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is reached; None if there is none."""
        if self.goal is None:
            return None
        reached = statistics.median(self.ratios if self.goal_of_ratio else self.values)
        return reached >= self.goal if self.higher_is_better else reached <= self.goal

    def row(self) -> str:
        """A line of the report's table."""
        ratio = _spread(self.ratios) if self.ratios else ""
        goal = "" if self.goal is None else f"{'at least' if self.higher_is_better else 'at most'} {self.goal:g}"
        if self.goal is not None:
            goal += f"{'' if self.goal_of_ratio else f' {self.unit}'}: {'met' if self.is_met else '**missed**'}"
        theirs = f"{_spread(self.references)} ({self.reference})" if self.references else ""
        return f"| {self.name} | {_spread(self.values)} {self.unit} | {theirs} | {ratio} | {goal} |"

    def is_worse_than(self, before: Mapping[str, Any]) -> bool:
        """Whether it is worse than the same figure of another report, by more than noise."""
        was = Figure(**before).compared
        if self.higher_is_better:
            return self.compared < was * (1 - _NOISE)
        return self.compared > was * (1 + _NOISE)


@dataclass(frozen=True)
class Report:
    """All figures of one run, and the machine that it ran on."""

    figures: Sequence[Figure]
    machine: str

    @classmethod
    def of(cls, figures: Sequence[Figure]) -> "Report":
        packages = ", ".join(
            f"{name} {version(name)}" for name in ("cryptography", "aiohttp", "papermill", "jupyterlab")
        )
        cores = len(os.sched_getaffinity(0))
        return cls(figures, f"{cores} cores, {platform.system()}, Python {platform.python_version()}, {packages}")

    def write(self, folder: Path) -> None:
        """Write report.json and report.md."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_text(json.dumps(asdict(self), indent=1) + "\n")
        (folder / "report.md").write_text(self.markdown())

    def markdown(self) -> str:
        """The report for a reader."""
        rows = [figure.row() for figure in self.figures]
        head = [
            "# How fast it is",
            "",
            f"Measured on {self.machine}. Each figure: median (minimum–maximum) of its rounds, in turn with its reference.",
            "",
            "| what | measured | reference | ratio | goal |",
            "|---|---|---|---|---|",
        ]
        return "\n".join([*head, *rows, ""])

    def worse_than(self, committed: Path) -> list[str]:
        """The names of the figures that are worse than in the committed report, by more than noise."""
        before = {each["name"]: each for each in json.loads(committed.read_text())["figures"]}
        return [each.name for each in self.figures if each.name in before and each.is_worse_than(before[each.name])]


def _spread(values: Sequence[float]) -> str:
    middle, least, most = statistics.median(values), min(values), max(values)
    return _number(middle) if len(values) == 1 else f"{_number(middle)} ({_number(least)}–{_number(most)})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
