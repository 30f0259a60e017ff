"""The outcome of a request."""

from typing import NamedTuple

from ..errors import ApiPlane, Refusal
from .masking import mask_url_secrets
from .routing import Response

__all__ = ["RequestOutcome", "outcome_of_refusal"]

_MAX_EXPLANATION_LENGTH = 1000  # characters; clients limit the size of a header


class RequestOutcome(NamedTuple):
    """The outcome of one request.

    Attributes:
        response: None if the connection is to be dropped without an answer.
        refusal: the refusal in the response, if it is one.
        fault: the fault that the request got, for the log.
    """

    response: Response | None
    refusal: Refusal | None = None
    fault: str | None = None


def outcome_of_refusal(refusal: Refusal, fault: str | None = None) -> RequestOutcome:
    """Return the outcome whose response is a refusal."""
    # A header can't hold line breaks or characters beyond ASCII, and a client may have sent these in a name.
    masked = mask_url_secrets(refusal.explanation)[:_MAX_EXPLANATION_LENGTH]
    explanation = "".join(letter if " " <= letter <= "~" else "?" for letter in masked)
    headers = {"x-ms-request-id": refusal.request_id, "x-local-dps-explanation": explanation}
    if refusal.status == 401 and refusal.plane is not ApiPlane.IDENTITY:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    return RequestOutcome(Response(refusal.status, refusal.body(), headers), refusal, fault)
