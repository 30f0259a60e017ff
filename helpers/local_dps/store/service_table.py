"""Resource groups, and the provisioning services in them, with their access policies and linked hubs."""

import base64
import json
import re
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

from .database import Database

__all__ = [
    "AccessPolicy",
    "LinkedHub",
    "ResourceGroupRow",
    "ResourceGroupTable",
    "ServiceRow",
    "ServiceTable",
    "masked_connection_string",
    "new_key",
    "new_row_version",
]

SCHEMA = """
CREATE TABLE resource_group (
    name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
    location TEXT NOT NULL,
    tags TEXT NOT NULL
);
CREATE TABLE service (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    resource_group TEXT NOT NULL COLLATE NOCASE REFERENCES resource_group (name) ON DELETE CASCADE,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE,
    id_scope TEXT NOT NULL UNIQUE,
    etag TEXT NOT NULL,
    location TEXT NOT NULL,
    tags TEXT NOT NULL,
    sku TEXT NOT NULL,
    properties TEXT NOT NULL,
    policies TEXT NOT NULL,
    iot_hubs TEXT NOT NULL
);
CREATE TABLE operation (id TEXT PRIMARY KEY, service TEXT NOT NULL COLLATE NOCASE, started TEXT NOT NULL);
"""
_MAX_OPERATIONS = 1000


@dataclass(frozen=True)
class ResourceGroupRow:
    """A resource group of the one subscription."""

    name: str
    location: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class AccessPolicy:
    """A shared access policy: its name, its rights (comma and space between them) and its two keys in base64."""

    name: str
    rights: str
    primary_key: str
    secondary_key: str


@dataclass(frozen=True)
class LinkedHub:
    """A linked IoT hub. Nothing is ever asked of it, so its key is not kept.

    Attributes:
        name: its host name.
        allocation_weight: None if none was sent; it then counts as 1.
        connection_string: with the key masked; None if it was linked without one.
        properties: what else was said of it, returned as it came.
    """

    name: str
    location: str
    allocation_weight: int | None = None
    apply_allocation_policy: bool = True
    connection_string: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ServiceRow:
    """A provisioning service.

    Attributes:
        id: its number here; 0 before it is stored.
        properties: allocationPolicy, and what else was said of it, returned as it came.
    """

    id: int
    resource_group: str
    name: str
    id_scope: str
    etag: str
    location: str
    tags: Mapping[str, str]
    sku: Mapping[str, Any]
    properties: Mapping[str, Any]
    policies: tuple[AccessPolicy, ...]
    iot_hubs: tuple[LinkedHub, ...]


