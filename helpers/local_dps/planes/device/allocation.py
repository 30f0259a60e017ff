"""Which of the linked IoT hubs a device goes to (how-to-use-allocation-policies.md)."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...store import EnrollmentRow, Hub, ServiceRow

__all__ = ["CUSTOM", "Allocation", "Latencies", "allocation_of", "read_latencies"]

Latencies: TypeAlias = dict[str, float]  # milliseconds from the devices to a hub, by its host name in lower case
CUSTOM = "custom"
_FARTHEST = 1e9  # milliseconds, eleven days


@dataclass(frozen=True)
class Allocation:
    """A policy, in lower case, and the hubs among which it chooses."""

    policy: str
    hubs: Sequence[Hub]

    @property
    def key(self) -> str:
        """The same as long as the policy and its hubs are: only when it changes is a device's hub chosen again."""
        said = " ".join([self.policy, *sorted(hub.name.lower() for hub in self.hubs)])
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def hub(self, name: object) -> Hub | None:
        """The hub of that host name, if it is one of them."""
        return next((hub for hub in self.hubs if hub.name.lower() == str(name).lower()), None)

    def choose(self, registration: str, latencies: Latencies) -> Hub:
        """hashed spreads devices by weight, always in the same way; geolatency takes the hub that answers fastest, where one
        without a latency is farther than all that have one; static takes the hub that is named, or the first.
        """
        if self.policy == "hashed":
            return max(self.hubs, key=lambda hub: _score(hub, registration))
        if self.policy == "geolatency":
            return min(self.hubs, key=lambda hub: latencies.get(hub.name.lower(), math.inf))
        return self.hubs[0]


def allocation_of(service: ServiceRow, enrollment: EnrollmentRow) -> Allocation:
    """The enrollment's, or the service's where it has none."""
    document = enrollment.document
    policy = str(document.get("allocationPolicy") or service.properties["allocationPolicy"]).lower()
    return Allocation(policy, _candidates(service, document))


def read_latencies(sent: Mapping[str, Any]) -> Latencies:
    """Milliseconds by a hub's host name.

    Raises:
        ValueError: one is not a number of milliseconds, 0 or more.
    """
    for hub, latency in sent.items():
        if isinstance(latency, bool) or not isinstance(latency, int | float) or not 0 <= latency <= _FARTHEST:
            raise ValueError(f"The latency of '{hub}' is not a number of milliseconds, 0 or more.")
    return {hub.lower(): float(latency) for hub, latency in sent.items()}


def _candidates(service: ServiceRow, document: Mapping[str, Any]) -> Sequence[Hub]:
    named = [document["iotHubHostName"]] if document.get("iotHubHostName") else document.get("iotHubs") or []
    wanted = {name.lower() for name in named}
    if wanted:
        return [hub for hub in service.iot_hubs if hub.name.lower() in wanted]
    return [hub for hub in service.iot_hubs if hub.apply_allocation_policy]


def _score(hub: Hub, registration: str) -> float:
    """Weighted rendezvous hashing: a hub that comes or goes moves no device but its own."""
    digest = hashlib.sha256(f"{registration.lower()} {hub.name.lower()}".encode()).digest()
    part = (int.from_bytes(digest[:8], "big") + 1) / (2**64 + 1)
    return -(hub.allocation_weight or 1) / math.log(part)
