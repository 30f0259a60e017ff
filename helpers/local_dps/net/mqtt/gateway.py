"""MQTT connections of devices, over TLS or over a websocket on the HTTPS port."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from ...errors import device as errors
from ...request.outcome import RequestOutcome
from ...request.record import RequestRecord
from ...request.routing import Request
from ..connection_tasks import ConnectionTasks
from ..device_tls import presented_chain
from .framing import MAX_PACKET_BYTES, Decoder, MalformedPacket
from .session import ConnectionClosed, ConnectRefused, MqttSession

__all__ = ["MqttGateway"]

_MAX_CONNECT_SECONDS = 10.0
_MAX_STALLED_WRITE_SECONDS = 5.0  # while a client reads nothing of an answer
_MAX_IDLE_SECONDS = 20 * 60.0  # for a client without a keep-alive
_PATHS = ("/", "/$iothub/websocket", "/%24iothub/websocket", "/mqtt")  # the last is the path of the device SDK for Java
_PROTOCOLS = ("mqtt", "MQTT")  # the device SDK for C requests the second, and expects the same in return
_AMQP_HEADER = b"AMQP"  # AMQP connections begin with these bytes; in MQTT they would be a PUBACK before the CONNECT
_AMQP = "The client uses AMQP, which is not supported here. Configure it to use MQTT or HTTPS."


class MqttGateway:
    """MQTT connections in front of a handler.

    Args:
        name: the host name for requests, because MQTT has no Host header.
        observe: called after each registration and each poll, and when a connection ends with an error.
    """

    def __init__(
        self,
        handle: Callable[[Request], Awaitable[RequestOutcome]],
        name: str,
        observe: Callable[[RequestRecord], None],
    ) -> None:
        self._handle = handle
        self._name = name
        self._observe = observe
        self._connections = ConnectionTasks()

    async def over_tls(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection. This is the callback for `asyncio.start_server`."""
        with self._connections.counted():
            port = writer.get_extra_info("sockname")[1]
            session = MqttSession(self._noted, self._name, port, presented_chain(writer.get_extra_info("ssl_object")))

            async def send(data: bytes) -> None:
                writer.write(data)
                await writer.drain()

            # asyncio's streams would write a traceback for a connection that is cancelled at the end.
            with suppress(asyncio.CancelledError):
                await self._serve(session, _chunks(reader), send)
            with suppress(Exception):  # the client may have closed it already
                writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    async def over_websocket(self, incoming: web.BaseRequest) -> web.StreamResponse | None:
        """Serve one connection that began as an HTTP request. Return None if the request does not ask for MQTT."""
        if incoming.headers.get("Upgrade", "").lower() != "websocket" or incoming.rel_url.raw_path not in _PATHS:
            return None
        if "amqp" in incoming.headers.get("Sec-WebSocket-Protocol", "").lower():
            self._note_end("/", time.monotonic(), _AMQP)
            return web.Response(status=400, text=_AMQP)
        if not _is_same_origin(incoming):
            return web.Response(status=403, text="A web page from another origin can't open a websocket here.")
        socket = web.WebSocketResponse(protocols=_PROTOCOLS, max_msg_size=MAX_PACKET_BYTES)
        if not socket.can_prepare(incoming):
            return None
        with self._connections.counted():
            transport = incoming.transport
            port = transport.get_extra_info("sockname")[1] if transport else 0
            chain = presented_chain(transport.get_extra_info("ssl_object")) if transport else ()
            await socket.prepare(incoming)
            await self._serve(MqttSession(self._noted, self._name, port, chain), _messages(socket), socket.send_bytes)
            with suppress(Exception):
                await socket.close()
        return socket

    async def close(self) -> None:
        """End every connection."""
        await self._connections.close()

    async def _serve(
        self, session: MqttSession, incoming: AsyncIterator[bytes], send: Callable[[bytes], Awaitable[None]]
    ) -> None:
        """Serve one connection until it ends. An invalid packet ends this connection only, with a line in the log."""
        began = time.monotonic()
        try:
            await _converse(session, incoming, send)
        except TimeoutError:
            self._note_end(session.path, began, "The client sent no complete packet, or read no answer, for too long.")
        except (ConnectRefused, MalformedPacket) as error:
            self._note_end(session.path, began, str(error))
        except (ConnectionClosed, OSError):
            pass  # the client disconnected, or dropped the connection

    def _note_end(self, path: str, began: float, reason: str) -> None:
        """Write one line for a connection that ended with an error, even if the client sent a flood of packets."""
        refusal = errors.not_mqtt(reason)
        seconds = time.monotonic() - began
        with suppress(Exception):
            self._observe(RequestRecord("MQTT", path, "", {}, b"", None, seconds, refusal))

    async def _noted(self, request: Request) -> RequestOutcome:
        began = time.monotonic()
        outcome = await self._handle(request)
        response = outcome.response
        with suppress(Exception):
            self._observe(
                RequestRecord(
                    method="MQTT",
                    path=request.path,
                    query="",
                    headers={},
                    body=request.body,
                    status=response.status if response else None,
                    seconds=time.monotonic() - began,
                    refusal=outcome.refusal,
                    fault=outcome.fault,
                    response=response,
                )
            )
        return outcome


def _is_same_origin(incoming: web.BaseRequest) -> bool:
    """Whether the Origin header is absent or names this host.

    A browser sends the origin of the web page (RFC 6455 section 10.2). Azure's device SDKs send this host.
    """
    origin = incoming.headers.get("Origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).hostname == urlsplit(f"//{incoming.headers.get('Host', '')}").hostname
    except ValueError:
        return False


async def _converse(
    session: MqttSession, incoming: AsyncIterator[bytes], send: Callable[[bytes], Awaitable[None]]
) -> None:
    """Pass packets to a session, and send its answers, until the connection ends.

    Raises:
        ConnectionClosed, ConnectRefused, MalformedPacket, TimeoutError, OSError: why it ended.
    """
    decoder = Decoder()
    loop = asyncio.get_running_loop()
    until = loop.time() + _MAX_CONNECT_SECONDS  # for a complete packet: single bytes don't extend it
    while True:
        async with asyncio.timeout_at(until):
            data = await anext(incoming, b"")
        if not data:
            return
        if data.startswith(_AMQP_HEADER):
            raise MalformedPacket(_AMQP)
        for packet in decoder.feed(data):
            try:
                responses = await session.receive(packet)
            except ConnectRefused as refused:
                await _send(send, refused.response)
                raise
            for response in responses:
                await _send(send, response)
            until = loop.time() + _patience(session)
            await asyncio.sleep(0)  # a client that sends without a pause must not block the others


async def _send(send: Callable[[bytes], Awaitable[None]], response: bytes) -> None:
    async with asyncio.timeout(_MAX_STALLED_WRITE_SECONDS):
        await send(response)


def _patience(session: MqttSession) -> float:
    """Return the seconds within which the next packet must arrive: one and a half times the keep-alive (3.1.2.10)."""
    return session.keep_alive * 1.5 if session.keep_alive else _MAX_IDLE_SECONDS


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while data := await reader.read(MAX_PACKET_BYTES):
        yield data


async def _messages(socket: web.WebSocketResponse) -> AsyncIterator[bytes]:
    async for message in socket:
        if message.type is not WSMsgType.BINARY:
            return
        if message.data:
            yield message.data
