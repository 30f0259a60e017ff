"""The local DPS as a process: TLS listeners, one connection file, one process a state folder."""

import asyncio
import fcntl
import ipaddress
import json
import os
import secrets
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from helpers.local_dps.batches import Batches
from helpers.local_dps.control import Control
from helpers.local_dps.core import Core, plane_of
from helpers.local_dps.device import RETRY_AFTER_SECONDS
from helpers.local_dps.device.allocation import Latencies
from helpers.local_dps.device.mqtt.gateway import MqttGateway
from helpers.local_dps.device.proxy import HEAD_LIMIT, DeviceProxy
from helpers.local_dps.device.tls import device_context
from helpers.local_dps.edge import Edge
from helpers.local_dps.endpoints import Endpoints, authority
from helpers.local_dps.errors import Plane
from helpers.local_dps.errors import device as device_errors
from helpers.local_dps.exchange import Exchange
from helpers.local_dps.faults import Faults, Unreliable
from helpers.local_dps.identity.assertion import new_client_certificate
from helpers.local_dps.listeners import (
    BACKLOG,
    HANDSHAKE_SECONDS,
    LOOPBACK,
    ErrorLog,
    Listeners,
    listen,
    open_port,
    serve_tls,
)
from helpers.local_dps.outcome import Outcome
from helpers.local_dps.routing import Call
from helpers.local_dps.store import Store
from helpers.local_dps.tls import new_server_identity

__all__ = ["CannotStart", "LocalDps", "running"]

_ANYWHERE = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - where to find on this machine what listens everywhere
_GRACE_SECONDS = 2.0
_DATABASE = "dps.sqlite3"
_AZURE_DEVICE_NAMES = ("global.azure-devices-provisioning.net",)  # through the proxy the device plane answers to it
_MAKES_SERVICES = ("PUT", "DELETE")


class CannotStart(Exception):
    """The local DPS could not begin to serve: the message says why and what to do."""


