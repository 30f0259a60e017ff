"""The CA certificates that are uploaded to a provisioning service."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

from .database import Database

__all__ = ["CertificateTable", "StoredCertificate"]

SCHEMA = """
CREATE TABLE certificate (
    service INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    name TEXT NOT NULL COLLATE NOCASE,
    body TEXT NOT NULL,
    der BLOB NOT NULL,
    summary TEXT NOT NULL,
    verified INTEGER NOT NULL,
    code TEXT,
    etag TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    PRIMARY KEY (service, name)
);
"""


@dataclass(frozen=True)
class StoredCertificate:
    """An uploaded CA certificate.

    Attributes:
        body: the text as it was uploaded.
        der: the same certificate in DER.
        summary: subject, expiry and thumbprint, as the management plane writes them.
        code: the newest verification code if it is unused, else None.
        created, updated: times in the format of RFC 1123.
    """

    service_id: int
    name: str
    body: str
    der: bytes
    summary: Mapping[str, Any]
    verified: bool
    code: str | None
    etag: str
    created: str
    updated: str


class CertificateTable:
    """Certificates by service and name. Names are compared without case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, service_id: int) -> list[StoredCertificate]:
        """Return the certificates of a service, ordered by name."""
        rows = self._database.rows("SELECT * FROM certificate WHERE service = ? ORDER BY name", service_id)
        return [_certificate(row) for row in rows]

    def count(self, service_id: int) -> int:
        return self._database.count("SELECT count(*) FROM certificate WHERE service = ?", service_id)

    def get(self, service_id: int, name: str) -> StoredCertificate | None:
        row = self._database.row("SELECT * FROM certificate WHERE service = ? AND name = ?", service_id, name)
        return _certificate(row) if row else None

    def put(self, row: StoredCertificate) -> None:
        values = [json.dumps(value) if isinstance(value, dict) else value for value in astuple(row)]
        self._database.execute(f"INSERT OR REPLACE INTO certificate VALUES ({', '.join('?' * len(values))})", *values)  # noqa: S608

    def delete(self, row: StoredCertificate) -> None:
        self._database.execute("DELETE FROM certificate WHERE service = ? AND name = ?", row.service_id, row.name)


def _certificate(row: sqlite3.Row) -> StoredCertificate:
    values = dict(row)
    values["service_id"] = values.pop("service")
    verified, summary = bool(values.pop("verified")), json.loads(values.pop("summary"))
    return StoredCertificate(verified=verified, summary=summary, **values)
