"""The state of a local DPS as lines of text."""

import json
from collections.abc import Iterator
from typing import Any

from tests.local_dps.wire import LocalService
from tests.record.placeholders import Placeholders

__all__ = ["service_lines"]


def service_lines(dps: LocalService, placeholders: Placeholders) -> Iterator[str]:
    """Return a line for each service, certificate, group, enrollment, registration record and device of a hub."""
    everything = {"query": "SELECT *"}
    groups = dps.serve("POST", "/enrollmentGroups/query", everything).json
    services = dps.call(
        "GET",
        f"{dps.root.rpartition('/')[0]}?api-version=2026-11-01",
        headers={"Authorization": f"Bearer {dps.management_token}"},
    ).json["value"]
    records = [
        each
        for group in groups
        for each in dps.serve("POST", f"/registrations/{group['enrollmentGroupId']}/query", everything).json
    ]
    found: dict[str, list[Any]] = {
        "service": [each["name"] for each in services],
        "certificate": dps.manage("GET", "/certificates").json["value"],
        "group": groups,
        "enrollment": dps.serve("POST", "/enrollments/query", everything).json,
        "record": sorted(records, key=lambda each: str(each["registrationId"])),
        "hub": [{"hub": hub, "devices": _device_ids(dps, hub)} for hub in dps.connection["iot_hubs"]],
    }
    for kind, some in found.items():
        yield from (f"{kind} {json.dumps(placeholders.value(each), ensure_ascii=False)}" for each in some)


def _device_ids(dps: LocalService, hub: str) -> list[str]:
    return sorted(str(each["deviceId"]) for each in dps.control("GET", f"/hubs/{hub}/devices").json["devices"])
