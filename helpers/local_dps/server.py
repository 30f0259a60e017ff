"""A local DPS that serves: its parts put together, its ports, and its connection file."""

import asyncio
import ipaddress
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from .control import Control
from .core import Core, plane_of
from .core.batches import Batches
from .core.faults import Faults, Unreliable
from .errors import Plane
from .errors import device as device_errors
from .net.device_tls import device_context
from .net.edge import Edge
from .net.listeners import (
    BACKLOG,
    HANDSHAKE_SECONDS,
    LOOPBACK,
    ErrorLog,
    Listeners,
    Port,
    listen,
    number_of,
    open_port,
    serve_tls,
)
from .net.mqtt.gateway import MqttGateway
from .net.proxy import HEAD_LIMIT, DeviceProxy
from .net.tls import new_server_identity
from .planes.device import RETRY_AFTER_SECONDS
from .planes.device.allocation import Latencies
from .planes.identity.assertion import new_client_certificate
from .request.endpoints import Endpoints, authority
from .request.outcome import Outcome
from .request.record import RequestRecord
from .request.routing import Request
from .state import CannotStart, StateFolder, write_private
from .store import Store

__all__ = ["LocalDps"]

_ANYWHERE = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - where to find on this machine what listens everywhere
_GRACE_SECONDS = 2.0
_AZURE_DEVICE_NAMES = ("global.azure-devices-provisioning.net",)  # through the proxy the device plane answers to it
_MAKES_SERVICES = ("PUT", "DELETE")


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
    observe: Callable[[RequestRecord], None] | None = None
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
        folder = StateFolder(self.state)
        async with AsyncExitStack() as stack:
            stack.enter_context(folder.exclusive())
            store = stack.enter_context(folder.store(reset=self.reset))
            parts = _Parts(self, store, self._open_ports(stack), self._note)
            stack.push_async_callback(parts.close)
            await parts.start()
            connection = {
                **parts.connection(self.host_names[0] if self.host_names and not self.is_on_loopback else "localhost"),
                "client_certificate_file": folder.write("client.pem", parts.client_pem),
                "ca_file": folder.write("ca.pem", parts.identity.authority_pem),
                "pid": os.getpid(),
            }
            write_private(connection_file, json.dumps(connection, indent=2).encode())
            stack.callback(_remove_own, connection_file)
            ready(connection)
            await self._until_stopped(stop)

    @property
    def is_on_loopback(self) -> bool:
        """Whether nobody but this machine can reach it."""
        try:
            return ipaddress.ip_address(self.bind).is_loopback
        except ValueError:
            return self.bind == "localhost"

    def _open_ports(self, stack: AsyncExitStack) -> "_Ports":
        """The listening sockets; the stack closes them."""

        def opened(port: int, address: str = self.bind) -> Port:
            try:
                sockets = open_port(address, port)
            except OSError as error:
                raise CannotStart(
                    f"Port {port} on {address} can't be used: {error.strerror}. Another program may have it. "
                    "Choose another with the option that named it (--https-port, …), or leave that out for a free one."
                ) from error
            for each in sockets:
                stack.callback(each.close)
            return sockets

        return _Ports(
            main=opened(self.https_port),
            control=opened(0),
            device=opened(self.device_port),
            mqtt=opened(self.mqtts_port),
            proxy=opened(self.proxy_port, LOOPBACK),
        )

    def _note(self, record: RequestRecord) -> None:
        self._last_exchange = time.monotonic()
        if self.observe:
            self.observe(record)

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


@dataclass(frozen=True)
class _Ports:
    """The listening sockets: `main` is that of the oldest service, of the management and of the identity plane."""

    main: Port
    control: Port
    device: Port
    mqtt: Port
    proxy: Port


