"""The record of one request, for the log and for tests."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import Refusal
from .masking import mask_url_secrets
from .routing import Response

__all__ = ["RequestRecord"]

_MAX_LINE_LENGTH = 2000  # characters of a line in the log
# A client may have put a secret into a path or a name by mistake. Secrets made here have 43 characters or more, and a GUID
# has 36. A key that a client chose may be shorter, but it mixes cases and digits. Quoted text may contain slashes.
_LIKE_A_SECRET = re.compile(
    r"(?<![^/\s'])[^/\s']{43,}"
    r"|(?<![\w+=%])(?=[\w+=%]*[a-z])(?=[\w+=%]*[A-Z])(?=[\w+=%]*[0-9])[\w+=%]{22,}"
)


# Text in quotes. The text between a closing quote and the apostrophe of "can't" is our own, so it does not count.
_QUOTED = re.compile(r"(?<!\w)'(?P<inside>[^']*)'(?!\w)")
_MAX_QUOTED_LENGTH = 42


class RequestRecord(NamedTuple):
    """One request and its outcome, as an observer sees them.

    Attributes:
        headers, body: the request's. They may hold secrets, so an observer must not write them down.
        status: None if the connection was dropped without an answer.
        seconds: from the start of the request to the answer.
        refusal: why the request was refused, if it was.
        fault: the fault that the request got, if any.
        response: the response to the request, which may hold keys and tokens; None if there is none.
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
        """Return the line for the request log: method, path, status, time, and the reason for a refusal. It has no secret."""
        line = f"{self.method:6} {self.path}  {self.status or 'dropped'}  {self.seconds * 1000:.1f} ms"
        if self.fault:
            line += f"  [fault {self.fault}]"
        elif self.refusal:
            message = self.refusal.message
            stop = "" if message.endswith((".", ":")) else "."
            line += f"  {message}{stop} {self.refusal.explanation}"
        elif self.response and self.response.note:
            line += f"  {self.response.note}"
        line = _LIKE_A_SECRET.sub("…", mask_url_secrets(_QUOTED.sub(_without_long, line[:_MAX_LINE_LENGTH])))
        return "".join(letter if letter.isprintable() else "?" for letter in line)


def _without_long(quoted: re.Match[str]) -> str:
    return quoted[0] if len(quoted["inside"]) <= _MAX_QUOTED_LENGTH else "'…'"
