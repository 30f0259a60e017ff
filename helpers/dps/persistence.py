"""Calls that go on when the service falters: what is safe is repeated, what is not is looked at first."""

import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from helpers.dps.errors import DpsError

__all__ = ["read_and_change", "removed", "repeat", "settle"]

T = TypeVar("T")
V = TypeVar("V")
_ATTEMPTS = 6
# Then 0.4, 0.8, … Azure's SDK has waited longer before it gave up; but all of them together must outlast the five
# seconds for which MSAL remembers that a token endpoint faltered, and gives that answer again without asking.
_PAUSE_SECONDS = 0.2


def repeat(read: Callable[[], T]) -> T:
    """Read, again if need be. For calls that change nothing.

    Raises:
        DpsError: the service refuses, or faltered too often.
    """
    return settle(read, lambda: None)


def settle(change: Callable[[], T], done: Callable[[], T | None]) -> T:
    """Make a change, once.

    When the answer gets lost nobody knows whether the change was made; and when Azure's SDK has then repeated the
    call, the service may refuse the second because of the first. So the service is asked before the next try.

    Args:
        change: makes the change. done: the change's result if it was made, None if not.

    Raises:
        DpsError: the service refuses, or faltered too often.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return change()
        except DpsError as error:
            conflict = error.status in (404, 409, 412)
            if not (error.transient or conflict):
                raise
            made = _look(done)
            if made is not None:
                return made
            if conflict or attempt == _ATTEMPTS - 1:
                raise
        time.sleep(_PAUSE_SECONDS * 2**attempt)
    raise AssertionError("the last attempt returns or raises")


def read_and_change(read: Callable[[], V], change: Callable[[V], T]) -> T:
    """Read a value and change it; if somebody else was faster (412), read what it is now and change that.

    Only for a change that is right whatever the value has become.

    Raises:
        DpsError: the service refuses, or somebody else was faster each time.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return change(read())
        except DpsError as error:
            if error.status != 412:
                raise
    return change(read())


class _Removable(Protocol):
    def get(self, name: str, /) -> Any: ...

    def delete(self, value: Any, /) -> None: ...


def removed(things: _Removable, name: str) -> bool:
    """Delete what has that name; whether this call did, for somebody may have done so before.

    Raises:
        DpsError: the service refuses.
    """
    try:
        read_and_change(lambda: things.get(name), things.delete)
    except DpsError as error:
        if error.status == 404:
            return False
        raise
    return True


def _look(done: Callable[[], T | None]) -> T | None:
    """Ask the service; it may falter here, too."""
    for attempt in range(_ATTEMPTS - 1):
        try:
            return done()
        except DpsError as error:
            if not error.transient:
                raise
        time.sleep(_PAUSE_SECONDS * 2**attempt)
    return done()
