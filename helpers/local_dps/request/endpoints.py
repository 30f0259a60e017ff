"""The ports of the provisioning services."""

from dataclasses import dataclass, field

__all__ = ["Endpoints", "host_and_port"]

_HTTPS = 443


def host_and_port(name: str, port: int) -> str:
    """Return `name:port`, or `name` alone for port 443, because clients leave that port out of what they sign."""
    return name if port == _HTTPS else f"{name}:{port}"


@dataclass
class Endpoints:
    """The ports at which clients reach the services. In Azure each service has a host name; here each has a port.

    Attributes:
        main_port: serves the management plane, the identity plane and the oldest service's own plane.
        device_port: serves the device plane of every service. A device names its service by the ID scope.
        ports: the port of each service, by service id.
    """

    main_port: int
    device_port: int = 0
    ports: dict[int, int] = field(default_factory=dict)

    def service_id_at(self, port: int) -> int | None:
        """Return the id of the service whose plane is on that port, or None."""
        return next((service_id for service_id, own in self.ports.items() if own == port), None)
