"""The choice of an IoT hub for a device (how-to-use-allocation-policies.md)."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...store import EnrollmentRow, LinkedHub, ServiceRow

__all__ = ["CUSTOM_POLICY", "Allocation", "HubLatencies", "allocation_of"]

CUSTOM_POLICY = "custom"
_MAX_LATENCY_MILLISECONDS = 1e9  # milliseconds, eleven days


class HubLatencies:
    """How far each IoT hub is from the devices: milliseconds by host name, which may change while the local DPS runs."""

    def __init__(self, latencies: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Raises ValueError as `replace` does."""
        self._milliseconds: dict[str, float] = {}
        self.replace(latencies)

    def replace(self, latencies: Mapping[str, Any]) -> None:
        """Replace all latencies.

        Raises:
            ValueError: one is not a number of milliseconds from 0 to eleven days. The present latencies then stay.
        """
        for hub, latency in latencies.items():
            is_number = isinstance(latency, int | float) and not isinstance(latency, bool)
            if not is_number or not 0 <= latency <= _MAX_LATENCY_MILLISECONDS:
                raise ValueError(f"The latency of '{hub}' must be a number of milliseconds from 0 to 1,000,000,000.")
        self._milliseconds = {hub.lower(): float(latency) for hub, latency in latencies.items()}

    def to(self, hub: str) -> float:
        """Return the milliseconds to a hub, compared without case; infinity if its latency is not known."""
        return self._milliseconds.get(hub.lower(), math.inf)

    def by_hub(self) -> Mapping[str, float]:
        """Return the milliseconds by host name in lower case."""
        return dict(self._milliseconds)


@dataclass(frozen=True)
class Allocation:
    """An allocation policy in lower case, and the hubs from which it chooses."""

    policy: str
    hubs: Sequence[LinkedHub]

    @property
    def key(self) -> str:
        """A value that changes with the policy or its hubs. Only then is the hub of a device chosen again."""
        said = " ".join([self.policy, *sorted(hub.name.lower() for hub in self.hubs)])
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def hub(self, name: object) -> LinkedHub | None:
        """Return the hub with a host name, or None if it is not one of the hubs."""
        return next((hub for hub in self.hubs if hub.name.lower() == str(name).lower()), None)

    def choose(self, registration: str, latencies: HubLatencies) -> LinkedHub:
        """Return the hub for a device.

        hashed distributes devices by weight, and always makes the same choice. geolatency chooses the hub with the lowest
        latency; a hub without a latency comes last. static chooses the named hub, or the first one.
        """
        if self.policy == "hashed":
            return max(self.hubs, key=lambda hub: _score(hub, registration))
        if self.policy == "geolatency":
            return min(self.hubs, key=lambda hub: latencies.to(hub.name))
        return self.hubs[0]


def allocation_of(service: ServiceRow, enrollment: EnrollmentRow) -> Allocation:
    """Return the allocation of an enrollment. Without a policy of its own, it has the service's."""
    document = enrollment.document
    policy = str(document.get("allocationPolicy") or service.properties["allocationPolicy"]).lower()
    return Allocation(policy, _candidates(service, document))


def _candidates(service: ServiceRow, document: Mapping[str, Any]) -> Sequence[LinkedHub]:
    named = [document["iotHubHostName"]] if document.get("iotHubHostName") else document.get("iotHubs") or []
    wanted = {name.lower() for name in named}
    if wanted:
        return [hub for hub in service.iot_hubs if hub.name.lower() in wanted]
    return [hub for hub in service.iot_hubs if hub.apply_allocation_policy]


def _score(hub: LinkedHub, registration: str) -> float:
    """Score a hub by weighted rendezvous hashing: adding or removing a hub moves only its own devices."""
    digest = hashlib.sha256(f"{registration.lower()} {hub.name.lower()}".encode()).digest()
    part = (int.from_bytes(digest[:8], "big") + 1) / (2**64 + 1)
    return -(hub.allocation_weight or 1) / math.log(part)
