"""Pages of a query: a size, and a continuation that names the last id of the page before."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from helpers.local_dps.errors import service as errors
from helpers.local_dps.routing import Answer, Call
from helpers.local_dps.service.kinds import IS_ID

__all__ = ["paged"]

_LIMIT = 1000


class _Row(Protocol):
    @property
    def id(self) -> str: ...


Row = TypeVar("Row", bound=_Row)


def paged(
    call: Call,
    item_type: str,
    read: Callable[[str, int], tuple[Sequence[Row], bool]],
    describe: Callable[[Row], Mapping[str, Any]],
) -> Answer:
    """One page. Whatever is added or deleted between two pages, nothing comes twice and nothing is left out.

    Args:
        read: the rows behind an id, in the order of their ids, at most so many; and whether there are more.
    """
    asked = call.headers.get("x-ms-max-item-count")
    size = _size(asked)
    rows, more = read(_last_id(call.headers.get("x-ms-continuation", "")), size)
    headers = {"x-ms-item-type": item_type}
    if asked is not None:
        headers["x-ms-max-item-count"] = asked
    if more:
        headers["x-ms-continuation"] = base64.urlsafe_b64encode(f"after {rows[-1].id}".encode()).decode()
    return Answer(200, [describe(row) for row in rows], headers)


def _size(asked: str | None) -> int:
    if asked is None:
        return _LIMIT
    if not re.fullmatch(r"[0-9]{1,9}", asked, re.ASCII) or asked.strip("0") == "" or int(asked) > _LIMIT:
        raise errors.request_invalid("x-ms-max-item-count is invalid.", f"It is a whole number from 1 to {_LIMIT}.")
    return int(asked)


def _last_id(token: str) -> str:
    if not token:
        return ""
    try:
        word, _, last = base64.urlsafe_b64decode(token).decode().partition(" ")
        if word == "after" and IS_ID(last):
            return last
        raise ValueError
    except (binascii.Error, ValueError) as error:
        raise errors.request_invalid(
            "x-ms-continuation is invalid.", "Send back what the page before gave, and nothing else."
        ) from error
