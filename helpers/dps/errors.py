"""What a provisioning service answers when it refuses, as one kind of error with the meaning and the way out."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from helpers.problem import Problem
from helpers.urls import mask_keys

if TYPE_CHECKING:  # azure-core is imported when something is sent
    from azure.core.exceptions import HttpResponseError

__all__ = ["DpsError", "translated"]

# azure-identity puts the token endpoint's own faltering into words only: MSAL's, or Entra's with its number
# (90033: a part of it is not available; 90055: too many requests).
_SIGN_IN_FALTERED = re.compile(r"HTTP (?:Error|status): (?:408|429|5\d\d)|AADSTS(?:90033|90055)")
_NO_AZURE_CLI = "Azure CLI not found on path"  # azure-identity's words
_BY_CODE = {
    "412001": (
        "The certificate has changed since its ETag was read: every upload, code and verification gives a new one.",
        "Read the certificate again and repeat the step with its present ETag.",
    ),
    "400053": (
        "The proof must be signed by the uploaded CA's own key, have the newest code as its CN, and be valid today.",
        "Ask for a new code, and sign that with the private key of the CA that was uploaded.",
    ),
    "500019": (
        "The service could not read the certificate that was sent; it says so with an internal error.",
        "Send a CA certificate as PEM or DER.",
    ),
    "404204": ("There is no enrollment group of that name.", "List the groups, or create it."),
    "409202": (
        "An enrollment group of that name exists already.",
        "Choose another name, or read the group and update it.",
    ),
}
_BY_STATUS = {
    400: ("The service did not accept the request.", "Change what the message names and try again."),
    401: ("The service does not accept the credential.", "Sign in again, or connect to the service anew."),
    403: ("The credential lacks the right, or a limit of the service is reached.", "Ask for the role, or make room."),
    404: ("What was asked for is not there.", "Check the name; list what there is."),
    409: ("Something of that name exists already.", "Choose another name."),
    412: ("It has changed since its ETag was read.", "Read it again and repeat the step with its present ETag."),
    429: ("The service is asked too often.", "Wait a little and try again."),
}


class DpsError(Problem):
    """A provisioning service refused, or could not be reached.

    Attributes:
        status: the HTTP status; None when this service gave no answer (or the token endpoint refused).
        code: the service's own code (`412001`, `404204`, `ResourceNotFound`, …); "" when it gave none.
        transient: whether the service faltered (no answer, 408, 429, 5xx): the same call may succeed in a moment, and may
            have been carried out already.
        says: the service's own words; "" when there are none.
        why: what that means. next_step: what to do.
    """

    def __init__(
        self,
        what: str,
        why: str,
        next_step: str,
        *,
        status: int | None = None,
        code: str = "",
        says: str = "",
        transient: bool = False,
    ) -> None:
        super().__init__(what, why, next_step)
        self.status = status
        self.code = code
        self.says = mask_keys(says)
        self.transient = transient


@contextmanager
def translated(attempt: str) -> Iterator[None]:
    """What Azure's SDKs raise inside becomes a DpsError.

    Args:
        attempt: what is being done, for the first sentence: `upload the CA certificate “x”`.
    """
    from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError, ServiceResponseError

    try:
        yield
    except HttpResponseError as error:
        raise _refused(attempt, error) from error
    except (ServiceRequestError, ServiceResponseError) as error:
        # A request that was never sent has been tried for long by the SDK.
        raise _unanswered(attempt, transient=isinstance(error, ServiceResponseError)) from error
    except AzureError as error:
        raise DpsError(f"Could not {attempt}.", str(error), "Mend what the message names and try again.") from error


def _unanswered(attempt: str, *, transient: bool) -> DpsError:
    return DpsError(
        f"Could not {attempt}: the service did not answer.",
        "It is not running, or the network does not reach it. (A local DPS stops after two hours without a request.)",
        "With a local DPS: run this notebook again from its first cell, which starts it anew; nothing is lost.",
        transient=transient,
    )


def _refused(attempt: str, error: "HttpResponseError") -> DpsError:
    from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

    code, message = _code_and_message(error)
    status = error.status_code
    if isinstance(error, ClientAuthenticationError) and status is None:
        if any(isinstance(cause, ServiceRequestError | ConnectionRefusedError) for cause in _with_causes(error)):
            return _unanswered(attempt, transient=False)
        if _SIGN_IN_FALTERED.search(" ".join(map(str, _with_causes(error)))):
            return DpsError(
                f"Could not {attempt}: nobody could be signed in just now.",
                str(error.message),
                "Try again in a moment.",
                transient=True,
            )
        return DpsError(
            f"Could not {attempt}: there is no credential that is accepted.",
            str(error.message).partition("\nAttempted credentials:")[0],  # what follows lists nine of them
            "Install the Azure CLI (https://aka.ms/azure-cli), which is not on this machine; then sign in with az login."
            if _NO_AZURE_CLI in str(error.message)
            else "Sign in, for example with az login.",
        )
    fallback = ("The service failed.", "Try again in a moment.")
    meaning, remedy = _BY_CODE.get(code) or _BY_STATUS.get(status or 0, fallback)
    quoted = f" It says: {message}" if message else ""
    response: Any = error.response
    explained = response.headers.get("x-local-dps-explanation", "") if response is not None else ""
    what = f"Could not {attempt}: the service refused ({status}{f', code {code}' if code else ''})."
    why = f"{explained or meaning}{quoted}"  # a local DPS says what was wrong; of Azure its code alone is known
    transient = _is_transient(status, code)
    return DpsError(what, why, remedy, status=status, code=code, says=message, transient=transient)


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_transient(status: int | None, code: str) -> bool:
    """500019 is the answer to a certificate that can't be read, whenever it is sent."""
    return status is not None and (status in (408, 429) or status >= 500) and code != "500019"


def _code_and_message(error: "HttpResponseError") -> tuple[str, str]:
    """The three shapes: the resource provider's flat one, Azure Resource Manager's, and the service plane's."""
    try:
        body = json.loads(error.response.text()) if error.response is not None else {}
    except (ValueError, AttributeError):
        body = {}
    if not isinstance(body, dict):
        body = {}
    inner = body.get("error")
    if isinstance(inner, dict):
        body = inner
    code = body.get("code", body.get("errorCode", ""))
    message = str(body.get("message") or error.message).partition(" If you contact a support representative")[0]
    return str(code), message