@dataclass
class LocalDps:
    """A local DPS on a folder of state.

    Args:
        state: where its data lives; created when it is not there. One process at a time may serve it.
        reset: forget what the folder holds, and begin anew.
        https_port, device_port, mqtts_port, proxy_port: 0 for a free one.
        bind: the address to listen on; 127.0.0.1 stands for ::1 too, where the machine has it.
        host_names: names for its certificate besides localhost and the loopback addresses. When it listens beyond
            loopback the connection file uses the first of them.
        observe: called after each request.
        idle_seconds: stop by itself after that long without a request; None for never.
        faults: what goes wrong from the start.
        latencies: milliseconds to a hub, by its host name in lower case, for the allocation policy geoLatency.
        retry_after: seconds that a device is told to wait before it polls; Azure says 3.
        known_hubs: host names of the IoT hubs that exist; () if a hub of any name does.
        allow_tls_1_3: whether devices may use TLS 1.3 as well; Azure documents 1.2 alone.
    """

    state: Path
    reset: bool = False
    https_port: int = 0
    device_port: int = 0
    mqtts_port: int = 0
    proxy_port: int = 0
    bind: str = LOOPBACK
    host_names: tuple[str, ...] = ()
    observe: Callable[[Exchange], None] | None = None
    idle_seconds: float | None = None
    faults: Faults = field(default_factory=Faults)
    latencies: Latencies = field(default_factory=dict)
    retry_after: int = RETRY_AFTER_SECONDS
    known_hubs: tuple[str, ...] = ()
    allow_tls_1_3: bool = False
    _last_exchange: float = field(default=0.0, init=False)

    async def serve(
        self, stop: asyncio.Event, connection_file: Path, ready: Callable[[Mapping[str, Any]], None]
    ) -> None:
        """Serve until `stop` is set or the idle time is over. The connection file is there while it serves.

        Args:
            ready: called once with the connection, when the first request can come.

        Raises:
            CannotStart: the port is taken, the state can't be opened, or another process serves it.
        """
        asyncio.get_running_loop().set_exception_handler(ErrorLog())
        names = tuple(name.lower() for name in ("localhost", LOOPBACK, "::1", *self.host_names))
        with self._exclusive(), self._open_store() as store, self._open(self.https_port) as main:
            identity = new_server_identity((*names, *_AZURE_DEVICE_NAMES))
            client_pem, client_certificate = new_client_certificate(datetime.now(UTC))
            endpoints = Endpoints(_number(main))
            core = Core(store, endpoints, client_certificate, self.retry_after, self.known_hubs)
            core.latencies.update(self.latencies)
            batches = Batches(core)

            async def handle(call: Call) -> Outcome:
                outcome = await batches.handle(call)
                if call.method in _MAKES_SERVICES and call.plane is Plane.RESOURCE_MANAGER:
                    await listeners.follow()
                return outcome

            unreliable = Unreliable(handle, core.change_etag, self.faults)
            edge = Edge(unreliable.handle, plane_of, names, self._note)
            context = identity.context()
            listeners = Listeners(edge, context, self.bind, endpoints, store)
            devices = device_context(identity, self._note_failed_handshake, allow_tls_1_3=self.allow_tls_1_3)
            mqtt = MqttGateway(unreliable.handle, names[0], self._note)
            device_edge = Edge(unreliable.handle, lambda _path: Plane.DEVICE, names, self._note, mqtt.over_websocket)
            control_token = secrets.token_urlsafe(32)
            controls = Control(control_token, unreliable, store, core.latencies)
            control = Edge(controls.handle, lambda _path: Plane.CONTROL, names, self._note)
            with (
                self._open(0) as control_sockets,
                self._open(self.device_port) as device_sockets,
                self._open(self.mqtts_port) as mqtt_sockets,
                self._open(self.proxy_port, LOOPBACK) as proxy_sockets,
            ):
                device_port, mqtt_port = _number(device_sockets), _number(mqtt_sockets)
                endpoints.device_port = device_port
                proxy = DeviceProxy(
                    _ANYWHERE.get(self.bind, self.bind), {443: device_port, 8883: mqtt_port}, self._note
                )

                async def serve_mqtt(listener: socket.socket) -> asyncio.Server:
                    return await asyncio.start_server(
                        mqtt.over_tls,
                        sock=listener,
                        ssl=devices,
                        ssl_handshake_timeout=HANDSHAKE_SECONDS,
                        backlog=BACKLOG,
                    )

                async def serve_proxy(listener: socket.socket) -> asyncio.Server:
                    return await asyncio.start_server(proxy.tunnel, sock=listener, limit=HEAD_LIMIT, backlog=BACKLOG)

                servers = [
                    *await listeners.start(main),
                    *await listen(partial(serve_tls, control, context), control_sockets),
                    *await listen(partial(serve_tls, device_edge, devices), device_sockets),
                    *await listen(serve_mqtt, mqtt_sockets),
                    *await listen(serve_proxy, proxy_sockets),
                ]
                try:
                    host = self.host_names[0] if self.host_names and not self.is_on_loopback else "localhost"
                    connection = {
                        **_describe(host, endpoints, store),
                        "device_endpoint": f"{host}:{device_port}",
                        "mqtt_endpoint": f"{host}:{mqtt_port}",
                        "proxy_endpoint": f"{LOOPBACK}:{_number(proxy_sockets)}",
                        "control_endpoint": f"https://{host}:{_number(control_sockets)}",
                        "control_token": control_token,
                        "client_certificate_file": self._write("client.pem", client_pem),
                        "ca_file": self._write("ca.pem", identity.authority_pem),
                        "pid": os.getpid(),
                    }
                    _write_private(connection_file, json.dumps(connection, indent=2).encode())
                    try:
                        ready(connection)
                        await self._until_stopped(stop)
                    finally:
                        _remove_own(connection_file)
                finally:
                    listeners.close()
                    for server in servers:
                        server.close()
                    await asyncio.gather(mqtt.close(), proxy.close(), core.webhooks.close())
                    await asyncio.gather(*(each.close(_GRACE_SECONDS) for each in (edge, control, device_edge)))

    @property
    def is_on_loopback(self) -> bool:
        """Whether nobody but this machine can reach it."""
        try:
            return ipaddress.ip_address(self.bind).is_loopback
        except ValueError:
            return self.bind == "localhost"

    @contextmanager
    def _open(self, port: int, address: str | None = None) -> Iterator[tuple[socket.socket, ...]]:
        """The sockets of a port, closed at the end."""
        try:
            sockets = open_port(address or self.bind, port)
        except OSError as error:
            raise CannotStart(
                f"Port {port} on {address or self.bind} can't be used: {error.strerror}. Another program may have it. "
                "Choose another with the option that named it (--https-port, …), or leave that out for a free one."
            ) from error
        try:
            yield sockets
        finally:
            for each in sockets:
                each.close()

    def _write(self, name: str, content: bytes) -> str:
        """A file beside the state, for clients; new at each start."""
        path = self.state / name
        _write_private(path, content)
        return str(path.resolve())

    def _note(self, exchange: Exchange) -> None:
        self._last_exchange = time.monotonic()
        if self.observe:
            self.observe(exchange)

    def _note_failed_handshake(self, reason: str) -> None:
        self._note(Exchange("TLS", "/", "", {}, b"", None, 0.0, device_errors.no_handshake(reason)))

    async def _until_stopped(self, stop: asyncio.Event) -> None:
        self._last_exchange = time.monotonic()
        while not stop.is_set():
            left = None
            if self.idle_seconds is not None:
                left = self._last_exchange + self.idle_seconds - time.monotonic()
                if left <= 0:
                    return
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), left)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """One process a state folder. The lock goes with the process, however that ends."""
        try:
            self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (self.state / _DATABASE).exists():
                self.state.chmod(0o700)  # our own, and it may have been open to others
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
            _write_private(
                self.state / "pid", str(os.getpid()).encode()
            )  # so that who waits for the lock knows for whom
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _open_store(self) -> Iterator[Store]:
        try:
            if self.reset:
                for file in self.state.glob(f"{_DATABASE}*"):
                    file.unlink()
            store = Store(self.state / _DATABASE)
        except (sqlite3.Error, OSError) as error:
            raise CannotStart(
                f"The state in {self.state} can't be opened: {error}. Check that the disk may be written, choose another "
                "folder with --state, or begin anew with --reset."
            ) from error
        try:
            yield store
        finally:
            store.close()


