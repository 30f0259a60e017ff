"""Which of the linked IoT hubs a device goes to."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from helpers.local_dps.store import EnrollmentRow, Hub, RegistrationRow, ServiceRow

__all__ = ["assign", "choose_hub"]


def choose_hub(service: ServiceRow, enrollment: EnrollmentRow, registration: str) -> Hub | None:
    """The hub by the enrollment's allocation policy, or by the service's where it has none; None if there is no hub.

    hashed spreads devices by weight, always in the same way; geoLatency takes the first hub, as every hub is equally
    near here; static takes the hub that the enrollment names, or the first.
    """
    document = enrollment.document
    hubs = _candidates(service, document)
    if not hubs:
        return None
    policy = str(document.get("allocationPolicy") or service.properties["allocationPolicy"]).lower()
    return _hashed(hubs, registration) if policy == "hashed" else hubs[0]


def assign(hub: Hub, enrollment: EnrollmentRow, present: RegistrationRow | None) -> Mapping[str, str]:
    """Where a device goes that has been somewhere already, by the reprovisioning policy (concepts-device-reprovision.md).

    Without a policy it may move and takes its data along, as since api-version 2018-09.

    Args:
        hub: where it would go today. present: its record, if it has registered before.
    """
    before = present.document if present else {}
    if "assignedHub" not in before:
        return {"assignedHub": hub.name, "substatus": "initialAssignment", "initialHub": hub.name}
    policy = enrollment.document.get("reprovisionPolicy") or {"updateHubAssignment": True, "migrateDeviceData": True}
    if before["assignedHub"] == hub.name or not policy["updateHubAssignment"]:
        return {name: before[name] for name in ("assignedHub", "substatus", "initialHub")}
    if hub.name == before["initialHub"]:
        substatus = "reprovisionedToInitialAssignment"
    else:
        substatus = "deviceDataMigrated" if policy["migrateDeviceData"] else "deviceDataReset"
    return {"assignedHub": hub.name, "substatus": substatus, "initialHub": before["initialHub"]}


def _candidates(service: ServiceRow, document: Mapping[str, Any]) -> Sequence[Hub]:
    named = [document["iotHubHostName"]] if document.get("iotHubHostName") else document.get("iotHubs") or []
    wanted = {name.lower() for name in named}
    if wanted:
        return [hub for hub in service.iot_hubs if hub.name.lower() in wanted]
    return [hub for hub in service.iot_hubs if hub.apply_allocation_policy]


def _hashed(hubs: Sequence[Hub], registration: str) -> Hub:
    """Weighted rendezvous hashing: a hub that comes or goes moves no device but its own."""

    def score(hub: Hub) -> float:
        digest = hashlib.sha256(f"{registration.lower()} {hub.name.lower()}".encode()).digest()
        part = (int.from_bytes(digest[:8], "big") + 1) / (2**64 + 1)
        return -hub.allocation_weight / math.log(part)

    return max(hubs, key=score)
