"""What becomes of a call."""

from typing import NamedTuple

from ..errors import ApiPlane, Refusal
from .masking import mask_url_secrets
from .routing import Response

__all__ = ["RequestOutcome", "outcome_of_refusal"]

_MAX_EXPLANATION_LENGTH = 1000  # letters of an explanation: a client takes no header without bounds


class RequestOutcome(NamedTuple):
    """The answer to one call.

    Attributes:
        answer: None if the connection is to be dropped without one.
        refusal: what the answer tells of, if it refuses. fault: what went wrong on purpose, for the log.
    """

    response: Response | None
    refusal: Refusal | None = None
    fault: str | None = None


def outcome_of_refusal(refusal: Refusal, fault: str | None = None) -> RequestOutcome:
    """The outcome that tells of a refusal."""
    # A header can't hold line ends or letters beyond ASCII, and a name in an explanation is whatever a client sent.
    masked = mask_url_secrets(refusal.explanation)[:_MAX_EXPLANATION_LENGTH]
    explanation = "".join(letter if " " <= letter <= "~" else "?" for letter in masked)
    headers = {"x-ms-request-id": refusal.request_id, "x-local-dps-explanation": explanation}
    if refusal.status == 401 and refusal.plane is not ApiPlane.IDENTITY:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    return RequestOutcome(Response(refusal.status, refusal.body(), headers), refusal, fault)