class ResourceGroupTable:
    """Resource groups by name, compared without case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[ResourceGroupRow]:
        """Every group, by name."""
        return [_group(row) for row in self._database.rows("SELECT * FROM resource_group ORDER BY name")]

    def get(self, name: str) -> ResourceGroupRow | None:
        """One group."""
        row = self._database.row("SELECT * FROM resource_group WHERE name = ?", name)
        return _group(row) if row else None

    def put(self, row: ResourceGroupRow) -> None:
        """Insert or change."""
        self._database.execute(
            "INSERT INTO resource_group VALUES (?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET location = excluded.location, tags = excluded.tags",
            row.name,
            row.location,
            json.dumps(row.tags),
        )

    def delete(self, name: str) -> None:
        """Forget a group and every service in it."""
        self._database.execute("DELETE FROM resource_group WHERE name = ?", name)


class ServiceTable:
    """Provisioning services; names are compared without case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[ServiceRow]:
        """Every service, the oldest first."""
        return [_service(row) for row in self._database.rows("SELECT * FROM service ORDER BY id")]

    def in_group(self, resource_group: str) -> list[ServiceRow]:
        """The services of a group, the oldest first."""
        rows = self._database.rows("SELECT * FROM service WHERE resource_group = ? ORDER BY id", resource_group)
        return [_service(row) for row in rows]

    def get(self, name: str) -> ServiceRow | None:
        """One service: a name exists once, whatever its group, as it is part of a host name in Azure."""
        row = self._database.row("SELECT * FROM service WHERE name = ?", name)
        return _service(row) if row else None

    def by_id(self, service_id: int) -> ServiceRow | None:
        """One service by its number."""
        row = self._database.row("SELECT * FROM service WHERE id = ?", service_id)
        return _service(row) if row else None

    def by_scope(self, id_scope: str) -> ServiceRow | None:
        """One service by its ID scope."""
        row = self._database.row("SELECT * FROM service WHERE id_scope = ?", id_scope)
        return _service(row) if row else None

    def insert(self, row: ServiceRow) -> None:
        """Keep a new service."""
        columns = _columns(row)
        self._database.execute(
            f"INSERT INTO service ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",  # noqa: S608 - names
            *columns.values(),
        )

    def update(self, row: ServiceRow) -> None:
        """Keep a changed service."""
        columns = _columns(row)
        self._database.execute(
            f"UPDATE service SET {', '.join(f'{name} = ?' for name in columns)} WHERE id = ?",  # noqa: S608 - names
            *columns.values(),
            row.id,
        )

    def delete(self, row: ServiceRow) -> None:
        """Forget a service and everything in it."""
        self._database.execute("DELETE FROM service WHERE id = ?", row.id)

    def add_operation(self, operation: str, service_path: str, started: str) -> None:
        """Remember a long-running operation. It is over already; only the newest are kept."""
        self._database.execute("INSERT INTO operation VALUES (?, ?, ?)", operation, service_path, started)
        self._database.execute(
            "DELETE FROM operation WHERE rowid <= (SELECT max(rowid) FROM operation) - ?", _MAX_OPERATIONS
        )

    def has_operation(self, operation: str, service_path: str | None) -> bool:
        """Whether that operation was begun, on that service if one is given. The service may be gone by now."""
        row = self._database.row("SELECT service FROM operation WHERE id = ?", operation)
        return row is not None and (service_path is None or row["service"].lower() == service_path.lower())


def masked_connection_string(hub: str, policy: str | None) -> str:
    """A hub's connection string as the service shows it: without the key."""
    name = policy if policy and re.fullmatch(r"[A-Za-z0-9._-]{1,64}", policy) else "iothubowner"
    return f"HostName={hub};SharedAccessKeyName={name};SharedAccessKey=****"


def new_key() -> str:
    """A key of a policy, or of a device: 64 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(64)).decode()


def new_row_version() -> str:
    """The service resource's own ETag is of the older form: base64 of eight bytes."""
    return base64.b64encode(bytes(3) + secrets.token_bytes(5)).decode()


def _group(row: sqlite3.Row) -> ResourceGroupRow:
    return ResourceGroupRow(row["name"], row["location"], json.loads(row["tags"]))


_JSON_COLUMNS = ("tags", "sku", "properties", "policies", "iot_hubs")


def _columns(row: ServiceRow) -> dict[str, Any]:
    values = asdict(row)
    del values["id"]
    return values | {name: json.dumps(values[name]) for name in _JSON_COLUMNS}


def _service(row: sqlite3.Row) -> ServiceRow:
    return _decoded(tuple(row.keys()), tuple(row))


@lru_cache(maxsize=64)  # every call reads its service, and a service seldom changes
def _decoded(names: tuple[str, ...], columns: tuple[Any, ...]) -> ServiceRow:
    values = dict(zip(names, columns, strict=True))
    values |= {name: json.loads(values[name]) for name in _JSON_COLUMNS}
    policies = tuple(AccessPolicy(**policy) for policy in values.pop("policies"))
    hubs = tuple(LinkedHub(**hub) for hub in values.pop("iot_hubs"))
    return ServiceRow(policies=policies, iot_hubs=hubs, **values)
