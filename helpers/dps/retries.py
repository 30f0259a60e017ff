"""Retry reads. Before retrying a change, check whether it took effect."""

import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from helpers.dps.errors import DpsError, translated

__all__ = ["found", "read_and_change", "removed", "retry_change", "retry_read"]

T = TypeVar("T")
V = TypeVar("V")
_MAX_ATTEMPTS = 6
# Doubled after each attempt. All pauses together must exceed five seconds: for that long, MSAL caches a token endpoint's
# failure and returns it without asking again.
_FIRST_PAUSE_SECONDS = 0.2


def retry_read(attempt: str, read: Callable[[], T]) -> T:
    """Call `read`, which changes nothing, and retry it while the service fails temporarily.

    Args:
        attempt: the action, for the error's first sentence: `read the CA certificate “x”`.

    Raises:
        DpsError: the service rejects the request, or every attempt failed.
    """
    return retry_change(attempt, read, lambda: None)


def retry_change(attempt: str, change: Callable[[], T], done: Callable[[], T | None]) -> T:
    """Make a change. While the service fails temporarily, retry the change unless it has already taken effect.

    If an answer is lost, the change may or may not have taken effect. If Azure's SDK has then retried the call, the service
    may have rejected the second call because the first had succeeded. So `done` asks the service before each retry.

    Args:
        attempt: the action, for the error's first sentence: `upload the CA certificate “x”`.
        change: makes the change.
        done: returns the change's result if it has taken effect, otherwise None.

    Raises:
        DpsError: the service rejects the request, or every attempt failed.
    """
    for count in range(_MAX_ATTEMPTS):
        try:
            with translated(attempt):
                return change()
        except DpsError as error:
            conflict = error.status in (404, 409, 412)
            if not (error.transient or conflict):
                raise
            made = _look_up(done)
            if made is not None:
                return made
            if conflict or count == _MAX_ATTEMPTS - 1:
                raise
        time.sleep(_FIRST_PAUSE_SECONDS * 2**count)
    raise AssertionError("the last attempt returns or raises")


def read_and_change(read: Callable[[], V], change: Callable[[V], T]) -> T:
    """Read a value and change it. If it has changed in between (412), read it again and change the new value.

    Use this only for a change that is correct whichever value was read.

    Raises:
        DpsError: the service rejects the request, or the value changed in between in every attempt.
    """
    for _ in range(_MAX_ATTEMPTS - 1):
        try:
            return change(read())
        except DpsError as error:
            if error.status != 412:
                raise
    return change(read())


def found(read: Callable[[], T]) -> T | None:
    """Return what `read` returns; None if the service has no such resource (404)."""
    try:
        return read()
    except DpsError as error:
        if error.status == 404 and error.code != "ResourceGroupNotFound":
            return None
        raise


class _Removable(Protocol):
    def get(self, name: str, /) -> Any: ...

    def delete(self, value: Any, /) -> None: ...


def removed(things: _Removable, name: str) -> bool:
    """Delete the resource with that name, and return whether this call deleted it: it may already have been gone.

    Raises:
        DpsError: the service rejects the request.
    """
    try:
        read_and_change(lambda: things.get(name), things.delete)
    except DpsError as error:
        if error.status == 404:
            return False
        raise
    return True


def _look_up(done: Callable[[], T | None]) -> T | None:
    """Call `done`, and retry it while the service fails temporarily."""
    for attempt in range(_MAX_ATTEMPTS - 1):
        try:
            return done()
        except DpsError as error:
            if not error.transient:
                raise
        time.sleep(_FIRST_PAUSE_SECONDS * 2**attempt)
    return done()
