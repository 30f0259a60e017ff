"""A CONNECT proxy on loopback that leads from Azure's own names and ports to the device plane.

Azure's device client has options for a host and a proxy, but not for a port: it always uses 8883 or 443. This proxy maps
these two to the ports of the local DPS, which therefore needs no fixed ports.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress

from ..errors import device as errors
from ..request.record import RequestRecord
from .connection_tasks import ConnectionTasks

__all__ = ["MAX_HEAD_BYTES", "DeviceProxy"]

# CancelledError is included because asyncio's streams would write a traceback for a tunnel that is cancelled at the end.
_EXPECTED_ENDINGS = (
    TimeoutError,
    OSError,
    asyncio.IncompleteReadError,
    asyncio.LimitOverrunError,
    asyncio.CancelledError,
)

_MAX_HEAD_SECONDS = 10.0
MAX_HEAD_BYTES = 16 * 1024
_CHUNK_BYTES = 64 * 1024
_CONNECT = re.compile(rb"CONNECT (?P<place>[A-Za-z0-9.-]+:(?P<port>\d{1,5})) HTTP/1\.[01]\r\n")


class DeviceProxy:
    """A proxy that opens tunnels to the device plane only.

    Args:
        address: the address on which the device plane listens.
        ports: the device plane's port for each port that a client may name.
        observe: called when a request is refused.
    """

    def __init__(self, address: str, ports: Mapping[int, int], observe: Callable[[RequestRecord], None]) -> None:
        self._address = address
        self._ports = ports
        self._observe = observe
        self._tunnels = ConnectionTasks()

    async def tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection. This is the callback for `asyncio.start_server`."""
        try:
            with self._tunnels.counted(), suppress(*_EXPECTED_ENDINGS):
                async with asyncio.timeout(_MAX_HEAD_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                asked = _CONNECT.match(head)
                port = self._ports.get(int(asked["port"])) if asked else None
                if port is None:
                    self._note_refused(asked["place"].decode() if asked else "?")
                    writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    return
                inner_reader, inner_writer = await asyncio.open_connection(self._address, port)
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await asyncio.gather(_pipe(reader, inner_writer), _pipe(inner_reader, writer))
        finally:
            with suppress(Exception):
                writer.close()

    def _note_refused(self, place: str) -> None:
        refusal = errors.proxy_leads_nowhere_else(", ".join(map(str, self._ports)))
        with suppress(Exception):  # an observer that fails must not change the response
            self._observe(RequestRecord("CONNECT", place, "", {}, b"", 403, 0.0, refusal))

    async def close(self) -> None:
        """End every tunnel."""
        await self._tunnels.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(_CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    finally:
        with suppress(Exception):
            writer.close()
