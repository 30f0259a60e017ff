"""Requests, responses, and the routes between them, without any input or output."""

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote

from cryptography import x509

from ..errors import ApiPlane
from .endpoints import host_and_port

__all__ = ["NO_BODY", "Handler", "Request", "Response", "Route", "find_route", "read_object", "unquoted_etag"]

_MAX_JSON_DEPTH = 100


@dataclass(slots=True)
class Request:
    """One request, as a handler sees it.

    Attributes:
        name, port: how the client reached the local DPS. `name` is one of the names in the server certificate.
        plane: the plane that answers it, and so the form of an error body.
        path: percent-encoded, without the query.
        query: names are in lower case, because Azure compares them without case.
        headers: look them up in lower case.
        chain: the certificates that a device sent in its handshake, its own first.
        parameters: the path's named segments, decoded. They are set when the route is found.
        now: the time of the request in UTC. Everything in one answer uses it.
    """

    method: str
    name: str
    port: int
    plane: ApiPlane
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    now: datetime
    chain: tuple[x509.Certificate, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The host and port as the client used them, for the URLs in an answer."""
        return host_and_port(self.name, self.port)

    def json_object(self) -> dict[str, Any]:
        """Return the body as a JSON object.

        Raises:
            ValueError: see `read_object`.
        """
        return read_object(self.body)

    def if_match(self) -> str | None:
        """Return the ETag in If-Match, `*` for any, or None without the header. An empty ETag matches nothing."""
        value = self.headers.get("if-match")
        return None if value is None else unquoted_etag(value)


def unquoted_etag(etag: str) -> str:
    """Return an ETag without the quotes that some clients put around it."""
    value = etag.strip()
    return value[1:-1] if len(value) >= 2 and value[0] == value[-1] == '"' else value


def read_object(content: bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        ValueError: the content is not a JSON object, is nested more than 100 levels deep, or has something that JSON does
            not allow: NaN, an infinite number, or half a surrogate pair.
    """
    try:
        value = json.loads(content, parse_constant=_finite, parse_float=_finite)
        if b"\\u" in content:
            json.dumps(value, ensure_ascii=False).encode()  # raises for half a surrogate pair
    except RecursionError as error:
        raise ValueError("The body is nested too deeply.") from error
    _check_depth(value, _MAX_JSON_DEPTH)
    if not isinstance(value, dict):
        raise ValueError("The body is not a JSON object.")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a JSON number.")
    return value


def _check_depth(value: Any, left: int) -> None:
    if isinstance(value, dict):
        inner: Collection[Any] = value.values()
    elif isinstance(value, list):
        inner = value
    else:
        return
    if inner and not left:
        raise ValueError("The body is nested too deeply.")
    for each in inner:
        _check_depth(each, left - 1)


NO_BODY = object()


class Response(NamedTuple):
    """One response.

    Attributes:
        body: JSON, or bytes whose type is in the headers. None is `null`, and `NO_BODY` means that there is no body.
        headers: the headers besides the usual ones.
        note: what the log says about the response, if its status says too little.
    """

    status: int
    body: Any = NO_BODY
    headers: Mapping[str, str] = MappingProxyType({})
    note: str = ""


Handler: TypeAlias = Callable[[Request], Response]


class Route:
    """One route of a plane. `{name}` in the template stands for one path segment. Paths are compared without case."""

    def __init__(self, method: str, template: str, handler: Handler) -> None:
        self.method = method
        self.template = template
        self.handler = handler
        named = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
        self._pattern = re.compile(named, re.IGNORECASE)

    def match(self, path: str) -> Mapping[str, str] | None:
        """Return the decoded parameters if the whole path matches, else None."""
        found = self._pattern.fullmatch(path)
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None


def find_route(routes: tuple[Route, ...], request: Request) -> tuple[Route, Mapping[str, str]] | set[str]:
    """Return the route of a request and its parameters. If there is none, return the methods that its path has."""
    methods = set()
    for route in routes:
        parameters = route.match(request.path)
        if parameters is not None:
            if route.method == request.method:
                return route, parameters
            methods.add(route.method)
    return methods
