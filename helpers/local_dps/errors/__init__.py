"""The catalogue of every refusal that the local DPS gives.

Each refusal has the real service's status, code and message, if they are known; CONFORMANCE.md lists the assumptions.
Each also has a plain explanation. The explanation never changes the body: it is sent in the header
`x-local-dps-explanation` and written to the request log.

This module defines a refusal, and the refusals that all planes share. Each plane's own refusals are in its own module.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from http import HTTPStatus
from typing import Any
from uuid import uuid4

__all__ = [
    "ApiPlane",
    "Refusal",
    "body_too_large",
    "body_too_slow",
    "broken",
    "crashed",
    "state_not_writable",
    "throttled",
]


class ApiPlane(Enum):
    """The part of the service that a request goes to. Each part has its own form of error body."""

    RESOURCE_PROVIDER = "Microsoft.Devices behind Azure Resource Manager"
    RESOURCE_MANAGER = "Azure Resource Manager's front door"
    SERVICE = "the service plane"
    DEVICE = "the device plane"
    IDENTITY = "Entra ID"
    CONTROL = "the control interface of this local DPS"

    @property
    def is_named(self) -> bool:
        """Whether error codes are names on this plane. On the others they are numbers."""
        return self in (ApiPlane.RESOURCE_MANAGER, ApiPlane.IDENTITY, ApiPlane.CONTROL)


@dataclass(eq=False)  # not frozen: Python writes tracebacks onto exceptions
class Refusal(Exception):
    """An error answer. The code that refuses a request raises it.

    Attributes:
        code: a name if `plane.is_named`, else a number.
        explanation: one line for a learner. It never holds a secret.
        retry_after: seconds, for the header Retry-After.
        request_id: a GUID, sent both in the header `x-ms-request-id` and in the body.
    """

    plane: ApiPlane
    status: int
    code: int | str
    message: str
    explanation: str
    retry_after: int | None = None
    request_id: str = field(default_factory=lambda: str(uuid4()))

    def body(self) -> Mapping[str, Any]:
        """Return the error body as this plane of the real service writes it."""
        now = datetime.now(UTC)
        match self.plane:
            case ApiPlane.RESOURCE_PROVIDER:
                support = (
                    f" If you contact a support representative please include this correlation identifier: "
                    f"{self.request_id}, "
                    f"timestamp: {now:%Y-%m-%d %H:%M:%S}Z, errorcode: IH{self.code}."
                )
                phrase = HTTPStatus(self.status).phrase.replace(" ", "")
                return {"code": self.code, "httpStatusCode": phrase, "message": self.message + support}
            case ApiPlane.RESOURCE_MANAGER | ApiPlane.CONTROL:
                return {"error": {"code": self.code, "message": self.message}}
            case ApiPlane.SERVICE | ApiPlane.DEVICE:
                stamp = f"{now:%Y-%m-%dT%H:%M:%S.%f}0Z"
                return {
                    "errorCode": self.code,
                    "trackingId": self.request_id,
                    "message": self.message,
                    "timestampUtc": stamp,
                }
            case ApiPlane.IDENTITY:
                trace = f" Trace ID: {self.request_id} Timestamp: {now:%Y-%m-%d %H:%M:%S}Z"
                return {"error": self.code, "error_description": self.message + trace}


def state_not_writable(plane: ApiPlane, reason: str) -> Refusal:
    explanation = (
        f"The local DPS could not save its state ({reason}), so nothing was changed. Check its disk, then try again."
    )
    return _shared(plane, "InternalServerError", 500000, "Internal Error.", explanation)


def crashed(plane: ApiPlane, kind: str) -> Refusal:
    explanation = f"An error inside the local DPS ({kind}). Nothing was changed. Its standard error has the details."
    return _shared(plane, "InternalServerError", 500000, "Internal Error.", explanation)


def body_too_large(plane: ApiPlane, limit: int) -> Refusal:
    explanation = f"At most {limit} bytes are accepted. A certificate has a few thousand."
    return _shared(plane, "RequestEntityTooLarge", 413000, "The request body is too large.", explanation)


def body_too_slow(plane: ApiPlane, seconds: float) -> Refusal:
    explanation = f"The whole body must arrive within {seconds:g} seconds."
    return _shared(plane, "RequestTimeout", 408000, "The request body did not arrive in time.", explanation)


def throttled(plane: ApiPlane, seconds: int) -> Refusal:
    message = (
        "AADSTS90055: There are too many incoming requests." if plane is ApiPlane.IDENTITY else "Too many requests."
    )
    explanation = f"Throttled on purpose, because this fault is switched on. Try again after {seconds} s."
    return _shared(plane, "TooManyRequests", 429001, message, explanation, retry_after=seconds)


def broken(plane: ApiPlane, status: int) -> Refusal:
    """Return an internal error (500) or an unavailable service (503) that a fault causes on purpose."""
    name = {500: "InternalServerError", 503: "ServiceUnavailable"}[status]
    explanation = "Failed on purpose, because this fault is switched on. Nothing was done. Try again."
    return _shared(plane, name, status * 1000 + 1, "The service is not available.", explanation)


def _shared(
    plane: ApiPlane, name: str, number: int, message: str, explanation: str, retry_after: int | None = None
) -> Refusal:
    """Return a refusal that each plane writes with its own kind of code."""
    code = name if plane.is_named else number
    return Refusal(plane, number // 1000, code, message, explanation, retry_after)
