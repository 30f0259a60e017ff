"""The registration records: one for each device that has registered."""

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
        enrollment_group: the group through which the device registered; None for an individual enrollment.
        document: status, substatus, assignedHub, deviceId and so on, as the service plane writes them.
        created, updated: times as the service plane writes them.
    """

    service_id: int
    id: str
    enrollment_group: str | None
    document: Mapping[str, Any]
    etag: str
    created: str
    updated: str


class RegistrationTable:
    """Registration records by service and registration id. Ids are compared without case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, service_id: int, enrollment_group: str, after: int, size: int
    ) -> tuple[list[RegistrationRow], int | None]:
        """Return at most `size` records of a group after the row number `after`, in order of creation. 0 is before the first.

        Returns:
            The records, and the row number of the last one if there are more, else None.
        """
        wanted = "service = ? AND enrollment_group = ? AND rowid > ?"
        statement = f"SELECT *, rowid AS number FROM registration WHERE {wanted} ORDER BY rowid LIMIT ?"  # noqa: S608 - our own text
        rows, more = self._database.page(statement, service_id, enrollment_group, after, size + 1, size=size)
        return [_registration(row) for row in rows], rows[-1]["number"] if more else None

    def get(self, service_id: int, registration: str) -> RegistrationRow | None:
        row = self._database.row("SELECT * FROM registration WHERE service = ? AND id = ?", service_id, registration)
        return _registration(row) if row else None

    def put(self, row: RegistrationRow) -> None:
        """Insert or update a record. An update leaves the row number (rowid) unchanged, and so its place in a query."""
        self._database.execute(
            "INSERT INTO registration VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "enrollment_group = excluded.enrollment_group, document = excluded.document, etag = excluded.etag, "
            "created = excluded.created, updated = excluded.updated",
            *{**vars(row), "document": json.dumps(row.document)}.values(),
        )

    def delete(self, row: RegistrationRow) -> None:
        self._database.execute("DELETE FROM registration WHERE service = ? AND id = ?", row.service_id, row.id)


def _registration(row: sqlite3.Row) -> RegistrationRow:
    service, name, group, document, etag, created, updated = tuple(row)[:7]
    return RegistrationRow(service, name, group, json.loads(document), etag, created, updated)
