"""A learner's verifier decides about the exhibits, as DPS would."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from cryptography import x509

from helpers.certificates import examine_proof
from helpers.lesson.course.answers import Unsolved
from helpers.lesson.experiments.exhibit import Exhibit

__all__ = ["Decision", "Verifier", "by_examiner", "decide", "decide_all"]

Verifier: TypeAlias = Callable[[x509.Certificate, str, bytes, datetime], Any]
"""A learner's `verify_proof(ca, code, sent, now)`: True accepts. Anything else rejects, and so does an exception."""


@dataclass(frozen=True)
class Decision:
    """A verifier's decision about one exhibit.

    Attributes:
        raised: the exception with which it rejected; "" if it returned.
    """

    exhibit: Exhibit
    accepts: bool
    raised: str = ""

    @property
    def name(self) -> str:
        """The name of the exhibit's case."""
        return self.exhibit.answer.case.name

    @property
    def is_right(self) -> bool:
        """Whether DPS decides about the proof in the same way."""
        return self.accepts == self.exhibit.answer.is_good


def decide_all(verifier: Verifier, exhibits: Sequence[Exhibit]) -> list[Decision]:
    """Return the verifier's decision about each exhibit.

    Raises:
        Unsolved: the verifier is still the exercise's stub.
    """
    decisions = []
    for exhibit in exhibits:
        accepts, raised = decide(verifier, exhibit.ca, exhibit.code, exhibit.sent, exhibit.now)
        decisions.append(Decision(exhibit, accepts, raised))
    return decisions


def decide(verifier: Verifier, ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> tuple[bool, str]:
    """Return whether the verifier accepts a proof, and the exception that it raised, if any.

    Raises:
        Unsolved: the verifier is still the exercise's stub.
    """
    try:
        return verifier(ca, code, sent, now) is True, ""
    except Unsolved:
        raise
    except Exception as error:  # a learner's function may raise anything
        return False, f"{type(error).__name__}{f': {error}' if str(error) else ''}"


def by_examiner(ca: x509.Certificate, code: str, sent: bytes, now: datetime) -> bool:
    """Decide as the examiner of 03 does."""
    return examine_proof(sent, ca, code, at=now).passed
