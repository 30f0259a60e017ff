"""TLS connections of devices to a local DPS."""

import contextlib
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

from tests.local_dps.wire import LocalService

TLS = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}
Files = Sequence[Path]  # the chain that a device sends, and its key


def address(dps: LocalService, endpoint: str) -> tuple[str, int]:
    """Host and port of an endpoint that the connection file names."""
    host, _, port = dps.connection[f"{endpoint}_endpoint"].rpartition(":")
    return host, int(port)


def client_context(dps: LocalService, files: Files, tls: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Return a context that trusts only the local DPS, with the device's certificate if there is one."""
    context = ssl.create_default_context(cafile=dps.connection["ca_file"])
    if tls:
        context.minimum_version = context.maximum_version = tls
    if files:
        context.load_cert_chain(*files)
    return context


def secured(dps: LocalService, endpoint: str, files: Files, tls: ssl.TLSVersion | None = None) -> ssl.SSLSocket:
    """A connection to an endpoint, after its handshake."""
    plain = socket.create_connection(address(dps, endpoint), timeout=10)
    return client_context(dps, files, tls).wrap_socket(plain, server_hostname="localhost")


def hello() -> bytes:
    """The first flight of a TLS client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()
