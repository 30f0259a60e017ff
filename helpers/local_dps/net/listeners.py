"""Listening sockets, and a port of its own for each service but the oldest, which shares the main port."""

import asyncio
import errno
import logging
import socket
import sqlite3
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

from ..request.endpoints import Endpoints
from ..store import Store
from .edge import HttpEdge

__all__ = [
    "LOOPBACK",
    "MAX_ACCEPTS_AT_ONCE",
    "MAX_HANDSHAKE_SECONDS",
    "ErrorLog",
    "Listeners",
    "PortSockets",
    "open_port_sockets",
    "port_number",
    "serve_tls",
    "start_servers",
]

# asyncio reserves a read buffer of 256 KiB for each TLS connection, even an idle one. A TLS record holds 16 KiB.
SSLProtocol.max_size = 16 * 1024

MAX_HANDSHAKE_SECONDS = 10.0
_MAX_WAITING_CONNECTIONS = 1024  # a fleet connects at once, and a rejected client retries only a second later
# asyncio accepts this many connections in one turn. If no more files can be opened, it also fails this often in one turn.
MAX_ACCEPTS_AT_ONCE = 16
LOOPBACK = "127.0.0.1"
_LOOPBACK_IPV6 = "::1"
_MAX_PORT_TRIES = 20  # a port that is free on one loopback address is rarely taken on the other
_RETRY_INTERVAL_SECONDS = 1.0
_LOG_INTERVAL_SECONDS = 60.0


PortSockets: TypeAlias = tuple[socket.socket, ...]
"""The listening sockets of one port, on one address or on two."""


def port_number(port: PortSockets) -> int:
    """Return the number of a port."""
    number: int = port[0].getsockname()[1]
    return number


def open_port_sockets(address: str, port: int) -> PortSockets:
    """Open the listening sockets of one port. For 127.0.0.1 they are two, on 127.0.0.1 and ::1, if the machine has IPv6.

    Clients that look up `localhost` may get ::1 first, and Node 18 does not try the other address.

    Args:
        port: 0 for a free port.

    Raises:
        OSError: the port can't be used.
    """
    if address != LOOPBACK:
        return (_open_socket(address, port),)
    for _ in range(_MAX_PORT_TRIES):
        first = _open_socket(LOOPBACK, port)
        try:
            return first, _open_socket(_LOOPBACK_IPV6, first.getsockname()[1])
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return (first,)
            first.close()
            if port:
                raise
    raise OSError(errno.EADDRINUSE, "No port is free on both loopback addresses")


def _open_socket(address: str, port: int) -> socket.socket:
    return socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET)


async def start_servers(
    start: Callable[[socket.socket], Awaitable[asyncio.Server]], port: PortSockets
) -> list[asyncio.Server]:
    """Start a server on each socket of a port, with a longer queue for new connections than asyncio sets."""
    servers = [await start(each) for each in port]
    for each in port:
        each.listen(_MAX_WAITING_CONNECTIONS)
    return servers


async def serve_tls(edge: HttpEdge, context: ssl.SSLContext, listener: socket.socket) -> asyncio.Server:
    """Serve HTTPS on a socket."""
    return await asyncio.get_running_loop().create_server(
        edge, sock=listener, ssl=context, ssl_handshake_timeout=MAX_HANDSHAKE_SECONDS, backlog=MAX_ACCEPTS_AT_ONCE
    )


class ErrorLog:
    """An event loop's exception handler that limits one warning.

    If no more files can be opened, asyncio reports it hundreds of times a second.
    """

    def __init__(self) -> None:
        self._quiet_until = float("-inf")

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)):
            loop.default_exception_handler(context)
        elif loop.time() > self._quiet_until:
            self._quiet_until = loop.time() + _LOG_INTERVAL_SECONDS
            logging.getLogger(__name__).warning(
                "%s: new connections must wait. Raise the limit (ulimit -n), or open fewer connections.", error.strerror
            )


class Listeners:
    """The TLS servers of the services, all in front of one edge."""

    def __init__(
        self, edge: HttpEdge, context: ssl.SSLContext, address: str, endpoints: Endpoints, store: Store
    ) -> None:
        self._edge = edge
        self._context = context
        self._address = address
        self._endpoints = endpoints
        self._store = store
        self._further: dict[int, list[asyncio.Server]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._retries: set[asyncio.Task[None]] = set()

    async def start(self, main: PortSockets) -> list[asyncio.Server]:
        """Listen for every service. Returns the servers of the main port."""
        oldest = self._store.services.all()[0]
        self._endpoints.ports[oldest.id] = self._endpoints.main_port
        await self._follow()
        return await self._listen(main)

    async def _listen(self, port: PortSockets) -> list[asyncio.Server]:
        return await start_servers(partial(serve_tls, self._edge, self._context), port)

    async def follow(self) -> None:
        """Start to listen for new services, and stop for deleted ones.

        If no port is free, the service remains in the state Activating, and this is tried again later.
        """
        try:
            await self._follow()
        except OSError as error:
            logging.getLogger(__name__).warning("A service has no port yet. Trying again soon. %s", error)
            loop = asyncio.get_running_loop()
            loop.call_later(_RETRY_INTERVAL_SECONDS, lambda: self._retries.add(loop.create_task(self.follow())))

    async def _follow(self) -> None:
        async with self._one_at_a_time:
            present = {service.id for service in self._store.services.all()}
            for service_id in present - self._endpoints.ports.keys():
                port = self._open_port(self._store.services.port(service_id))
                self._further[service_id] = await self._listen(port)
                self._endpoints.ports[service_id] = port_number(port)
                with suppress(
                    sqlite3.Error
                ):  # the disk is full: this port works, but the next start may choose another
                    self._store.services.set_port(service_id, port_number(port))
            for service_id in self._endpoints.ports.keys() - present:
                del self._endpoints.ports[service_id]
                for server in self._further.pop(service_id, []):
                    server.close()

    def _open_port(self, last: int) -> PortSockets:
        """Open the port that a service had last, so that its address stays, or a free one if that is taken or there is none."""
        try:
            return open_port_sockets(self._address, last)
        except OSError:
            return open_port_sockets(self._address, 0)

    def close(self) -> None:
        """Stop accepting connections for all services but the oldest."""
        for task in self._retries:
            task.cancel()
        for servers in self._further.values():
            for server in servers:
                server.close()
