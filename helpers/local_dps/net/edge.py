"""The edge: HTTP requests in, answers out, with limits, and an observer who sees what was exchanged."""

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

_MAX_HEAD_SECONDS = 10.0  # from the connection to the end of the first request's head
_MAX_BODY_SECONDS = 20.0  # for a whole body
_MAX_IDLE_SECONDS = 75.0  # between two requests on one connection
_MAX_STALLED_WRITE_SECONDS = 20.0  # until a client must take more of an answer
_MAX_HEADER_BYTES = 16 * 1024  # bytes of the request line, and of each header
_MAX_HEADERS = 64
_SLASHES = re.compile("/{2,}")


class HttpEdge:
    """An HTTP server in front of a handler: the factory that `loop.create_server` takes.

    Args:
        plane_of: whose call a path is.
        names: under which clients may reach it, in lower case; the first stands for every other.
        observe: called after each request.
        upgrade: takes a request that is to become something else than HTTP; None if it is none.
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
        """The protocol of a new connection."""
        return _Connection(
            self._server,
            self._note_unreadable,
            access_log=None,
            keepalive_timeout=_MAX_IDLE_SECONDS,
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
            max_headers=_MAX_HEADERS,
            lingering_time=1.0,
            auto_decompress=False,  # a small body may be endless when it is unpacked
        )

    async def close(self, seconds: float) -> None:
        """Let requests that are being answered come to their end, at most that long."""
        self._server.pre_shutdown()
        await self._server.shutdown(seconds)

    def _incoming(
        self, message: RawRequestMessage, payload: StreamReader, protocol: web.RequestHandler, writer: Any, task: Any
    ) -> web.BaseRequest:
        """A request, whatever host a client wrote into its first line: aiohttp would read it as a name, and it may be none."""
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
                response=response,
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
            path=tidy if plane is ApiPlane.RESOURCE_MANAGER else path,  # ARM reads // as /, and some clients write it
            query={name.lower(): value for name, value in incoming.rel_url.query.items()},
            headers=incoming.headers,
            body=body,
            now=datetime.now(UTC),
            chain=presented_chain(incoming.transport.get_extra_info("ssl_object")) if incoming.transport else (),
        )

    def _note_unreadable(self, status: int) -> None:
        """A request that is no HTTP, or whose head is too large, has no method and no path to tell of."""
        self._tell(RequestRecord("?", "(a request that can't be read)", "", {}, b"", status, 0.0))

    def _tell(self, record: RequestRecord) -> None:
        with suppress(Exception):  # the answer stands already, whatever becomes of the log
            self._observe(record)


class _Connection(web.RequestHandler):
    """One client. One that connects and says nothing, or never ends its first request's head, is let go."""

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
        """The client does not take what it asked for; it has so long to go on."""
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
        """A request has come; from here on the time between two requests counts."""
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
        """What can't be parsed is answered in a line and forgotten; nothing that it held is written down."""
        if status >= 500:
            return super().handle_error(incoming, status, exc, message)
        self._note_unreadable(status)
        written = web.Response(status=status, text="This is not an HTTP request that can be read, or it is too large.")
        written.force_close()
        return written


def _as_http(response: Response, plane: ApiPlane) -> web.Response:
    headers = {"x-ms-request-id": str(uuid4()), **response.headers}
    if plane in (ApiPlane.RESOURCE_MANAGER, ApiPlane.RESOURCE_PROVIDER):
        headers["x-ms-correlation-request-id"] = str(uuid4())
    if response.body is NO_BODY:
        return web.Response(status=response.status, headers=headers)
    headers["Content-Type"] = "application/json; charset=utf-8"
    body = json.dumps(response.body, separators=(",", ":")).encode()
    return web.Response(status=response.status, body=body, headers=headers)


async def _read_body(incoming: web.BaseRequest) -> bytes:
    """The body, or so much of it that the core sees that it is too large.

    Raises:
        TimeoutError: it did not come.
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
