"""What became of each device that registered: one record a device."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .database import Database

__all__ = ["RegistrationRow", "RegistrationTable"]

SCHEMA = """
CREATE TABLE registration (
    service INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    id TEXT NOT NULL COLLATE NOCASE,
    enrollment_group TEXT COLLATE NOCASE,
    document TEXT NOT NULL,
    etag TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    PRIMARY KEY (service, id)
);
CREATE INDEX registration_by_group ON registration (service, enrollment_group);
"""


@dataclass(frozen=True)
class RegistrationRow:
    """One registration record.

    Attributes:
        enrollment_group: through which the device came; None for an individual enrollment.
        document: status, substatus, assignedHub, deviceId, … as the service plane writes them.
        created, updated: as the service plane writes times.
    """

    service_id: int
    id: str
    enrollment_group: str | None
    document: Mapping[str, Any]
    etag: str
    created: str
    updated: str


class RegistrationTable:
    """Registration records by service and registration id, compared without case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, service_id: int, enrollment_group: str, after: int, size: int
    ) -> tuple[list[RegistrationRow], int | None]:
        """At most `size` records of a group in order of creation, those after the number `after` (0: from the first).

        Returns:
            The records; and the number of the last if there are more, else None.
        """
        wanted = "service = ? AND enrollment_group = ? AND rowid > ?"
        statement = f"SELECT rowid AS number, * FROM registration WHERE {wanted} ORDER BY rowid LIMIT ?"  # noqa: S608 - ours
        rows, more = self._database.page(statement, service_id, enrollment_group, after, size + 1, size=size)
        return [_registration(row) for row in rows], rows[-1]["number"] if more else None

    def get(self, service_id: int, registration: str) -> RegistrationRow | None:
        """One record."""
        row = self._database.row("SELECT * FROM registration WHERE service = ? AND id = ?", service_id, registration)
        return _registration(row) if row else None

    def put(self, row: RegistrationRow) -> None:
        """Insert or change. A change leaves SQLite's number of the row (rowid) as it is, and so its place in a query."""
        self._database.execute(
            "INSERT INTO registration VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "enrollment_group = excluded.enrollment_group, document = excluded.document, etag = excluded.etag, "
            "created = excluded.created, updated = excluded.updated",
            row.service_id,
            row.id,
            row.enrollment_group,
            json.dumps(row.document),
            row.etag,
            row.created,
            row.updated,
        )

    def delete(self, row: RegistrationRow) -> None:
        """Forget one."""
        self._database.execute("DELETE FROM registration WHERE service = ? AND id = ?", row.service_id, row.id)


def _registration(row: sqlite3.Row) -> RegistrationRow:
    return RegistrationRow(
        row["service"],
        row["id"],
        row["enrollment_group"],
        json.loads(row["document"]),
        row["etag"],
        row["created"],
        row["updated"],
    )
