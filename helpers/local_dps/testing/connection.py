"""The connection file of a local DPS, as a client reads it."""

import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.request import Request

from .https import open_url

__all__ = ["Address", "LocalDpsConnection", "NotServed", "wait_for_connection"]

_POLL_INTERVAL_SECONDS = 0.05
_MAX_ANSWER_SECONDS = 5.0


class NotServed(Exception):
    """There is no running local DPS. The message says why, and what to do."""


class Address(NamedTuple):
    """A host and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `host:port`."""
        host, _, port = text.rpartition(":")
        return cls(host, int(port))


@dataclass(frozen=True)
class LocalDpsConnection:
    """How to reach a local DPS. The fields are those of its connection file.

    Attributes:
        management_endpoint, service_endpoint, authority, control_endpoint: URLs.
        device_endpoint, mqtt_endpoint, proxy_endpoint: `host:port`.
        client_certificate_file, ca_file: paths of PEM files.
    """

    management_endpoint: str
    service_endpoint: str
    authority: str
    tenant_id: str
    client_id: str
    client_secret: str
    subscription_id: str
    resource_group: str
    provisioning_service: str
    id_scope: str
    connection_string: str
    iot_hubs: list[str]
    device_endpoint: str
    mqtt_endpoint: str
    proxy_endpoint: str
    control_endpoint: str
    control_token: str
    client_certificate_file: str
    ca_file: str

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read a connection file.

        Raises:
            OSError: there is none.
            ValueError: it is not a connection file.
        """
        content: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        try:
            return cls(**{field.name: content[field.name] for field in fields(cls)})
        except (KeyError, TypeError) as error:
            raise ValueError(f"{file} is not the connection file of a local DPS: {error}") from error

    def trust(self) -> ssl.SSLContext:
        """Return a TLS context that trusts the local DPS, and nothing else."""
        return ssl.create_default_context(cafile=self.ca_file)

    def is_served(self) -> bool:
        """Return whether the local DPS answers."""
        try:
            with open_url(self.trust(), Request(f"{self.control_endpoint}/health"), _MAX_ANSWER_SECONDS) as answer:  # noqa: S310 - https
                return bool(answer.status == 200)
        except OSError:
            return False


def wait_for_connection(
    file: Path, seconds: float = 30.0, *, give_up: Callable[[], bool] = lambda: False
) -> LocalDpsConnection:
    """Wait until a local DPS has written its connection file and answers.

    Args: give_up: called between two attempts; if it returns True, waiting ends early.

    Raises: NotServed: no local DPS answered in time.
        ValueError: the file is not a connection file.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            connection = LocalDpsConnection.read(file)
        except OSError:
            problem = f"There is no connection file {file}."
        else:
            if connection.is_served():
                return connection
            problem = f"The local DPS that wrote {file} does not answer."
        if time.monotonic() > until or give_up():
            raise NotServed(
                f"{problem} Start one with local-dps serve, or name its connection file with --connection-file."
            )
        time.sleep(_POLL_INTERVAL_SECONDS)
