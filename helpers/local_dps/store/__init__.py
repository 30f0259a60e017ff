"""The state of the local DPS, in one SQLite file. A change is durable before it is acknowledged."""

import base64
import secrets
import sqlite3
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from . import certificate_table, enrollment_table, hub_device_table, registration_table, service_table
from .certificate_table import CertificateTable, StoredCertificate
from .database import Database
from .enrollment_table import EnrollmentRow, EnrollmentTable
from .hub_device_table import HubDeviceRow, HubDeviceTable
from .registration_table import RegistrationRow, RegistrationTable
from .service_table import (
    AccessPolicy,
    LinkedHub,
    ResourceGroupRow,
    ResourceGroupTable,
    ServiceRow,
    ServiceTable,
    masked_connection_string,
    new_key,
    new_row_version,
)

__all__ = [
    "RIGHTS",
    "AccessPolicy",
    "EnrollmentRow",
    "HubDeviceRow",
    "LinkedHub",
    "RegistrationRow",
    "ResourceGroupRow",
    "ServiceRow",
    "Store",
    "StoredCertificate",
    "TenantIdentity",
    "masked_connection_string",
    "new_etag",
    "new_id_scope",
    "new_key",
    "new_owner_policy",
    "new_row_version",
    "timestamp",
]

_SCHEMA_VERSION = 4
_UPGRADES = {3: service_table.PORT_SCHEMA}  # what a file of that version lacks
_SCHEMA = """
CREATE TABLE identity (
    tenant_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    client_secret TEXT NOT NULL,
    token_key BLOB NOT NULL
);
"""
_WITH_ETAGS = ("service", "certificate", "enrollment", "registration")
RIGHTS = (
    "ServiceConfig",
    "DeviceConnect",
    "EnrollmentRead",
    "EnrollmentWrite",
    "RegistrationStatusRead",
    "RegistrationStatusWrite",
)
_OWNER_RIGHTS = "ServiceConfig, DeviceConnect, EnrollmentWrite"  # as in the policy of a new service in Azure


@dataclass(frozen=True)
class TenantIdentity:
    """The one tenant, its subscription, the application that may request tokens, and the key that signs the tokens."""

    tenant_id: str
    subscription_id: str
    client_id: str
    client_secret: str
    token_key: bytes


class Store:
    """The SQLite database of one local DPS, with one attribute per table."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, or create it with one resource group and one provisioning service.

        Args:
            path: None for a store in memory.

        Raises:
            sqlite3.Error: the file can't be opened, or another version of the local DPS wrote it.
        """
        self._database = Database(path)
        self.resource_groups = ResourceGroupTable(self._database)
        self.services = ServiceTable(self._database)
        self.certificates = CertificateTable(self._database)
        self.enrollments = EnrollmentTable(self._database)
        self.registrations = RegistrationTable(self._database)
        self.hub_devices = HubDeviceTable(self._database)
        try:
            self._create()
        except BaseException:
            self._database.close()
            raise
        self.identity = TenantIdentity(**dict(self._database.rows("SELECT * FROM identity")[0]))

    def close(self) -> None:
        """Close the file. Committed changes stay."""
        self._database.close()

    def transaction(self) -> AbstractContextManager[None]:
        """Return a context in which all changes are committed, or none if it raises."""
        return self._database.transaction()

    def savepoint(self) -> AbstractContextManager[None]:
        """Return a context inside a transaction. If it raises, only the changes made in it are undone."""
        return self._database.savepoint()

    def change_etag(self, etag: str) -> None:
        """Give the resource with this ETag a new one, as if another client had changed it."""
        for table in _WITH_ETAGS:
            self._database.execute(f"UPDATE {table} SET etag = ? WHERE etag = ?", new_etag(), etag)  # noqa: S608 - our own table names

    def _create(self) -> None:
        version = self._database.count("PRAGMA user_version")
        if version not in (0, _SCHEMA_VERSION, *_UPGRADES):
            raise sqlite3.DatabaseError(
                f"another version of the local DPS wrote it (schema {version}; this version reads {_SCHEMA_VERSION})"
            )
        with self.transaction():
            if version == 0:
                self._execute_all("".join((_SCHEMA, *(module.SCHEMA for module in _TABLE_MODULES))))
                self._database.execute(
                    "INSERT INTO identity VALUES (?, ?, ?, ?, ?)",
                    *(str(uuid4()) for _ in range(3)),
                    _new_client_secret(),
                    secrets.token_bytes(32),
                )
            elif version in _UPGRADES:
                self._execute_all(_UPGRADES[version])
            if version != _SCHEMA_VERSION:
                self._database.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
            if (
                not self.services.all()
            ):  # the file is new, or the last service was deleted; the connection file needs one
                self.resource_groups.put(ResourceGroupRow("local-group", "local", {}))
                self.services.insert(_first_service())

    def _execute_all(self, statements: str) -> None:
        for statement in statements.split(";"):
            self._database.execute(statement)


_FIRST_HUB_NAMES = ("local-hub-1.azure-devices.net", "local-hub-2.azure-devices.net")
_TABLE_MODULES = (service_table, certificate_table, enrollment_table, registration_table, hub_device_table)


def _new_client_secret() -> str:
    """Return a secret that does not begin with a hyphen, which `az login -p SECRET` would read as an option."""
    while (secret := secrets.token_urlsafe(32)).startswith("-"):
        pass
    return secret


def new_etag() -> str:
    """Return an ETag as the service has written it since 2020: base64 of a GUID in double quotes."""
    return base64.b64encode(f'"{uuid4()}"'.encode()).decode()


def timestamp(now: datetime) -> str:
    """Return a time as the service plane writes it: with seven fractional digits, as .NET does."""
    return now.replace(tzinfo=None).isoformat(timespec="microseconds") + "0Z"


def new_id_scope() -> str:
    """Return an ID scope: `0ne` and eight upper-case hex digits."""
    return f"0ne{secrets.token_hex(4).upper()}"


def new_owner_policy() -> AccessPolicy:
    """Return the access policy of a new service. It allows every request to the service plane."""
    return AccessPolicy("provisioningserviceowner", _OWNER_RIGHTS, new_key(), new_key())


def _first_service() -> ServiceRow:
    return ServiceRow(
        id=0,
        resource_group="local-group",
        name="local-dps",
        id_scope=new_id_scope(),
        etag=new_row_version(),
        location="local",
        tags={},
        sku={"name": "S1", "tier": "Standard", "capacity": 1},
        properties={"allocationPolicy": "Hashed"},
        policies=(new_owner_policy(),),
        iot_hubs=tuple(
            LinkedHub(name, "local", connection_string=masked_connection_string(name, None))
            for name in _FIRST_HUB_NAMES
        ),
    )
