"""The results of an examination: one finding for each check, and how to fix what is wrong."""

from dataclasses import dataclass
from datetime import datetime

from helpers.certificates.describe import CertificateDescription
from helpers.problem import Problem

__all__ = ["Check", "Examination", "within_dates"]


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes:
        name: the property that was checked.
        reason: the finding.
        remedy: the way to fix it; "" if the check passed.
    """

    name: str
    reason: str
    remedy: str = ""

    @property
    def passed(self) -> bool:
        """Whether there is nothing to fix."""
        return not self.remedy


@dataclass(frozen=True)
class Examination:
    """The results of all checks, in order."""

    title: str
    checks: tuple[Check, ...]

    @property
    def failed(self) -> list[Check]:
        """The checks that did not pass."""
        return [check for check in self.checks if not check.passed]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return not self.failed

    def require(self) -> None:
        """Raise a Problem that lists the failed checks, unless all passed."""
        if self.failed:
            raise Problem(
                f"{self.title}: {len(self.failed)} of {len(self.checks)} checks failed.",
                " ".join(f"{check.name}: {check.reason}" for check in self.failed),
                " ".join(dict.fromkeys(check.remedy for check in self.failed)),
            )


def within_dates(name: str, facts: CertificateDescription, now: datetime, remedy: str) -> Check:
    """Check that a certificate is valid now; `remedy` says how to get one that is."""
    life = f"{facts.not_before:%Y-%m-%d %H:%M} to {facts.not_after:%Y-%m-%d %H:%M} UTC"
    if now < facts.not_before:
        return Check(name, f"Not valid yet ({life}).", f"Check this machine's clock. {remedy}")
    if now > facts.not_after:
        return Check(name, f"Expired ({life}).", remedy)
    return Check(name, f"Valid on {now:%Y-%m-%d} ({life}).")
