"""The device records in the linked IoT hubs: one for each device that is assigned to a hub."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .database import Database

__all__ = ["HubDeviceRow", "HubDeviceTable"]

SCHEMA = """
CREATE TABLE hub_device (
    hub TEXT NOT NULL COLLATE NOCASE,
    id TEXT NOT NULL COLLATE NOCASE,
    thumbprint TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (hub, id)
);
"""


@dataclass(frozen=True)
class HubDeviceRow:
    """A device record in a hub.

    Attributes:
        hub: the host name of the hub.
        thumbprint: SHA-256 of the certificate by which the hub knows the device, in upper-case hex.
        capabilities, twin: as in the enrollment. The twin has tags and properties.
    """

    hub: str
    id: str
    thumbprint: str
    capabilities: Mapping[str, Any]
    twin: Mapping[str, Any]


class HubDeviceTable:
    """Device records by hub and device id, which are compared without case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, hub: str, after: str, size: int) -> tuple[list[HubDeviceRow], bool]:
        """Return at most `size` devices of a hub whose ids come after `after`, ordered by id, and whether there are more."""
        statement = "SELECT * FROM hub_device WHERE hub = ? AND id > ? ORDER BY id LIMIT ?"
        rows, more = self._database.page(statement, hub, after, size + 1, size=size)
        return [_device(row) for row in rows], more

    def get(self, hub: str, device: str) -> HubDeviceRow | None:
        row = self._database.row("SELECT * FROM hub_device WHERE hub = ? AND id = ?", hub, device)
        return _device(row) if row else None

    def put(self, row: HubDeviceRow) -> None:
        document = json.dumps({"capabilities": row.capabilities, "twin": row.twin})
        self._database.execute(
            "INSERT OR REPLACE INTO hub_device VALUES (?, ?, ?, ?)", row.hub, row.id, row.thumbprint, document
        )

    def delete(self, row: HubDeviceRow) -> None:
        self._database.execute("DELETE FROM hub_device WHERE hub = ? AND id = ?", row.hub, row.id)


def _device(row: sqlite3.Row) -> HubDeviceRow:
    return HubDeviceRow(row["hub"], row["id"], row["thumbprint"], **json.loads(row["document"]))
