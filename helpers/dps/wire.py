"""Record the requests of Azure's SDKs and the service's answers, without secrets, to show them to the learner.

Only harmless parts are recorded: headers from a fixed list, the method, URL and status of a sign-in, and bodies without
values that hold a private key or whose names suggest a secret. Keys in URLs are masked, both in addresses and in bodies.
"""

import base64
import binascii
import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from helpers.urls import mask_keys

if TYPE_CHECKING:  # azure-core is imported only when a request is sent
    from azure.core.pipeline import PipelineResponse
    from azure.core.pipeline.transport import RequestsTransport

__all__ = ["LEFT_OUT", "Chapter", "Exchange", "Plane", "Wire"]

Plane: TypeAlias = Literal["sign-in", "management", "service"]
LEFT_OUT = "(left out)"
_HEADERS = ("If-Match", "If-None-Match", "Content-Type", "Retry-After", "x-ms-request-id", "x-local-dps-explanation")
_SECRET_NAME = re.compile(r"key|secret|password|token|connection", re.IGNORECASE)
_MAX_EXCHANGES = 100  # per chapter: deleting a fleet's records takes one exchange per device


@dataclass(frozen=True)
class Exchange:
    """One request and its answer.

    Attributes:
        plane: the plane that received the request; of a sign-in, only the method, the URL and the status are recorded.
        request_headers, answer_headers: those known to be harmless.
        request, answer: the bodies as JSON values; None if there is none.
    """

    plane: Plane
    method: str
    url: str
    request_headers: Mapping[str, str]
    request: Any
    status: int
    answer_headers: Mapping[str, str]
    answer: Any


class Chapter:
    """The exchanges of one step in order: at most the last `_MAX_EXCHANGES`.

    Attributes:
        left_off: the number of earlier exchanges that were dropped.
    """

    def __init__(self) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=_MAX_EXCHANGES)
        self.left_off = 0

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self._exchanges)

    def __len__(self) -> int:
        return len(self._exchanges)

    def note(self, exchange: Exchange) -> None:
        self.left_off += len(self._exchanges) == _MAX_EXCHANGES
        self._exchanges.append(exchange)

    @property
    def has_changed_something(self) -> bool:
        """Whether a request other than a GET or a sign-in was sent."""
        return any(each.method != "GET" and each.plane != "sign-in" for each in self)


class Wire:
    """The recorded exchanges, by chapter: each step of the lesson opens one, which gets the exchanges made while it is open."""

    def __init__(self) -> None:
        self._chapters: dict[str, Chapter] = {}
        self._open: list[Chapter] = []

    def __getitem__(self, chapter: str) -> Chapter:
        """Return the chapter of that name; an empty one if it was never opened."""
        return self._chapters.get(chapter, Chapter())

    @contextmanager
    def chapter(self, name: str) -> Iterator[None]:
        """Record the exchanges inside the `with` block under this name.

        They replace an earlier chapter of that name, except when a repeated step has changed nothing: then the earlier
        chapter, which shows the change, stays.
        """
        chapter = Chapter()
        self._open.append(chapter)
        try:
            yield
        finally:
            self._open.pop()
            if chapter.has_changed_something or not self[name].has_changed_something:
                self._chapters[name] = chapter

    def listener(self, plane: Plane) -> "Callable[[PipelineResponse[Any, Any]], None]":
        """Return a `raw_response_hook` for an azure-core client. It is called for each answer, also before a retry."""

        def note(response: "PipelineResponse[Any, Any]") -> None:
            if self._open:
                self._open[-1].note(_exchange(plane, response.http_request, response.http_response))

        return note

    def transport(self, plane: Plane, **options: Any) -> "RequestsTransport":
        """Return azure-core's transport with the same hook, for a client that takes no hooks, such as the service plane's."""
        from azure.core.pipeline import PipelineResponse
        from azure.core.pipeline.transport import RequestsTransport

        note = self.listener(plane)

        class Listening(RequestsTransport):  # type: ignore[misc]  # untyped in azure-core
            def send(self, request: Any, **kwargs: Any) -> Any:
                response = super().send(request, **kwargs)
                note(PipelineResponse(request, response, None))  # type: ignore[arg-type]  # the hook does not use the context
                return response

        return Listening(**options)


def _exchange(plane: Plane, request: Any, response: Any) -> Exchange:
    sent, answered = None, None
    if plane != "sign-in":
        sent, answered = _body(getattr(request, "content", None)), _body(response.text())
    url, headers = mask_keys(request.url), _harmless(request.headers)
    return Exchange(
        plane, request.method, url, headers, sent, response.status_code, _harmless(response.headers), answered
    )


def _harmless(headers: Mapping[str, str]) -> dict[str, str]:
    present = {name.lower(): mask_keys(str(value)) for name, value in headers.items()}
    harmless = {name: present[name.lower()] for name in _HEADERS if name.lower() in present}
    if "authorization" in present:
        harmless["Authorization"] = f"{present['authorization'].partition(' ')[0]} {LEFT_OUT}"
    return harmless


def _body(content: Any) -> Any:
    if isinstance(content, bytes):
        content = content.decode(errors="replace")
    if not content:
        return None
    try:
        return _without_secrets("", json.loads(content))
    except ValueError:
        return LEFT_OUT  # a body that is not JSON may hold anything


def _without_secrets(name: str, value: Any) -> Any:
    match value:
        case dict():
            return {each: _without_secrets(each, inner) for each, inner in value.items()}
        case list():
            return [_without_secrets(name, inner) for inner in value]
        case str() if value and (_SECRET_NAME.search(name) or _holds_private_key(value)):
            return LEFT_OUT
        case str():
            return mask_keys(value)
        case _:
            return value


def _holds_private_key(text: str) -> bool:
    """Return whether the text holds a private key, either plain or encoded in base64 up to three times."""
    content = text.encode()
    for _ in range(3):
        if b"PRIVATE KEY" in content:
            return True
        try:
            content = base64.b64decode(content, validate=True)
        except binascii.Error:
            return False
    return b"PRIVATE KEY" in content
