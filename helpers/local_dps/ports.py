"""The fixed set of listening sockets that a local DPS opens when it starts."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from .configuration import Configuration
from .net.listeners import LOOPBACK, PortSockets, open_port_sockets
from .state import CannotStart

__all__ = ["ListeningPorts"]


@dataclass(frozen=True)
class ListeningPorts:
    """The listening sockets. `main` serves the management plane, the identity plane and the oldest service's own plane."""

    main: PortSockets
    control: PortSockets
    device: PortSockets
    mqtt: PortSockets
    proxy: PortSockets

    @classmethod
    def open(cls, configuration: Configuration, stack: AsyncExitStack) -> "ListeningPorts":
        """Open the sockets; the stack closes them.

        Raises:
            CannotStart: a port can't be used.
        """
        bind = configuration.bind
        return cls(
            main=_open(bind, configuration.https_port, stack),
            control=_open(bind, configuration.control_port, stack),
            device=_open(bind, configuration.device_port, stack),
            mqtt=_open(bind, configuration.mqtts_port, stack),
            proxy=_open(LOOPBACK, configuration.proxy_port, stack),
        )


def _open(address: str, port: int, stack: AsyncExitStack) -> PortSockets:
    try:
        sockets = open_port_sockets(address, port)
    except OSError as error:
        raise CannotStart(
            f"Port {port} on {address} can't be used: {error.strerror}. Another program may be using it. Choose another "
            "port with the same option (--https-port, …), or leave the option out to get a free port."
        ) from error
    for each in sockets:
        stack.callback(each.close)
    return sockets
