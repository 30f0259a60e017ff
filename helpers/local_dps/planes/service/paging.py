"""Pages of a query. A continuation token names the last row of the previous page."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from ...errors import service as errors
from ...request.routing import Request, Response

__all__ = ["paged"]

_MAX_PAGE_SIZE = 1000
_Row = TypeVar("_Row")
_NUMBER = re.compile(r"after ([0-9]{1,18})", re.ASCII)


def paged(
    request: Request,
    item_type: str,
    read: Callable[[int, int], tuple[Sequence[_Row], int | None]],
    describe: Callable[[_Row], Mapping[str, Any]],
) -> Response:
    """Answer with one page. An item that exists throughout appears once, even if others are added or deleted meanwhile.

    Args:
        read: takes a row number and a size. Returns at most that many rows after the number, and the number of the last
            one if there are more.
    """
    asked = request.headers.get("x-ms-max-item-count")
    size = _size(asked)
    rows, last = read(_number(request.headers.get("x-ms-continuation", "")), size)
    headers = {"x-ms-item-type": item_type}
    if asked is not None:
        headers["x-ms-max-item-count"] = asked
    if last is not None:
        headers["x-ms-continuation"] = base64.urlsafe_b64encode(f"after {last}".encode()).decode()
    return Response(200, [describe(row) for row in rows], headers)


def _size(asked: str | None) -> int:
    if asked is None:
        return _MAX_PAGE_SIZE
    if not re.fullmatch(r"[0-9]{1,9}", asked, re.ASCII) or asked.strip("0") == "" or int(asked) > _MAX_PAGE_SIZE:
        raise errors.request_invalid(
            "x-ms-max-item-count is invalid.", f"It must be a whole number from 1 to {_MAX_PAGE_SIZE}."
        )
    return int(asked)


def _number(token: str) -> int:
    if not token:
        return 0
    try:
        given = _NUMBER.fullmatch(base64.urlsafe_b64decode(token).decode())
    except (binascii.Error, ValueError):
        given = None
    if given is None:
        raise errors.request_invalid(
            "x-ms-continuation is invalid.", "Send the value from the previous page, unchanged."
        )
    return int(given[1])
