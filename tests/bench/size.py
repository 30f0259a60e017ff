"""The amount to measure: enough for reliable figures, or just enough to see that the bench still works."""

from dataclasses import dataclass

from helpers.walkthrough import NOTEBOOKS

__all__ = ["FULL", "QUICK", "Size"]


@dataclass(frozen=True)
class Size:
    """
    Attributes:
        rounds: of what takes seconds. devices: in a round of registrations; fleet: those in one run.
        certificates: in a round; many_certificates: for all cores. requests_seconds: of load on a plane.
        rows: in a large database. notebooks: of the walkthrough. with_pip: whether the set-up is measured with pip, too.
    """

    rounds: int = 5
    devices: int = 200
    fleet: int = 10_000
    certificates: int = 1_000
    many_certificates: int = 30_000
    requests_seconds: float = 1.0
    rows: int = 100_000
    notebooks: int = len(NOTEBOOKS)
    with_pip: bool = True


FULL = Size()
QUICK = Size(
    rounds=1,
    devices=20,
    fleet=200,
    certificates=100,
    many_certificates=1_000,
    requests_seconds=0.2,
    rows=1_000,
    notebooks=2,
    with_pip=False,
)
