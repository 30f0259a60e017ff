"""Where each provisioning service is reached."""

from dataclasses import dataclass, field

__all__ = ["Endpoints", "host_and_port"]

_HTTPS = 443


def host_and_port(name: str, port: int) -> str:
    """A host and its port as a URL has them: without the port of HTTPS itself, which clients leave out of what they sign."""
    return name if port == _HTTPS else f"{name}:{port}"


@dataclass
class Endpoints:
    """In Azure each service has a host name; here each has a port.

    Attributes:
        main_port: the management and identity planes; the oldest service's own plane is there, too.
        device_port: the device plane of every service: a device says by its ID scope which it means.
        ports: the port of each service by its number.
    """

    main_port: int
    device_port: int = 0
    ports: dict[int, int] = field(default_factory=dict)

    def service_id_at(self, port: int) -> int | None:
        """The number of the service whose plane is on that port."""
        return next((service_id for service_id, own in self.ports.items() if own == port), None)
