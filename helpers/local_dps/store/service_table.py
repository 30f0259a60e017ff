"""Resource groups, and their provisioning services with access policies and linked hubs."""

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

PORT_SCHEMA = """
CREATE TABLE service_port (
    service INTEGER NOT NULL PRIMARY KEY REFERENCES service (id) ON DELETE CASCADE,
    port INTEGER NOT NULL
);
"""
SCHEMA = f"""
{PORT_SCHEMA}
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
    """A shared access policy: its name, its rights separated by a comma and a space, and its two keys in base64."""

    name: str
    rights: str
    primary_key: str
    secondary_key: str


@dataclass(frozen=True)
class LinkedHub:
    """A linked IoT hub. The local DPS sends no requests to a hub, so it does not store the hub's key.

    Attributes:
        name: the host name.
        allocation_weight: None if the client sent none, which counts as 1.
        connection_string: with the key masked; None if the hub was linked without one.
        properties: other fields that the client sent, returned unchanged.
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
        id: the number of the row; 0 before it is stored.
        properties: allocationPolicy, and other fields that the client sent, returned unchanged.
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
    """Resource groups by name. Names are compared without case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[ResourceGroupRow]:
        """Return every resource group, ordered by name."""
        return [_group(row) for row in self._database.rows("SELECT * FROM resource_group ORDER BY name")]

    def get(self, name: str) -> ResourceGroupRow | None:
        """Return one resource group, or None."""
        row = self._database.row("SELECT * FROM resource_group WHERE name = ?", name)
        return _group(row) if row else None

    def put(self, row: ResourceGroupRow) -> None:
        """Insert or update a resource group."""
        self._database.execute(
            "INSERT INTO resource_group VALUES (?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET location = excluded.location, tags = excluded.tags",
            row.name,
            row.location,
            json.dumps(row.tags),
        )

    def delete(self, name: str) -> None:
        """Delete a resource group and every service in it."""
        self._database.execute("DELETE FROM resource_group WHERE name = ?", name)


class ServiceTable:
    """Provisioning services. Names are compared without case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[ServiceRow]:
        """Return every service, the oldest first."""
        return [_service(row) for row in self._database.rows("SELECT * FROM service ORDER BY id")]

    def in_group(self, resource_group: str) -> list[ServiceRow]:
        """Return the services of a resource group, the oldest first."""
        rows = self._database.rows("SELECT * FROM service WHERE resource_group = ? ORDER BY id", resource_group)
        return [_service(row) for row in rows]

    def get(self, name: str) -> ServiceRow | None:
        """Return the service with a name, or None. Names are unique across resource groups: in Azure they form host names."""
        row = self._database.row("SELECT * FROM service WHERE name = ?", name)
        return _service(row) if row else None

    def by_id(self, service_id: int) -> ServiceRow | None:
        """Return the service with an id, or None."""
        row = self._database.row("SELECT * FROM service WHERE id = ?", service_id)
        return _service(row) if row else None

    def by_scope(self, id_scope: str) -> ServiceRow | None:
        """Return the service with an ID scope, or None."""
        row = self._database.row("SELECT * FROM service WHERE id_scope = ?", id_scope)
        return _service(row) if row else None

    def insert(self, row: ServiceRow) -> None:
        """Insert a new service."""
        columns = _columns(row)
        self._database.execute(
            f"INSERT INTO service ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",  # noqa: S608 - names
            *columns.values(),
        )

    def update(self, row: ServiceRow) -> None:
        """Update a service."""
        columns = _columns(row)
        self._database.execute(
            f"UPDATE service SET {', '.join(f'{name} = ?' for name in columns)} WHERE id = ?",  # noqa: S608 - names
            *columns.values(),
            row.id,
        )

    def delete(self, row: ServiceRow) -> None:
        """Delete a service and everything in it."""
        self._database.execute("DELETE FROM service WHERE id = ?", row.id)

    def port(self, service_id: int) -> int:
        """Return the port that a service had last, or 0 if it never had one."""
        row = self._database.row("SELECT port FROM service_port WHERE service = ?", service_id)
        return int(row["port"]) if row else 0

    def set_port(self, service_id: int, port: int) -> None:
        """Store the port of a service, so that it has the same one after the next start."""
        self._database.execute("INSERT OR REPLACE INTO service_port VALUES (?, ?)", service_id, port)

    def add_operation(self, operation: str, service_path: str, started: str) -> None:
        """Store the id of a long-running operation, which is complete already. Only the newest ids stay."""
        self._database.execute("INSERT INTO operation VALUES (?, ?, ?)", operation, service_path, started)
        self._database.execute(
            "DELETE FROM operation WHERE rowid <= (SELECT max(rowid) FROM operation) - ?", _MAX_OPERATIONS
        )

    def has_operation(self, operation: str, service_path: str | None) -> bool:
        """Return whether an operation was started, on that service if one is given. The service may have been deleted since."""
        row = self._database.row("SELECT service FROM operation WHERE id = ?", operation)
        return row is not None and (service_path is None or row["service"].lower() == service_path.lower())


def masked_connection_string(hub: str, policy: str | None) -> str:
    """Return a hub's connection string as the service shows it, with the key masked."""
    name = policy if policy and re.fullmatch(r"[A-Za-z0-9._-]{1,64}", policy) else "iothubowner"
    return f"HostName={hub};SharedAccessKeyName={name};SharedAccessKey=****"


def new_key() -> str:
    """Return a new key for a policy or a device: 64 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(64)).decode()


def new_row_version() -> str:
    """Return a new ETag for a service resource. It has the older form: base64 of eight bytes."""
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


@lru_cache(maxsize=64)  # every request reads its service, and a service rarely changes
def _decoded(names: tuple[str, ...], columns: tuple[Any, ...]) -> ServiceRow:
    values = dict(zip(names, columns, strict=True))
    values |= {name: json.loads(values[name]) for name in _JSON_COLUMNS}
    policies = tuple(AccessPolicy(**policy) for policy in values.pop("policies"))
    hubs = tuple(LinkedHub(**hub) for hub in values.pop("iot_hubs"))
    return ServiceRow(policies=policies, iot_hubs=hubs, **values)
