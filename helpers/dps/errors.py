"""Turn the exceptions of Azure's SDKs into one kind of error, with the meaning and the next step."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from helpers.problem import Problem
from helpers.urls import mask_keys

if TYPE_CHECKING:  # azure-core is imported only when a request is sent
    from azure.core.exceptions import HttpResponseError

__all__ = ["DpsError", "translated"]

# When the token endpoint fails temporarily, azure-identity says so only in its error's text: in MSAL's words, or in
# Entra's with a number (90033: temporarily unavailable; 90055: too many requests).
_SIGN_IN_FAILED_TEMPORARILY = re.compile(r"HTTP (?:Error|status): (?:408|429|5\d\d)|AADSTS(?:90033|90055)")
_NO_AZURE_CLI = "Azure CLI not found on path"  # azure-identity's text
_BY_CODE = {
    "412001": (
        "The certificate has changed since its ETag was read: each upload, new code and verification changes the ETag.",
        "Read the certificate again and repeat the step with its current ETag.",
    ),
    "400053": (
        "The proof must be signed with the uploaded CA's own key, have the newest code as its CN, and be valid today.",
        "Generate a new code, and sign it with the private key of the CA that you uploaded.",
    ),
    "500019": (
        "The service could not read the certificate that it received; it reports this as an internal error.",
        "Send a CA certificate as PEM or DER.",
    ),
    "404204": ("There is no enrollment group with that id.", "List the groups to find its id, or create the group."),
    "409202": (
        "An enrollment group with that id already exists.",
        "Choose another id, or read the group and update it.",
    ),
}
_BY_STATUS = {
    400: ("The request is invalid.", "Correct the value that the service's message names, and try again."),
    401: ("The service did not accept the credential.", "Sign in again, then connect to the service again."),
    403: (
        "The credential lacks a permission, or a limit of the service is reached.",
        "Ask for a role with that permission, or delete what you no longer need.",
    ),
    404: ("There is no resource with that name.", "Check the name, or list the resources that exist."),
    409: ("A resource with that name already exists.", "Choose another name."),
    412: (
        "The resource has changed since its ETag was read.",
        "Read it again and repeat the step with its current ETag.",
    ),
    429: ("The service received too many requests.", "Wait a little and try again."),
}


class DpsError(Problem):
    """A provisioning service rejected a request, or could not be reached.

    Attributes:
        status: the HTTP status; None if the service gave no answer (or the token endpoint rejected the sign-in).
        code: the service's own error code (`412001`, `404204`, `ResourceNotFound`, …); "" if it gave none.
        transient: whether the failure is temporary (no answer, 408, 429, 5xx): the same call may succeed in a moment, but
            the failed one may already have taken effect.
        says: the service's own message; "" if it gave none.
        why: the message's meaning. next_step: what to do about it.
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
    """Turn the exceptions of Azure's SDKs inside the `with` block into DpsErrors.

    Args:
        attempt: the action, for the error's first sentence: `upload the CA certificate “x”`.
    """
    from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError, ServiceResponseError

    try:
        yield
    except HttpResponseError as error:
        raise _rejected(attempt, error) from error
    except (ServiceRequestError, ServiceResponseError) as error:
        # A request that could not be sent (ServiceRequestError) has already been retried by the SDK for a long time.
        raise _unanswered(attempt, transient=isinstance(error, ServiceResponseError)) from error
    except AzureError as error:
        raise DpsError(
            f"Could not {attempt}.", str(error), "Fix the cause that the message names, and try again."
        ) from error


def _unanswered(attempt: str, *, transient: bool) -> DpsError:
    return DpsError(
        f"Could not {attempt}: the service did not answer.",
        "It is not running, or the network does not reach it. (A local DPS stops after two hours without a request.)",
        "With a local DPS, run this notebook again from its first cell, which starts the local DPS; nothing is lost. "
        "With Azure, check your network connection and try again.",
        transient=transient,
    )


def _rejected(attempt: str, error: "HttpResponseError") -> DpsError:
    from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

    code, message = _code_and_message(error)
    status = error.status_code
    if isinstance(error, ClientAuthenticationError) and status is None:
        if any(isinstance(cause, ServiceRequestError | ConnectionRefusedError) for cause in _with_causes(error)):
            return _unanswered(attempt, transient=False)
        if _SIGN_IN_FAILED_TEMPORARILY.search(" ".join(map(str, _with_causes(error)))):
            return DpsError(
                f"Could not {attempt}: sign-in failed temporarily.",
                str(error.message),
                "Try again in a moment.",
                transient=True,
            )
        return DpsError(
            f"Could not {attempt}: sign-in failed.",
            str(error.message).partition("\nAttempted credentials:")[0],  # the rest lists nine credentials
            "Install the Azure CLI (https://aka.ms/azure-cli), which is not on this machine; then sign in with az login."
            if _NO_AZURE_CLI in str(error.message)
            else "Sign in, for example with az login.",
        )
    fallback = ("The service failed.", "Try again in a moment.")
    meaning, remedy = _BY_CODE.get(code) or _BY_STATUS.get(status or 0, fallback)
    quoted = f" DPS says: {message}" if message else ""
    response: Any = error.response
    explained = response.headers.get("x-local-dps-explanation", "") if response is not None else ""
    what = f"Could not {attempt}: the service rejected the request ({status}{f', code {code}' if code else ''})."
    why = f"{explained or meaning}{quoted}"  # a local DPS explains the cause; Azure sends only its code
    transient = _is_transient(status, code)
    return DpsError(what, why, remedy, status=status, code=code, says=message, transient=transient)


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_transient(status: int | None, code: str) -> bool:
    """Return whether the same request may succeed later. 500019 means an unreadable certificate, which stays unreadable."""
    return status is not None and (status in (408, 429) or status >= 500) and code != "500019"


def _code_and_message(error: "HttpResponseError") -> tuple[str, str]:
    """Read the code and the message from any of the three formats: the resource provider's flat one, Azure Resource
    Manager's, and the service plane's.
    """
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
