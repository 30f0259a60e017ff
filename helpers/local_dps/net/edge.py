"""The HTTP edge: it reads requests within limits, passes them to a handler, and writes the responses."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiohttp import ClientPayloadError, HttpVersion11, StreamReader, web
from aiohttp.http import RawRequestMessage

from ..core import MAX_BODY_BYTES
from ..errors import ApiPlane, body_too_slow
from ..request.outcome import RequestOutcome, outcome_of_refusal
from ..request.record import RequestRecord
from ..request.routing import NO_BODY, Request, Response
from .device_tls import presented_chain

__all__ = ["HttpEdge"]

_MAX_HEAD_SECONDS = 10.0  # from the start of the connection to the end of the first request's headers
_MAX_BODY_SECONDS = 20.0  # for a whole body
_MAX_IDLE_SECONDS = 75.0  # between two requests on one connection
_MAX_STALLED_WRITE_SECONDS = 20.0  # while a client reads nothing of a response
_MAX_HEADER_BYTES = 16 * 1024  # for the request line, and for each header
_MAX_HEADERS = 64
_SLASHES = re.compile("/{2,}")


class HttpEdge:
    """An HTTP server in front of a handler: the factory that `loop.create_server` takes.

    Args:
        plane_of: returns the plane of a path.
        names: the names by which clients may reach it, in lower case. The first replaces any other name.
        observe: called after each request.
        upgrade: handles a request that asks for another protocol; returns None for all other requests.
    """

    def __init__(
        self,
        handle: Callable[[Request], Awaitable[RequestOutcome]],
        plane_of: Callable[[str], ApiPlane],
        names: tuple[str, ...],
        observe: Callable[[RequestRecord], None],
        upgrade: Callable[[web.BaseRequest], Awaitable[web.StreamResponse | None]] | None = None,
    ) -> None:
        self._handle = handle
        self._plane_of = plane_of
        self._names = names
        self._observe = observe
        self._upgrade = upgrade
        self._server = web.Server(self._respond, request_factory=self._incoming, access_log=None)

    def __call__(self) -> asyncio.Protocol:
        """Return the protocol for a new connection."""
        return _Connection(
            self._server,
            self._note_unreadable,
            access_log=None,
            keepalive_timeout=_MAX_IDLE_SECONDS,
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
            max_headers=_MAX_HEADERS,
            lingering_time=1.0,
            auto_decompress=False,  # a small compressed body may be huge when decompressed
        )

    async def close(self, seconds: float) -> None:
        """Wait for the requests in progress, at most that many seconds, then close all connections."""
        self._server.pre_shutdown()
        await self._server.shutdown(seconds)

    def _incoming(
        self, message: RawRequestMessage, payload: StreamReader, protocol: web.RequestHandler, writer: Any, task: Any
    ) -> web.BaseRequest:
        """Return a request without the host in its first line: aiohttp would parse it, and it may be invalid."""
        if message.url.absolute:
            message = message._replace(url=message.url.relative())
        return web.BaseRequest(message, payload, protocol, writer, task, asyncio.get_running_loop())

    async def _respond(self, incoming: web.BaseRequest) -> web.StreamResponse:
        began = time.monotonic()
        if isinstance(incoming.protocol, _Connection):
            incoming.protocol.heard()
        if self._upgrade and (upgraded := await self._upgrade(incoming)):
            return upgraded
        request, outcome = await self._outcome(incoming)
        self._tell(
            RequestRecord(
                method=request.method,
                path=request.path,
                query=incoming.rel_url.raw_query_string,
                headers=request.headers,
                body=request.body,
                status=outcome.response.status if outcome.response else None,
                seconds=time.monotonic() - began,
                refusal=outcome.refusal,
                fault=outcome.fault,
                response=outcome.response,
            )
        )
        if outcome.response is None:
            if incoming.transport:
                incoming.transport.abort()
            return web.Response()
        return _as_http(outcome.response, request.plane)

    async def _outcome(self, incoming: web.BaseRequest) -> tuple[Request, RequestOutcome]:
        try:
            body = await _read_body(incoming)
        except TimeoutError:
            request = self._request(incoming, b"")
            return request, outcome_of_refusal(body_too_slow(request.plane, _MAX_BODY_SECONDS))
        except (ConnectionError, ClientPayloadError):  # the client closed the connection, or sent a malformed body
            return self._request(incoming, b""), RequestOutcome(None)
        request = self._request(incoming, body)
        return request, await self._handle(request)

    def _request(self, incoming: web.BaseRequest, body: bytes) -> Request:
        host = incoming.headers.get("Host", "").lower()
        name = host.rpartition(":")[0] or host
        path = incoming.rel_url.raw_path
        tidy = _SLASHES.sub("/", path)
        plane = self._plane_of(tidy)
        return Request(
            method=incoming.method,
            name=name if name in self._names else self._names[0],
            port=incoming.transport.get_extra_info("sockname")[1] if incoming.transport else 0,
            plane=plane,
            path=tidy
            if plane is ApiPlane.RESOURCE_MANAGER
            else path,  # Resource Manager reads // as /, and some clients send it
            query={name.lower(): value for name, value in incoming.rel_url.query.items()},
            headers=incoming.headers,
            body=body,
            now=datetime.now(UTC),
            chain=presented_chain(incoming.transport.get_extra_info("ssl_object")) if incoming.transport else (),
        )

    def _note_unreadable(self, status: int) -> None:
        """Record a request that is not HTTP, or whose headers are too large. It has no method and no path."""
        self._tell(RequestRecord("?", "(a request that can't be read)", "", {}, b"", status, 0.0))

    def _tell(self, record: RequestRecord) -> None:
        with suppress(Exception):  # an observer that fails must not change the response
            self._observe(record)


class _Connection(web.RequestHandler):
    """One client connection. It is closed if the client does not complete its first request's headers in time."""

    def __init__(self, server: web.Server, note_unreadable: Callable[[int], None], **limits: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **limits)
        self._note_unreadable = note_unreadable
        self._patience: asyncio.TimerHandle | None = None
        self._reluctance: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if isinstance(transport, asyncio.Transport):
            self._patience = asyncio.get_running_loop().call_later(_MAX_HEAD_SECONDS, transport.abort)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.heard()
        self._stop_waiting()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Start a timer, because the client has stopped reading the response. When it ends, the connection is dropped."""
        super().pause_writing()
        if self.transport:
            self._reluctance = asyncio.get_running_loop().call_later(_MAX_STALLED_WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._reluctance:
            self._reluctance.cancel()
            self._reluctance = None

    def heard(self) -> None:
        """Stop the timer for the first request. From now on, only the idle time between requests is limited."""
        if self._patience:
            self._patience.cancel()
            self._patience = None

    def handle_error(
        self,
        incoming: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that can't be parsed. Nothing of its content is logged."""
        if status >= 500:
            return super().handle_error(incoming, status, exc, message)
        self._note_unreadable(status)
        written = web.Response(status=status, text="The request is not valid HTTP, or it is too large.")
        written.force_close()
        return written


