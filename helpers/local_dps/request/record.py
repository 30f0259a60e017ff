"""One request and what became of it, for whoever watches: the log, a test."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import Refusal
from .masking import mask_url_secrets
from .routing import Response

__all__ = ["RequestRecord"]

_MAX_LINE_LENGTH = 2000  # letters of a line
# A path or a name is what a client sent, and it may have put a secret there by mistake. The secrets made here have 43
# letters and more, a GUID 36; a key that a client chose may be shorter, but mixes cases and digits. What an answer quotes
# may have come with slashes.
_LIKE_A_SECRET = re.compile(
    r"(?<![^/\s'])[^/\s']{43,}"
    r"|(?<![\w+=%])(?=[\w+=%]*[a-z])(?=[\w+=%]*[A-Z])(?=[\w+=%]*[0-9])[\w+=%]{22,}"
)


# What stands in quotes, each with its own end: between the end of one and the apostrophe of "can't" are our own words.
_QUOTED = re.compile(r"(?<!\w)'(?P<inside>[^']*)'(?!\w)")
_MAX_QUOTED_LENGTH = 42


class RequestRecord(NamedTuple):
    """One request and what became of it, as an observer sees it.

    Attributes:
        headers, body: the request's, with whatever secrets the client put in: an observer must not write them down.
        status: None if the connection was dropped instead.
        seconds: from the request's first line to the answer.
        refusal: why it was refused, if it was. fault: what went wrong on purpose, if something did.
        response: the answer to a call, which may hold keys and tokens; None if nothing answered it.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    status: int | None
    seconds: float
    refusal: Refusal | None = None
    fault: str | None = None
    response: Response | None = None

    def line(self) -> str:
        """For the request log: method, path, status, time, and the reason of a refusal. Never a secret."""
        line = f"{self.method:6} {self.path}  {self.status or 'dropped'}  {self.seconds * 1000:.1f} ms"
        if self.fault:
            line += f"  [fault {self.fault}]"
        elif self.refusal:
            line += f"  {self.refusal.message} {self.refusal.explanation}"
        line = _LIKE_A_SECRET.sub("…", mask_url_secrets(_QUOTED.sub(_without_long, line[:_MAX_LINE_LENGTH])))
        return "".join(letter if letter.isprintable() else "?" for letter in line)


def _without_long(quoted: re.Match[str]) -> str:
    return quoted[0] if len(quoted["inside"]) <= _MAX_QUOTED_LENGTH else "'…'"
