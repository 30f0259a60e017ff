"""The ports of one local DPS: one for the oldest service and everything else, and one for each further service."""

import asyncio
import errno
import logging
import socket
import ssl
from asyncio.sslproto import SSLProtocol
from typing import Any

from helpers.local_dps.edge import Edge
from helpers.local_dps.endpoints import Endpoints
from helpers.local_dps.store import Store

__all__ = ["BACKLOG", "HANDSHAKE_SECONDS", "ErrorLog", "Listeners", "lengthen_queue", "open_socket"]

# asyncio sets aside 256 KiB for what may come on each TLS connection, idle or not; a TLS record holds 16.
SSLProtocol.max_size = 16 * 1024

HANDSHAKE_SECONDS = 10.0
_QUEUE = 1024  # a fleet comes at once; whom the system turns away knocks again a whole second later
# asyncio accepts so many connections in one go; and when no more files can be opened, it fails as often in one go.
BACKLOG = 16
_AGAIN_SECONDS = 1.0
_QUIET_SECONDS = 60.0


def open_socket(address: str, port: int) -> socket.socket:
    """A listening socket, IPv4 or IPv6 as the address is."""
    return socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET)


def lengthen_queue(server: asyncio.Server) -> None:
    """Let more clients wait to be accepted than are accepted in one go."""
    for each in server.sockets:
        with socket.fromfd(each.fileno(), each.family, each.type) as listener:
            listener.listen(_QUEUE)


class ErrorLog:
    """An event loop's exception handler. When no more files can be opened, asyncio says so hundreds of times a second."""

    def __init__(self) -> None:
        self._quiet_until = float("-inf")

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)):
            loop.default_exception_handler(context)
        elif loop.time() > self._quiet_until:
            self._quiet_until = loop.time() + _QUIET_SECONDS
            logging.getLogger(__name__).warning(
                "%s: new connections wait. Raise the limit (ulimit -n), or open fewer connections.", error.strerror
            )


class Listeners:
    """TLS servers in front of one edge, as many as there are services."""

    def __init__(self, edge: Edge, context: ssl.SSLContext, address: str, endpoints: Endpoints, store: Store) -> None:
        self._edge = edge
        self._context = context
        self._address = address
        self._endpoints = endpoints
        self._store = store
        self._further: dict[int, asyncio.Server] = {}
        self._one_at_a_time = asyncio.Lock()
        self._retries: set[asyncio.Task[None]] = set()

    async def start(self, main: socket.socket) -> asyncio.Server:
        """Listen for the oldest service, and for each of the others."""
        oldest = self._store.services.all()[0]
        self._endpoints.ports[oldest.id] = self._endpoints.main_port
        await self._follow()
        return await self.listen(self._edge, main)

    async def listen(
        self, edge: Edge, listener: socket.socket, context: ssl.SSLContext | None = None
    ) -> asyncio.Server:
        """A TLS server on that socket, with another context if one is given."""
        server = await asyncio.get_running_loop().create_server(
            edge,
            sock=listener,
            ssl=context or self._context,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            backlog=BACKLOG,
        )
        lengthen_queue(server)
        return server

    async def follow(self) -> None:
        """Listen for services that are new, and no more for those that are gone.

        A service for which there is no port just now is still being activated; it is tried again.
        """
        try:
            await self._follow()
        except OSError as error:
            logging.getLogger(__name__).warning("A service has no port yet, trying again: %s", error)
            loop = asyncio.get_running_loop()
            loop.call_later(_AGAIN_SECONDS, lambda: self._retries.add(loop.create_task(self.follow())))

    async def _follow(self) -> None:
        async with self._one_at_a_time:
            present = {service.id for service in self._store.services.all()}
            for service in present - self._endpoints.ports.keys():
                listener = open_socket(self._address, 0)
                self._further[service] = await self.listen(self._edge, listener)
                self._endpoints.ports[service] = listener.getsockname()[1]
            for service in self._endpoints.ports.keys() - present:
                del self._endpoints.ports[service]
                if service in self._further:
                    self._further.pop(service).close()

    def close(self) -> None:
        """Accept no more connections of further services."""
        for task in self._retries:
            task.cancel()
        for server in self._further.values():
            server.close()