@contextmanager
def running(
    state: Path,
    *,
    observe: Callable[[Exchange], None] | None = None,
    faults: Faults | None = None,
    retry_after: int = RETRY_AFTER_SECONDS,
    known_hubs: tuple[str, ...] = (),
    allow_tls_1_3: bool = False,
) -> Iterator[Mapping[str, Any]]:
    """A local DPS in a thread of this process, for tests: yields the connection, stops at the end.

    The arguments are those of `LocalDps`.

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
        dps = LocalDps(
            state,
            observe=observe,
            faults=faults or Faults(),
            retry_after=retry_after,
            known_hubs=known_hubs,
            allow_tls_1_3=allow_tls_1_3,
        )
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


def _number(port: Sequence[socket.socket]) -> int:
    number: int = port[0].getsockname()[1]
    return number


def _describe(host: str, endpoints: Endpoints, store: Store) -> Mapping[str, Any]:
    """What a client must know to use the oldest service."""
    service = store.services.all()[0]
    owner = max(service.policies, key=lambda policy: len(policy.rights))
    place = authority(host, endpoints.main_port)
    return {
        "management_endpoint": f"https://{place}",
        "service_endpoint": f"https://{place}",
        "authority": f"https://{place}",
        "tenant_id": store.identity.tenant_id,
        "client_id": store.identity.client_id,
        "client_secret": store.identity.client_secret,
        "subscription_id": store.identity.subscription_id,
        "resource_group": service.resource_group,
        "provisioning_service": service.name,
        "id_scope": service.id_scope,
        "connection_string": f"HostName={place};SharedAccessKeyName={owner.name};SharedAccessKey={owner.primary_key}",
        "iot_hubs": [hub.name for hub in service.iot_hubs],
    }


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