def _as_http(response: Response, plane: ApiPlane) -> web.Response:
    headers = {"x-ms-request-id": str(uuid4()), **response.headers}
    if plane in (ApiPlane.RESOURCE_MANAGER, ApiPlane.RESOURCE_PROVIDER):
        headers["x-ms-correlation-request-id"] = str(uuid4())
    if response.body is NO_BODY:
        return web.Response(status=response.status, headers=headers)
    if isinstance(response.body, bytes):
        return web.Response(status=response.status, body=response.body, headers=headers)
    headers["Content-Type"] = "application/json; charset=utf-8"
    body = json.dumps(response.body, separators=(",", ":")).encode()
    return web.Response(status=response.status, body=body, headers=headers)


async def _read_body(incoming: web.BaseRequest) -> bytes:
    """Return the body, or just enough of it for the core to see that it is too large.

    Raises:
        TimeoutError: the body did not arrive in time.
    """
    if not incoming.can_read_body:
        return b""
    if incoming.version == HttpVersion11 and incoming.headers.get("Expect", "").lower() == "100-continue":
        await incoming.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        incoming.writer.output_size = 0
    body = bytearray()
    async with asyncio.timeout(_MAX_BODY_SECONDS):
        async for chunk in incoming.content.iter_any():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                break
    return bytes(body)
