"""What Azure's SDKs and the service say to one another, kept for the learner's eyes; secrets are left out.

Only what is known to be harmless is kept: of the headers those in a list, of a sign-in nothing but that it took place, and
in bodies no value that is named like a secret or holds a private key. A key in a URL is masked, wherever the URL stands.
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

if TYPE_CHECKING:  # azure-core is imported when something is sent
    from azure.core.pipeline import PipelineResponse
    from azure.core.pipeline.transport import RequestsTransport

__all__ = ["LEFT_OUT", "Chapter", "Exchange", "Plane", "Wire"]

Plane: TypeAlias = Literal["sign-in", "management", "service"]
LEFT_OUT = "(left out)"
_HEADERS = ("If-Match", "If-None-Match", "Content-Type", "Retry-After", "x-ms-request-id", "x-local-dps-explanation")
_SECRET_NAME = re.compile(r"key|secret|password|token|connection", re.IGNORECASE)
_MOST = 100  # exchanges of a chapter; to forget a fleet takes one for each device


@dataclass(frozen=True)
class Exchange:
    """One request and its answer.

    Attributes:
        plane: whom it was for; of a sign-in only method, URL and status are kept.
        request, answer: the bodies as JSON values, None where there is none; headers: the harmless ones.
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
    """The exchanges of one step, in their order; of very many the last.

    Attributes:
        left_off: how many came before those.
    """

    def __init__(self) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=_MOST)
        self.left_off = 0

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self._exchanges)

    def __len__(self) -> int:
        return len(self._exchanges)

    def note(self, exchange: Exchange) -> None:
        """Add one."""
        self.left_off += len(self._exchanges) == _MOST
        self._exchanges.append(exchange)

    @property
    def has_changed_something(self) -> bool:
        """More was said than questions."""
        return any(each.method != "GET" and each.plane != "sign-in" for each in self)


class Wire:
    """What went over the line, by chapter: a step of the lesson opens one, and what is sent inside belongs to it."""

    def __init__(self) -> None:
        self._chapters: dict[str, Chapter] = {}
        self._open: list[Chapter] = []

    def __getitem__(self, chapter: str) -> Chapter:
        """What was exchanged in a chapter when it was last opened and did something; nothing if it never was."""
        return self._chapters.get(chapter, Chapter())

    @contextmanager
    def chapter(self, name: str) -> Iterator[None]:
        """Keep what is exchanged inside under this name.

        It takes the place of an earlier chapter of the name; but a step that is taken again, and finds nothing left to do,
        does not make one forget how it was done.
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
        """For the `raw_response_hook` of an azure-core client: it is told of every answer, those that are retried, too."""

        def note(response: "PipelineResponse[Any, Any]") -> None:
            if self._open:
                self._open[-1].note(_exchange(plane, response.http_request, response.http_response))

        return note

    def transport(self, plane: Plane, **options: Any) -> "RequestsTransport":
        """For a client that knows no hooks, as that of the service plane: azure-core's own transport, listened to."""
        from azure.core.pipeline import PipelineResponse
        from azure.core.pipeline.transport import RequestsTransport

        note = self.listener(plane)

        class Listening(RequestsTransport):  # type: ignore[misc]  # untyped in azure-core
            def send(self, request: Any, **kwargs: Any) -> Any:
                response = super().send(request, **kwargs)
                note(PipelineResponse(request, response, None))  # type: ignore[arg-type]  # nobody asks for the context
                return response

        return Listening(**options)


def _exchange(plane: Plane, request: Any, response: Any) -> Exchange:
    said: tuple[Any, Any] = (None, None)
    if plane != "sign-in":
        said = _body(getattr(request, "content", None)), _body(response.text())
    return Exchange(
        plane,
        request.method,
        mask_keys(request.url),
        _harmless(request.headers),
        said[0],
        response.status_code,
        _harmless(response.headers),
        said[1],
    )


def _harmless(headers: Mapping[str, str]) -> dict[str, str]:
    present = {name.lower(): mask_keys(str(value)) for name, value in headers.items()}
    kept = {name: present[name.lower()] for name in _HEADERS if name.lower() in present}
    if "authorization" in present:
        kept["Authorization"] = f"{present['authorization'].partition(' ')[0]} {LEFT_OUT}"
    return kept


def _body(content: Any) -> Any:
    if isinstance(content, bytes):
        content = content.decode(errors="replace")
    if not content:
        return None
    try:
        return _without_secrets("", json.loads(content))
    except ValueError:
        return LEFT_OUT  # nobody knows what it is


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
    """In clear, or in base64 as a certificate's field has it, once or twice."""
    content = text.encode()
    for _ in range(3):
        if b"PRIVATE KEY" in content:
            return True
        try:
            content = base64.b64decode(content, validate=True)
        except binascii.Error:
            return False
    return b"PRIVATE KEY" in content
