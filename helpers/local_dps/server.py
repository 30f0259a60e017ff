"""The local DPS as a process: TLS on a loopback port, one connection file, one line a request."""

import asyncio
import fcntl
import json
import os
import secrets
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from helpers.local_dps.core import BODY_LIMIT, Core
from helpers.local_dps.errors import Refusal
from helpers.local_dps.routing import Call
from helpers.local_dps.store import Store
from helpers.local_dps.tls import server_context

__all__ = ["CannotStart", "Exchange", "LocalDps", "running"]

_LOOPBACK = "127.0.0.1"


class CannotStart(Exception):
    """The local DPS could not begin to serve: the message says why and what to do."""


@dataclass(frozen=True)
class Exchange:
    """One request and what became of it, as an observer sees it.

    Attributes:
        headers, body: the request's, with whatever secrets the client put in: an observer must not write them down.
        seconds: from the request's first line to the answer.
        refusal: why it was refused, if it was.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    seconds: float
    refusal: Refusal | None

    def line(self) -> str:
        """For the request log: method, path, status, time, and the reason of a refusal. Never a secret."""
        reason = f"  {self.refusal.message} {self.refusal.explanation}" if self.refusal else ""
        line = f"{self.method:6} {self.path}  {self.status}  {self.seconds * 1000:.1f} ms{reason}"
        return "".join(letter if letter.isprintable() else "?" for letter in line)


@dataclass
class LocalDps:
    """A local DPS on a folder of state.

    Args:
        state: where its data lives; created when it is not there. One process at a time may serve it.
        https_port: 0 for a free one.
        host_names: names for its certificate besides localhost and the loopback addresses.
        observe: called after each request.
        idle_seconds: stop by itself after that long without a request; None for never.
    """

    state: Path
    https_port: int = 0
    host_names: tuple[str, ...] = ()
    observe: Callable[[Exchange], None] | None = None
    idle_seconds: float | None = None
    _last_request: float = field(default_factory=time.monotonic, init=False)

    async def serve(
        self, stop: asyncio.Event, connection_file: Path, ready: Callable[[Mapping[str, Any]], None]
    ) -> None:
        """Serve until `stop` is set or the idle time is over. The connection file is there while it serves.

        Args:
            ready: called once with the connection, when the first request can come.

        Raises:
            CannotStart: the port is taken, the state can't be opened, or another process serves it.
        """
        with self._exclusive(), self._open_store() as store, self._listen() as listener:
            context, authority_pem = server_context(("localhost", _LOOPBACK, *self.host_names))
            port = listener.getsockname()[1]
            core = Core(store, f"localhost:{port}")

            async def answer(request: web.BaseRequest) -> web.StreamResponse:
                return await self._answer(core, request)

            runner = web.ServerRunner(web.Server(answer, access_log=None), handle_signals=False, shutdown_timeout=2.0)
            await runner.setup()
            try:
                await web.SockSite(runner, listener, ssl_context=context).start()
                connection = self._connection(store, port, authority_pem)
                _write_private(connection_file, json.dumps(connection, indent=2).encode())
                try:
                    ready(connection)
                    await self._until_stopped(stop)
                finally:
                    _remove_own(connection_file)
            finally:
                await runner.cleanup()

    def _listen(self) -> socket.socket:
        try:
            return socket.create_server((_LOOPBACK, self.https_port))
        except OSError as error:
            raise CannotStart(
                f"Port {self.https_port} on {_LOOPBACK} can't be used: {error.strerror}. Another program may have it. "
                "Choose another with --https-port, or leave the option out for a free one."
            ) from error

    async def _answer(self, core: Core, request: web.BaseRequest) -> web.Response:
        began = self._last_request = time.monotonic()
        body = await _read_body(request)
        call = Call(
            method=request.method,
            path=request.rel_url.raw_path,
            query={name.lower(): value for name, value in request.rel_url.query.items()},
            headers={name.lower(): value for name, value in request.headers.items()},
            body=body,
            now=datetime.now(UTC),
        )
        answer, refusal = core.handle(call)
        if self.observe:  # the answer stands already, whatever becomes of the log
            exchange = Exchange(
                method=call.method,
                path=call.path,
                query=request.rel_url.raw_query_string,
                headers=call.headers,
                body=body,
                status=answer.status,
                seconds=time.monotonic() - began,
                refusal=refusal,
            )
            with suppress(Exception):
                self.observe(exchange)
        if answer.body is None:
            return web.Response(status=answer.status, headers=answer.headers)
        text = json.dumps(answer.body)
        return web.Response(
            status=answer.status, text=text, content_type="application/json", charset="utf-8", headers=answer.headers
        )

    async def _until_stopped(self, stop: asyncio.Event) -> None:
        self._last_request = time.monotonic()
        while not stop.is_set():
            left = None
            if self.idle_seconds is not None:
                left = self._last_request + self.idle_seconds - time.monotonic()
                if left <= 0:
                    return
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), left)

    def _connection(self, store: Store, port: int, authority_pem: bytes) -> Mapping[str, Any]:
        ca_file = self.state / "ca.pem"
        _write_private(ca_file, authority_pem)
        endpoint, identity, service = f"https://localhost:{port}", store.identity(), store.services()[0]
        policy = service.policies[0]
        return {
            "management_endpoint": endpoint,
            "service_endpoint": endpoint,
            "authority": endpoint,
            "tenant_id": identity.tenant_id,
            "client_id": identity.client_id,
            "client_secret": identity.client_secret,
            "subscription_id": service.subscription_id,
            "resource_group": service.resource_group,
            "provisioning_service": service.name,
            "id_scope": service.id_scope,
            "connection_string": f"HostName=localhost:{port};SharedAccessKeyName={policy.name};"
            f"SharedAccessKey={policy.primary_key}",
            "iot_hubs": list(service.iot_hubs),
            "ca_file": str(ca_file.resolve()),
            "pid": os.getpid(),
        }

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """One process a state folder. The lock goes with the process, however that ends."""
        try:
            self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise CannotStart(
                f"The folder {self.state} can't be used: {error.strerror}. Choose another with --state."
            ) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise CannotStart(
                    f"Another local DPS serves {self.state} already. Use it, or choose another folder with --state."
                ) from error
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _open_store(self) -> Iterator[Store]:
        try:
            store = Store(self.state / "dps.sqlite3")
        except (sqlite3.Error, OSError) as error:
            raise CannotStart(
                f"The state in {self.state} can't be opened: {error}. Check that the disk may be written, or choose "
                "another folder with --state."
            ) from error
        try:
            yield store
        finally:
            store.close()


@contextmanager
def running(state: Path, *, observe: Callable[[Exchange], None] | None = None) -> Iterator[Mapping[str, Any]]:
    """A local DPS in a thread of this process, for tests: yields the connection, stops at the end.

    Raises:
        CannotStart
    """
    outcome: list[Mapping[str, Any] | BaseException] = []
    started = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def report(value: Mapping[str, Any] | BaseException) -> None:
        outcome.append(value)
        started.set()

    def serve() -> None:
        dps = LocalDps(state, observe=observe)
        try:
            loop.run_until_complete(dps.serve(stop, state / "connection.json", report))
        except BaseException as error:  # handed to the caller's thread
            report(error)
        finally:
            loop.close()

    thread = threading.Thread(target=serve, name="local-dps")
    thread.start()
    started.wait()
    if isinstance(outcome[0], BaseException):
        thread.join()
        raise outcome[0]
    try:
        yield outcome[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


async def _read_body(request: web.BaseRequest) -> bytes:
    """The body, or so much of it that the core sees that it is too large."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > BODY_LIMIT:
            break
    return bytes(body)


def _write_private(path: Path, content: bytes) -> None:
    """Whole or not at all, and never readable by others: the connection file holds a secret."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise CannotStart(f"{path} could not be written: {error.strerror}. Choose another place for it.") from error


def _remove_own(connection_file: Path) -> None:
    """Another start may have written the file anew; that one is left alone."""
    with suppress(OSError, ValueError):
        if json.loads(connection_file.read_text())["pid"] == os.getpid():
            connection_file.unlink()