class _Parts:
    """The parts of a local DPS, put together: the edges and gateways in front of the core, one for each port."""

    def __init__(self, dps: LocalDps, store: Store, ports: _Ports, note: Callable[[RequestRecord], None]) -> None:
        names = tuple(name.lower() for name in ("localhost", LOOPBACK, "::1", *dps.host_names))
        self.identity = new_server_identity((*names, *_AZURE_DEVICE_NAMES))
        self.client_pem, client_certificate = new_client_certificate(datetime.now(UTC))
        self._store, self._ports = store, ports
        self._endpoints = Endpoints(number_of(ports.main), number_of(ports.device))
        self._core = Core(store, self._endpoints, client_certificate, dps.retry_after, dps.known_hubs)
        self._core.latencies.update(dps.latencies)
        self._batches = Batches(self._core)
        unreliable = Unreliable(self._handle, self._core.change_etag, dps.faults)
        self._context = self.identity.context()
        self._devices = device_context(
            self.identity,
            lambda reason: note(_failed_handshake(reason)),
            allow_tls_1_3=dps.allow_tls_1_3,
        )
        self._control_token = secrets.token_urlsafe(32)
        control = Control(self._control_token, unreliable, store, self._core.latencies)
        self._mqtt = MqttGateway(unreliable.handle, names[0], note)
        self._edge = Edge(unreliable.handle, plane_of, names, note)
        self._control_edge = Edge(control.handle, lambda _path: Plane.CONTROL, names, note)
        self._device_edge = Edge(unreliable.handle, lambda _path: Plane.DEVICE, names, note, self._mqtt.over_websocket)
        self._listeners = Listeners(self._edge, self._context, dps.bind, self._endpoints, store)
        behind = {443: number_of(ports.device), 8883: number_of(ports.mqtt)}
        self._proxy = DeviceProxy(_ANYWHERE.get(dps.bind, dps.bind), behind, note)
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        """Accept connections on each port."""
        self._servers += await self._listeners.start(self._ports.main)
        self._servers += await listen(partial(serve_tls, self._control_edge, self._context), self._ports.control)
        self._servers += await listen(partial(serve_tls, self._device_edge, self._devices), self._ports.device)
        self._servers += await listen(self._serve_mqtt, self._ports.mqtt)
        self._servers += await listen(self._serve_proxy, self._ports.proxy)

    def connection(self, host: str) -> Mapping[str, Any]:
        """What a client must know to reach it, but for the files."""
        return {
            **_describe(host, self._endpoints, self._store),
            "device_endpoint": f"{host}:{number_of(self._ports.device)}",
            "mqtt_endpoint": f"{host}:{number_of(self._ports.mqtt)}",
            "proxy_endpoint": f"{LOOPBACK}:{number_of(self._ports.proxy)}",
            "control_endpoint": f"https://{host}:{number_of(self._ports.control)}",
            "control_token": self._control_token,
        }

    async def close(self) -> None:
        """Accept no more, and let the requests that are being answered end."""
        self._listeners.close()
        for server in self._servers:
            server.close()
        await asyncio.gather(self._mqtt.close(), self._proxy.close(), self._core.webhooks.close())
        edges = (self._edge, self._control_edge, self._device_edge)
        await asyncio.gather(*(each.close(_GRACE_SECONDS) for each in edges))

    async def _handle(self, request: Request) -> Outcome:
        outcome = await self._batches.handle(request)
        if request.method in _MAKES_SERVICES and request.plane is Plane.RESOURCE_MANAGER:
            await self._listeners.follow()
        return outcome

    async def _serve_mqtt(self, listener: socket.socket) -> asyncio.Server:
        return await asyncio.start_server(
            self._mqtt.over_tls,
            sock=listener,
            ssl=self._devices,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            backlog=BACKLOG,
        )

    async def _serve_proxy(self, listener: socket.socket) -> asyncio.Server:
        return await asyncio.start_server(self._proxy.tunnel, sock=listener, limit=HEAD_LIMIT, backlog=BACKLOG)


def _failed_handshake(reason: str) -> RequestRecord:
    return RequestRecord("TLS", "/", "", {}, b"", None, 0.0, device_errors.no_handshake(reason))


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


def _remove_own(connection_file: Path) -> None:
    """Another start may have written the file anew; that one is left alone."""
    with suppress(OSError, ValueError):
        if json.loads(connection_file.read_text())["pid"] == os.getpid():
            connection_file.unlink()
