"""Measure how fast everything is, each figure beside its reference in the same run: `make bench`, or `make bench QUICK=1` for
a short run.

Each measurement runs in turn with something bare that does the same work and nothing else, because a shared machine is
faster at one moment than at another.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from helpers.certificates import CertificateAuthority
from tests.bench.certificates import certificates
from tests.bench.lab import first_form
from tests.bench.planes import throughput
from tests.bench.processes import memory_folder
from tests.bench.registrations import registrations
from tests.bench.report import Figure, Report
from tests.bench.setup import setup
from tests.bench.size import FULL, QUICK, Size
from tests.bench.store import lookups, memory
from tests.bench.walkthrough import imports, walkthrough

_COMMITTED = Path(__file__).with_name("report.json")
_BUILD = Path(__file__).resolve().parents[2] / "build" / "bench"


def main(size: Size) -> None:
    """Measure, print each figure as it comes, and write the report to build/bench."""
    figures = []
    for measured in _figures(size):
        figure = (
            measured if size is FULL else replace(measured, goal=None)
        )  # a quick run measures too little to be conclusive
        print(figure.row(), flush=True)
        figures.append(figure)
    report = Report.of(figures)
    report.write(_BUILD)
    print(f"Report: {_BUILD / 'report.md'}")
    if size is FULL and _COMMITTED.exists():
        for name in report.worse_than(_COMMITTED):
            print(f"More than 15 % worse than in the committed report: {name}")


def _figures(size: Size) -> Iterator[Figure]:
    yield walkthrough(size)
    yield imports(size)
    yield setup(size)
    yield first_form(size)
    authority = CertificateAuthority.create_root("Bench Root").create_intermediate("Bench Signer")
    with tempfile.TemporaryDirectory() as disk, tempfile.TemporaryDirectory(dir=memory_folder()) as quick:
        yield from certificates(authority, Path(quick), size)
        yield from registrations(authority, Path(disk, "registrations"), Path(quick), size)
        yield from throughput(Path(disk, "throughput"), size)
        yield from memory(Path(disk), size)
        yield from lookups(Path(disk), size)


if __name__ == "__main__":
    main(QUICK if "--quick" in sys.argv[1:] else FULL)
