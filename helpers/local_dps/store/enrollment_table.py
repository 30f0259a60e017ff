"""Enrollment groups and individual enrollments: documents with an id, an ETag and times."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .database import Database

__all__ = ["EnrollmentRow", "EnrollmentTable"]

SCHEMA = """
CREATE TABLE enrollment (
    service INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    collection TEXT NOT NULL,
    id TEXT NOT NULL COLLATE NOCASE,
    attestation TEXT NOT NULL,
    document TEXT NOT NULL,
    etag TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    PRIMARY KEY (service, collection, id)
);
CREATE INDEX enrollment_by_creation ON enrollment (service, collection);
"""


@dataclass(frozen=True)
class EnrollmentRow:
    """One enrollment.

    Attributes:
        collection: `enrollmentGroups` or `enrollments`.
        document: the enrollment without its id, its ETag and its times.
        created, updated: times as the service plane writes them.
    """

    service_id: int
    collection: str
    id: str
    document: Mapping[str, Any]
    etag: str
    created: str
    updated: str


class EnrollmentTable:
    """Enrollments by service, collection and id. Ids are compared without case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, service_id: int, collection: str) -> list[EnrollmentRow]:
        """Return every enrollment of a collection, in order of creation."""
        statement = "SELECT * FROM enrollment WHERE service = ? AND collection = ? ORDER BY rowid"
        return [_enrollment(row) for row in self._database.rows(statement, service_id, collection)]

    def page(self, service_id: int, collection: str, after: int, size: int) -> tuple[list[EnrollmentRow], int | None]:
        """Return at most `size` enrollments after the row number `after`, in order of creation. 0 is before the first.

        Returns:
            The enrollments, and the row number of the last one if there are more, else None.
        """
        wanted = "service = ? AND collection = ? AND rowid > ?"
        statement = f"SELECT *, rowid AS number FROM enrollment WHERE {wanted} ORDER BY rowid LIMIT ?"  # noqa: S608 - our own text
        rows, more = self._database.page(statement, service_id, collection, after, size + 1, size=size)
        return [_enrollment(row) for row in rows], rows[-1]["number"] if more else None

    def count(self, service_id: int, collection: str, attestation: str) -> int:
        """Return how many enrollments of a collection have an attestation type."""
        statement = "SELECT count(*) FROM enrollment WHERE service = ? AND collection = ? AND attestation = ?"
        return self._database.count(statement, service_id, collection, attestation)

    def get(self, service_id: int, collection: str, enrollment: str) -> EnrollmentRow | None:
        statement = "SELECT * FROM enrollment WHERE service = ? AND collection = ? AND id = ?"
        row = self._database.row(statement, service_id, collection, enrollment)
        return _enrollment(row) if row else None

    def put(self, row: EnrollmentRow) -> None:
        """Insert or update an enrollment. An update leaves the row number (rowid) unchanged, and so its place in a query."""
        self._database.execute(
            "INSERT INTO enrollment VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "attestation = excluded.attestation, document = excluded.document, etag = excluded.etag, "
            "created = excluded.created, updated = excluded.updated",
            row.service_id,
            row.collection,
            row.id,
            row.document["attestation"]["type"],
            json.dumps(row.document),
            row.etag,
            row.created,
            row.updated,
        )

    def delete(self, row: EnrollmentRow) -> None:
        statement = "DELETE FROM enrollment WHERE service = ? AND collection = ? AND id = ?"
        self._database.execute(statement, row.service_id, row.collection, row.id)


def _enrollment(row: sqlite3.Row) -> EnrollmentRow:
    service, collection, name, _, document, etag, created, updated = tuple(row)[:8]
    return EnrollmentRow(service, collection, name, json.loads(document), etag, created, updated)
