"""The connection file: one JSON object that tells a client how to reach a local DPS."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .request.endpoints import host_and_port
from .state import write_private
from .store import Store

__all__ = ["describe_oldest_service", "published_connection"]


def describe_oldest_service(host: str, port: int, store: Store) -> Mapping[str, Any]:
    """Return what a client needs to use the oldest service.

    Args:
        host: the host name for its addresses.
        port: the port of the management plane, the identity plane and the oldest service.
    """
    service = store.services.all()[0]
    owner = max(service.policies, key=lambda policy: len(policy.rights))
    place = host_and_port(host, port)
    return {
        "management_endpoint": f"https://{place}",
        "service_endpoint": f"https://{place}",
        "authority": f"https://{place}",
        "tenant_id": store.identity.tenant_id,
        "client_id": store.identity.client_id,
        "client_secret": store.identity.client_secret,
        "subscription_id": store.identity.subscription_id,
        "resource_group": service.resource_group,
        "provisioning_service": service.name,
        "id_scope": service.id_scope,
        "connection_string": f"HostName={place};SharedAccessKeyName={owner.name};SharedAccessKey={owner.primary_key}",
        "iot_hubs": [hub.name for hub in service.iot_hubs],
    }


@contextmanager
def published_connection(file: Path, connection: Mapping[str, Any]) -> Iterator[None]:
    """Write the connection file, with its folder if there is none, and remove it at the end.

    Raises:
        CannotStart: the file can't be written.
    """
    with suppress(OSError):  # if there can be no such folder, writing tells why
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(file, json.dumps(connection, indent=2).encode())
    try:
        yield
    finally:
        _remove_own(file)


def _remove_own(file: Path) -> None:
    """Remove the file unless another process has replaced it with its own."""
    with suppress(OSError, ValueError):
        if json.loads(file.read_bytes())["pid"] == os.getpid():
            file.unlink()
