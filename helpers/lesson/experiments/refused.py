"""The refusal that every experiment with a wrong request expects."""

from helpers.dps import DpsError
from helpers.problem import Problem

__all__ = ["require_refused"]


def require_refused(answer: DpsError | None, sent: str, why: str) -> DpsError:
    """Return the service's refusal.

    Args:
        answer: None if the service accepted the request.
        sent: what was sent, for the error. why: a service must refuse it.

    Raises:
        Problem: the service accepted it.
    """
    if answer is None:
        raise Problem(f"The service accepted {sent}.", why, "Don't rely on this service, and tell its operator.")
    return answer
