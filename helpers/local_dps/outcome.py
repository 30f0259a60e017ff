"""What becomes of a call."""

from typing import NamedTuple

from helpers.local_dps.errors import Plane, Refusal
from helpers.local_dps.masking import mask_keys
from helpers.local_dps.routing import Answer

__all__ = ["Outcome", "refused"]

_LONGEST = 1000  # letters of an explanation: a client takes no header without bounds


class Outcome(NamedTuple):
    """The answer to one call.

    Attributes:
        answer: None if the connection is to be dropped without one.
        refusal: what the answer tells of, if it refuses. fault: what went wrong on purpose, for the log.
    """

    answer: Answer | None
    refusal: Refusal | None = None
    fault: str | None = None


def refused(refusal: Refusal, fault: str | None = None) -> Outcome:
    """The outcome that tells of a refusal."""
    # A header can't hold line ends or letters beyond ASCII, and a name in an explanation is whatever a client sent.
    masked = mask_keys(refusal.explanation)[:_LONGEST]
    explanation = "".join(letter if " " <= letter <= "~" else "?" for letter in masked)
    headers = {"x-ms-request-id": refusal.request_id, "x-local-dps-explanation": explanation}
    if refusal.status == 401 and refusal.plane is not Plane.IDENTITY:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    return Outcome(Answer(refusal.status, refusal.body(), headers), refusal, fault)
