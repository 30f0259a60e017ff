"""A client that uses little CPU time: it sends the same request again and again on a few open connections."""

import asyncio
import ssl
import time
from dataclasses import dataclass

from tests.bench.processes import cpu_seconds

__all__ = ["Measured", "load", "once"]

CONNECTIONS = 16


@dataclass(frozen=True)
class Measured:
    """The result of a period of load: requests per second, and the server's CPU seconds per request."""

    rate: float
    cpu: float


def load(pid: int, port: int, authority: ssl.SSLContext, request: bytes, seconds: float) -> Measured:
    """Send `request` for that long on `CONNECTIONS` connections, each time as soon as the previous answer has arrived."""
    return asyncio.run(_load(pid, port, authority, request, seconds))


def once(port: int, authority: ssl.SSLContext, request: bytes) -> bytes:
    """The whole answer to one request."""

    async def ask() -> bytes:
        client = await _connect(port, authority, request)
        await client.finish()
        return client.last

    return asyncio.run(ask())


async def _load(pid: int, port: int, authority: ssl.SSLContext, request: bytes, seconds: float) -> Measured:
    clients = await asyncio.gather(*(_connect(port, authority, request) for _ in range(CONNECTIONS)))
    await asyncio.sleep(seconds / 4)  # until everything is warm
    answered, cpu, began = sum(client.answers for client in clients), cpu_seconds(pid), time.perf_counter()
    await asyncio.sleep(seconds)
    answered = sum(client.answers for client in clients) - answered
    elapsed, cpu = time.perf_counter() - began, cpu_seconds(pid) - cpu
    await asyncio.gather(*(client.finish() for client in clients))
    return Measured(answered / elapsed, cpu / answered)


async def _connect(port: int, authority: ssl.SSLContext, request: bytes) -> "_Client":
    _, client = await asyncio.get_running_loop().create_connection(
        lambda: _Client(request), "127.0.0.1", port, ssl=authority, server_hostname="localhost"
    )
    return client


class _Client(asyncio.Protocol):
    def __init__(self, request: bytes) -> None:
        self._request = request
        self._got = b""
        self._finished = asyncio.get_running_loop().create_future()
        self._finishing = False
        self.answers = 0
        self.last = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"The server refused: {self._got[:400]!r}")
        self.last, self._got = self._got, b""
        self.answers += 1
        if self._finishing:
            self._finished.set_result(None)
        else:
            self._transport.write(self._request)

    async def finish(self) -> None:
        """Wait for the answer in progress, and close the connection."""
        self._finishing = True
        await self._finished
        self._transport.close()


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
