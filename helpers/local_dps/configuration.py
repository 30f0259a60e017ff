"""The options that a local DPS starts with."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .core.faults import Faults
from .net.listeners import LOOPBACK
from .planes.device import RETRY_AFTER_SECONDS
from .planes.device.allocation import HubLatencies
from .request.record import RequestRecord

__all__ = ["Configuration"]


@dataclass(frozen=True)
class Configuration:
    """The options that a local DPS starts with.

    Attributes:
        state: the folder where its data lives; created if it does not exist. Only one process at a time may serve it.
        in_memory: keep the data in memory, and lose it at the end, for tests that don't test durability. Every change is then
            faster, because none waits for the disk.
        reset: delete what the folder holds, and start with a new state.
        https_port, device_port, mqtts_port, proxy_port, control_port: 0 for a free port.
        bind: the address to listen on. 127.0.0.1 includes ::1 if the machine has it.
        host_names: names for the server certificate besides localhost and the loopback addresses. When the local DPS
            listens beyond loopback, the connection file uses the first of them.
        observe: called after each request.
        idle_seconds: stop after that long without a request; None for never.
        faults: the faults that are on from the start.
        latencies: how far each hub is from the devices, for the allocation policy geoLatency.
        retry_after: how many seconds a device is told to wait before it polls. Azure says 3.
        known_hubs: host names of the IoT hubs that exist; () if a hub of any name exists.
        allow_tls_1_3: whether devices may use TLS 1.3 as well. Azure documents TLS 1.2 only.
    """

    state: Path
    in_memory: bool = False
    reset: bool = False
    https_port: int = 0
    device_port: int = 0
    mqtts_port: int = 0
    proxy_port: int = 0
    control_port: int = 0
    bind: str = LOOPBACK
    host_names: tuple[str, ...] = ()
    observe: Callable[[RequestRecord], None] | None = None
    idle_seconds: float | None = None
    faults: Faults = field(default_factory=Faults)
    latencies: HubLatencies = field(default_factory=HubLatencies)
    retry_after: int = RETRY_AFTER_SECONDS
    known_hubs: tuple[str, ...] = ()
    allow_tls_1_3: bool = False

    @property
    def is_on_loopback(self) -> bool:
        """Whether only programs on this machine can reach the local DPS."""
        try:
            return ipaddress.ip_address(self.bind).is_loopback
        except ValueError:
            return self.bind == "localhost"

    @property
    def advertised_host(self) -> str:
        """The host name that the connection file gives to clients."""
        if self.host_names and not self.is_on_loopback:
            return self.host_names[0]
        return "localhost"
