"""Removing what may be gone already, or be changed by somebody else at the same moment."""

from typing import Any, Protocol

from helpers.dps import DpsError, read_and_change

__all__ = ["removed"]


class _Removable(Protocol):
    def get(self, name: str, /) -> Any: ...

    def delete(self, value: Any, /) -> None: ...


def removed(things: _Removable, name: str) -> bool:
    """Delete what has that name; whether this call did, for somebody may have done so before."""
    try:
        read_and_change(lambda: things.get(name), things.delete)
    except DpsError as error:
        if error.status == 404:
            return False
        raise
    return True
