"""What the local DPS remembers: one SQLite file, one transaction a request, acknowledged means durable."""

import base64
import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

__all__ = ["AccessPolicy", "GroupRow", "Identity", "ServiceRow", "Store", "StoredCertificate", "new_etag"]

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE identity (
    tenant_id TEXT NOT NULL, client_id TEXT NOT NULL, client_secret TEXT NOT NULL, token_key BLOB NOT NULL
);
CREATE TABLE service (
    id INTEGER PRIMARY KEY,
    subscription_id TEXT NOT NULL COLLATE NOCASE,
    resource_group TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE,
    id_scope TEXT NOT NULL UNIQUE,
    etag TEXT NOT NULL,
    policies TEXT NOT NULL,
    iot_hubs TEXT NOT NULL
);
CREATE TABLE certificate (
    service INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    name TEXT NOT NULL COLLATE NOCASE,
    body TEXT NOT NULL,
    der BLOB NOT NULL,
    verified INTEGER NOT NULL,
    code TEXT,
    etag TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    PRIMARY KEY (service, name)
);
CREATE TABLE enrollment_group (
    service INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    id TEXT NOT NULL COLLATE NOCASE,
    document TEXT NOT NULL,
    etag TEXT NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    PRIMARY KEY (service, id)
);
"""


@dataclass(frozen=True)
class Identity:
    """The one tenant and application that may ask for tokens, and the key that the tokens are signed with."""

    tenant_id: str
    client_id: str
    client_secret: str
    token_key: bytes


@dataclass(frozen=True)
class AccessPolicy:
    """A shared access policy: its name, its rights (comma and space between them) and its two keys in base64."""

    name: str
    rights: str
    primary_key: str
    secondary_key: str


@dataclass(frozen=True)
class ServiceRow:
    """A provisioning service."""

    id: int
    subscription_id: str
    resource_group: str
    name: str
    id_scope: str
    etag: str
    policies: tuple[AccessPolicy, ...]
    iot_hubs: tuple[str, ...]


@dataclass(frozen=True)
class StoredCertificate:
    """An uploaded CA certificate.

    Attributes:
        body: as it was uploaded, verbatim; der: the same certificate decoded.
        code: the newest verification code that has not been used, or None.
        created, updated: ISO 8601, UTC.
    """

    service: int
    name: str
    body: str
    der: bytes
    verified: bool
    code: str | None
    etag: str
    created: str
    updated: str


@dataclass(frozen=True)
class GroupRow:
    """An enrollment group: the document without id, ETag and times, which stand beside it."""

    service: int
    id: str
    document: Mapping[str, Any]
    etag: str
    created: str
    updated: str


class Store:
    """The SQLite file behind one local DPS. For one thread of one process."""

    def __init__(self, path: Path) -> None:
        """Open the file, or create it, readable by its owner alone.

        Raises:
            sqlite3.Error: it can't be opened, or another version of the local DPS wrote it.
        """
        path.touch(mode=0o600)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")  # an acknowledged write outlives a power cut
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._create()

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what happens inside is kept, or none of it. The write lock is taken at once."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    # --- identity and services ---

    def identity(self) -> Identity:
        """The tenant and application."""
        return Identity(**self._row("SELECT * FROM identity"))

    def services(self) -> list[ServiceRow]:
        """Every provisioning service, by name."""
        return [_service(row) for row in self._rows("SELECT * FROM service ORDER BY name")]

    # --- certificates ---

    def certificates(self, service: int) -> list[StoredCertificate]:
        """The certificates of a service, by name."""
        rows = self._rows("SELECT * FROM certificate WHERE service = ? ORDER BY name", service)
        return [_certificate(row) for row in rows]

    def certificate(self, service: int, name: str) -> StoredCertificate | None:
        """One certificate; its name is compared without case."""
        for row in self._rows("SELECT * FROM certificate WHERE service = ? AND name = ?", service, name):
            return _certificate(row)
        return None

    def put_certificate(self, row: StoredCertificate) -> None:
        """Insert or replace."""
        self._connection.execute(
            "INSERT OR REPLACE INTO certificate VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                row.service,
                row.name,
                row.body,
                row.der,
                row.verified,
                row.code,
                row.etag,
                row.created,
                row.updated,
            ),
        )

    def delete_certificate(self, service: int, name: str) -> None:
        """Forget one."""
        self._connection.execute("DELETE FROM certificate WHERE service = ? AND name = ?", (service, name))

    # --- enrollment groups ---

    def groups(self, service: int, *, after: str = "", limit: int = -1) -> list[GroupRow]:
        """Groups by id, those behind `after`, at most `limit` of them (-1: all)."""
        statement = "SELECT * FROM enrollment_group WHERE service = ? AND id > ? ORDER BY id LIMIT ?"
        return [_group(row) for row in self._rows(statement, service, after, limit)]

    def group_count(self, service: int) -> int:
        """How many groups the service has."""
        return int(self._row("SELECT count(*) AS n FROM enrollment_group WHERE service = ?", service)["n"])

    def group(self, service: int, group_id: str) -> GroupRow | None:
        """One group; its id is compared without case."""
        for row in self._rows("SELECT * FROM enrollment_group WHERE service = ? AND id = ?", service, group_id):
            return _group(row)
        return None

    def put_group(self, row: GroupRow) -> None:
        """Insert or replace."""
        self._connection.execute(
            "INSERT OR REPLACE INTO enrollment_group VALUES (?, ?, ?, ?, ?, ?)",
            (row.service, row.id, json.dumps(row.document), row.etag, row.created, row.updated),
        )

    def delete_group(self, service: int, group_id: str) -> None:
        """Forget one."""
        self._connection.execute("DELETE FROM enrollment_group WHERE service = ? AND id = ?", (service, group_id))

    # --- inside ---

    def _rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        with closing(self._connection.execute(statement, values)) as cursor:
            return cursor.fetchall()

    def _row(self, statement: str, *values: object) -> sqlite3.Row:
        return self._rows(statement, *values)[0]

    def _create(self) -> None:
        version = self._row("PRAGMA user_version")[0]
        if version == _SCHEMA_VERSION:
            return
        if version != 0:
            raise sqlite3.DatabaseError(f"the file has schema version {version}, this program knows {_SCHEMA_VERSION}")
        with self.transaction():
            for statement in _SCHEMA.split(";"):
                self._connection.execute(statement)
            self._connection.execute(
                "INSERT INTO identity VALUES (?, ?, ?, ?)",
                (str(uuid4()), str(uuid4()), secrets.token_urlsafe(30), secrets.token_bytes(32)),
            )
            owner = {
                "name": "provisioningserviceowner",
                "rights": "ServiceConfig, DeviceConnect, EnrollmentRead, EnrollmentWrite, "
                "RegistrationStatusRead, RegistrationStatusWrite",
                "primary_key": _new_key(),
                "secondary_key": _new_key(),
            }
            self._connection.execute(
                "INSERT INTO service VALUES (1, ?, 'local-group', 'local-dps', ?, ?, ?, ?)",
                (
                    str(uuid4()),
                    f"0ne{secrets.token_hex(4).upper()}",
                    _new_row_version(),
                    json.dumps([owner]),
                    json.dumps(["local-hub-1.azure-devices.net", "local-hub-2.azure-devices.net"]),
                ),
            )
            self._connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")


def new_etag() -> str:
    """An ETag as the service writes them since 2020: base64 of a GUID in double quotes."""
    return base64.b64encode(f'"{uuid4()}"'.encode()).decode()


def _new_row_version() -> str:
    """The service resource's own ETag is still of the older form: base64 of eight bytes."""
    return base64.b64encode(bytes(4) + secrets.token_bytes(4)).decode()


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(64)).decode()


def _service(row: sqlite3.Row) -> ServiceRow:
    values = dict(row)
    policies = tuple(AccessPolicy(**policy) for policy in json.loads(values.pop("policies")))
    return ServiceRow(policies=policies, iot_hubs=tuple(json.loads(values.pop("iot_hubs"))), **values)


def _certificate(row: sqlite3.Row) -> StoredCertificate:
    values = dict(row)
    return StoredCertificate(verified=bool(values.pop("verified")), **values)


def _group(row: sqlite3.Row) -> GroupRow:
    values = dict(row)
    return GroupRow(document=json.loads(values.pop("document")), **values)
