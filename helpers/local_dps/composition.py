"""The parts of a local DPS, put together: HTTP edges and MQTT and proxy gateways in front of one core."""

import asyncio
import secrets
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any

from .configuration import Configuration
from .connection import describe_oldest_service
from .control import Control
from .core import Core, plane_of
from .core.batches import WriteBatches
from .core.faults import FaultInjector
from .errors import ApiPlane
from .errors import device as device_errors
from .net.device_tls import device_context
from .net.edge import HttpEdge
from .net.listeners import (
    LOOPBACK,
    MAX_ACCEPTS_AT_ONCE,
    MAX_HANDSHAKE_SECONDS,
    Listeners,
    PortSockets,
    port_number,
    serve_tls,
    start_servers,
)
from .net.mqtt.gateway import MqttGateway
from .net.proxy import MAX_HEAD_BYTES, DeviceProxy
from .net.tls import new_server_identity
from .planes.identity.assertion import new_client_certificate
from .ports import ListeningPorts
from .request.endpoints import Endpoints
from .request.outcome import RequestOutcome
from .request.record import RequestRecord
from .request.routing import Request
from .store import Store

__all__ = ["Composition"]

# A socket that listens on every address is reached on this machine through the loopback address.
_LOOPBACK_OF = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104
_SHUTDOWN_GRACE_SECONDS = 2.0
_AZURE_DEVICE_NAMES = ("global.azure-devices-provisioning.net",)  # the device plane's name for clients of the proxy
_METHODS_THAT_ADD_OR_REMOVE_SERVICES = ("PUT", "DELETE")


class Composition:
    """The parts of one local DPS, from its ports down to its store."""

    def __init__(
        self,
        configuration: Configuration,
        store: Store,
        ports: ListeningPorts,
        observe: Callable[[RequestRecord], None],
    ) -> None:
        names = tuple(name.lower() for name in ("localhost", LOOPBACK, "::1", *configuration.host_names))
        self._identity = new_server_identity((*names, *_AZURE_DEVICE_NAMES))
        self._client_pem, client_certificate = new_client_certificate(datetime.now(UTC))
        self._store, self._ports = store, ports
        self._endpoints = Endpoints(port_number(ports.main), port_number(ports.device))
        self._core = Core(
            store,
            self._endpoints,
            client_certificate,
            configuration.latencies,
            configuration.retry_after,
            configuration.known_hubs,
        )
        self._batches = WriteBatches(self._core)
        faulty = FaultInjector(self._handle, self._core.change_etag, configuration.faults)
        self._control_token = secrets.token_urlsafe(32)
        control = Control(self._control_token, faulty, store, configuration.latencies, self._identity.authority_pem)
        self._server_tls = self._identity.context()
        self._device_tls = device_context(
            self._identity,
            lambda reason: observe(_failed_handshake(reason)),
            allow_tls_1_3=configuration.allow_tls_1_3,
        )
        self._mqtt = MqttGateway(faulty.handle, names[0], observe)
        self._edge = HttpEdge(faulty.handle, plane_of, names, observe)
        self._control_edge = HttpEdge(control.handle, lambda _path: ApiPlane.CONTROL, names, observe)
        self._device_edge = HttpEdge(
            faulty.handle, lambda _path: ApiPlane.DEVICE, names, observe, self._mqtt.over_websocket
        )
        self._listeners = Listeners(self._edge, self._server_tls, configuration.bind, self._endpoints, store)
        tunnels = {443: port_number(ports.device), 8883: port_number(ports.mqtt)}
        self._proxy = DeviceProxy(_LOOPBACK_OF.get(configuration.bind, configuration.bind), tunnels, observe)

    async def start(self, stack: AsyncExitStack) -> None:
        """Accept connections on each port.

        Args:
            stack: stops accepting connections first, then ends the tunnels and the MQTT connections, and at last gives the
                requests in progress a short time to finish.
        """
        stack.push_async_callback(self._finish_requests)
        stack.push_async_callback(self._end_connections)
        stack.callback(self._listeners.close)
        _close_with(stack, await self._listeners.start(self._ports.main))
        control, device = (
            partial(serve_tls, self._control_edge, self._server_tls),
            partial(serve_tls, self._device_edge, self._device_tls),
        )
        _close_with(stack, await start_servers(control, self._ports.control))
        _close_with(stack, await start_servers(device, self._ports.device))
        _close_with(stack, await start_servers(self._serve_mqtt, self._ports.mqtt))
        _close_with(stack, await start_servers(self._serve_proxy, self._ports.proxy))

    def connection(self, host: str) -> Mapping[str, Any]:
        """Return what a client needs to reach this local DPS, except for the files.

        Args:
            host: the host name for its addresses.
        """
        return {
            **describe_oldest_service(host, self._endpoints.main_port, self._store),
            "device_endpoint": _address(host, self._ports.device),
            "mqtt_endpoint": _address(host, self._ports.mqtt),
            "proxy_endpoint": _address(LOOPBACK, self._ports.proxy),
            "control_endpoint": f"https://{_address(host, self._ports.control)}",
            "control_token": self._control_token,
        }

    def files(self) -> Mapping[str, bytes]:
        """Return the PEM files that the connection names, by their field there."""
        return {"client_certificate_file": self._client_pem, "ca_file": self._identity.authority_pem}

    async def _end_connections(self) -> None:
        await asyncio.gather(self._mqtt.close(), self._proxy.close(), self._core.webhooks.close())

    async def _finish_requests(self) -> None:
        edges = (self._edge, self._control_edge, self._device_edge)
        await asyncio.gather(*(each.close(_SHUTDOWN_GRACE_SECONDS) for each in edges))

    async def _handle(self, request: Request) -> RequestOutcome:
        outcome = await self._batches.handle(request)
        if request.method in _METHODS_THAT_ADD_OR_REMOVE_SERVICES and request.plane is ApiPlane.RESOURCE_MANAGER:
            await self._listeners.follow()
        return outcome

    async def _serve_mqtt(self, listener: socket.socket) -> asyncio.Server:
        return await asyncio.start_server(
            self._mqtt.over_tls,
            sock=listener,
            ssl=self._device_tls,
            ssl_handshake_timeout=MAX_HANDSHAKE_SECONDS,
            backlog=MAX_ACCEPTS_AT_ONCE,
        )

    async def _serve_proxy(self, listener: socket.socket) -> asyncio.Server:
        return await asyncio.start_server(
            self._proxy.tunnel, sock=listener, limit=MAX_HEAD_BYTES, backlog=MAX_ACCEPTS_AT_ONCE
        )


def _close_with(stack: AsyncExitStack, servers: list[asyncio.Server]) -> None:
    for server in servers:
        stack.callback(server.close)


def _address(host: str, port: PortSockets) -> str:
    return f"{host}:{port_number(port)}"


def _failed_handshake(reason: str) -> RequestRecord:
    return RequestRecord("TLS", "/", "", {}, b"", None, 0.0, device_errors.no_handshake(reason))
