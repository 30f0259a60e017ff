"""A local DPS as any client sees it: plain HTTPS requests and the bytes of the answers."""

import base64
import hashlib
import hmac
import http.client
import json
import socket
import sqlite3
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlencode, urlsplit

NEWEST = "2026-11-01"
MANAGEMENT_SCOPE = "https://management.azure.com/.default"
SERVICE_SCOPE = "https://azure-devices-provisioning.net/.default"


@dataclass(frozen=True)
class Reply:
    """An answer, unchanged."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class LocalService:
    """Sends requests to one local DPS."""

    def __init__(self, connection: Mapping[str, Any], state: Path) -> None:
        self.connection = connection
        self.state = state
        self.address = urlsplit(connection["management_endpoint"])

    @cached_property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.connection["ca_file"])

    @property
    def host(self) -> str:
        return self.address.netloc

    @property
    def root(self) -> str:
        """The path of the service resource."""
        given = self.connection
        return (
            f"/subscriptions/{given['subscription_id']}/resourceGroups/{given['resource_group']}"
            f"/providers/Microsoft.Devices/provisioningServices/{given['provisioning_service']}"
        )

    # --- raw ---

    def call(
        self, method: str, target: str, body: Any = None, headers: Mapping[str, str | bytes] | None = None
    ) -> Reply:
        """Make one request, on a new connection unless a subclass keeps one open. A body that is not bytes is sent as JSON."""
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = dict(headers or {})
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        elif method in ("POST", "PUT"):
            sent.setdefault("Content-Length", "0")
        with self.line() as line:
            line.request(method, target, content, sent)
            answer = line.getresponse()
            return Reply(answer.status, answer.headers, answer.read())

    def line(self) -> AbstractContextManager[http.client.HTTPSConnection]:
        """The connection for one request."""
        return closing(self.new_line())

    def new_line(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self.address.hostname, self.address.port, context=self.context, timeout=30)

    def send_bytes(self, request: bytes) -> Reply:
        """Send exactly these bytes, which no HTTP library would send."""
        plain = socket.create_connection((self.address.hostname, self.address.port), timeout=30)
        with self.context.wrap_socket(plain, server_hostname=self.address.hostname) as secured:
            secured.sendall(request)
            answer = http.client.HTTPResponse(secured)
            answer.begin()
            return Reply(answer.status, answer.headers, answer.read())

    # --- credentials ---

    def ask_for_token(self, *, tenant: str | None = None, **changes: str) -> Reply:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.connection["client_id"],
            "client_secret": self.connection["client_secret"],
            "scope": MANAGEMENT_SCOPE,
        } | changes
        path = f"/{tenant or self.connection['tenant_id']}/oauth2/v2.0/token"
        return self.call("POST", path, urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"})

    @cached_property
    def management_token(self) -> str:
        return self.ask_for_token().json["access_token"]

    @cached_property
    def service_token(self) -> str:
        return self.ask_for_token(scope=SERVICE_SCOPE).json["access_token"]

    def keys(self) -> Mapping[str, str]:
        return self.manage("POST", "/listkeys").json["value"][0]

    # --- planes ---

    def manage(
        self,
        method: str,
        suffix: str = "",
        body: Any = None,
        *,
        if_match: str | None = None,
        version: str = NEWEST,
        headers: Mapping[str, str | bytes] | None = None,
    ) -> Reply:
        """A management call below the service resource."""
        sent: dict[str, str | bytes] = {"Authorization": f"Bearer {self.management_token}"}
        if if_match is not None:
            sent["If-Match"] = if_match
        return self.call(method, f"{self.root}{suffix}?api-version={version}", body, sent | dict(headers or {}))

    def serve(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        if_match: str | None = None,
        headers: Mapping[str, str | bytes] | None = None,
    ) -> Reply:
        """A call on the service plane."""
        sent: dict[str, str | bytes] = {"Authorization": f"Bearer {self.service_token}"}
        if if_match is not None:
            sent["If-Match"] = if_match
        return self.call(method, f"{path}?api-version=2021-10-01", body, sent | dict(headers or {}))

    def control(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str | None] | None = None
    ) -> Reply:
        """A call on the control port, with its token unless the headers have another; a header that is None is not sent."""
        other = LocalService(self.connection, self.state)
        other.address = urlsplit(self.connection["control_endpoint"])
        given = {"Authorization": f"Bearer {self.connection['control_token']}", **(headers or {})}
        return other.call(method, path, body, {name: value for name, value in given.items() if value is not None})

    # --- steps of a walkthrough ---

    def upload(self, name: str, certificate: str, **options: Any) -> Mapping[str, Any]:
        return _accepted(self.manage("PUT", f"/certificates/{name}", upload_body(certificate), **options))

    def certificate(self, name: str) -> Mapping[str, Any]:
        return _accepted(self.manage("GET", f"/certificates/{name}"))

    def generate_code(self, name: str, *, if_match: str = "*") -> Mapping[str, Any]:
        return _accepted(self.manage("POST", f"/certificates/{name}/generateVerificationCode", if_match=if_match))

    def verify(self, name: str, proof: str, *, if_match: str = "*") -> Reply:
        return self.manage("POST", f"/certificates/{name}/verify", {"certificate": proof}, if_match=if_match)

    def put_group(self, group: Mapping[str, Any], *, if_match: str | None = None) -> Mapping[str, Any]:
        path = f"/enrollmentGroups/{group['enrollmentGroupId']}"
        return _accepted(self.serve("PUT", path, group, if_match=if_match))

    def group(self, group_id: str) -> Mapping[str, Any]:
        return _accepted(self.serve("GET", f"/enrollmentGroups/{group_id}"))

    # --- what is kept ---

    def everything(self) -> Mapping[str, Any]:
        """Return everything that the service returns, to compare before and after."""
        return {
            "service": self.manage("GET").json,
            "certificates": self.manage("GET", "/certificates").json,
            "groups": self.serve("POST", "/enrollmentGroups/query", {"query": "SELECT *"}).json,
        }

    def codes(self) -> dict[str, str | None]:
        """Return the outstanding codes from the database, because no request returns them."""
        with closing(sqlite3.connect(self.state / "dps.sqlite3")) as database:
            return dict(database.execute("SELECT name, code FROM certificate"))

    def token_key(self) -> bytes:
        with closing(sqlite3.connect(self.state / "dps.sqlite3")) as database:
            return database.execute("SELECT token_key FROM identity").fetchone()[0]

    def stored_bytes(self) -> bytes:
        """Return all bytes in the state folder except the client's own key: the database, its write-ahead log, everything."""
        files = (file for file in sorted(self.state.rglob("*")) if file.is_file() and file.name != "client.pem")
        return b"".join(file.read_bytes() for file in files)


class KeptLine(LocalService):
    """Keeps a connection for each thread: a handshake takes longer than most answers."""

    def __init__(self, connection: Mapping[str, Any], state: Path) -> None:
        super().__init__(connection, state)
        self._lines = threading.local()

    @contextmanager
    def line(self) -> Iterator[http.client.HTTPSConnection]:
        if not hasattr(self._lines, "kept"):
            self._lines.kept = self.new_line()
        try:
            yield self._lines.kept
        except BaseException:
            self._lines.kept.close()
            raise


def upload_body(certificate: str, **fields: Any) -> dict[str, Any]:
    return {"properties": {"certificate": certificate, **fields}}


def group_body(
    group_id: str, *, reference: str | None = None, signing: str | None = None, **more: Any
) -> dict[str, Any]:
    """Return an enrollment group that is bound to an uploaded CA by name, or to a certificate in the group itself."""
    attestation = (
        {"caReferences": {"primary": reference}}
        if reference is not None
        else {"signingCertificates": {"primary": {"certificate": signing}}}
    )
    return {"enrollmentGroupId": group_id, "attestation": {"type": "x509", "x509": attestation}, **more}


def signature(
    resource: str,
    key: str,
    *,
    policy: str = "provisioningserviceowner",
    expires: float | str | None = None,
    order: str = "sr sig se skn",
    lower_escapes: bool = False,
) -> str:
    """A shared access signature, as the documentation on access control says."""

    def escape(text: str) -> str:
        escaped = quote(text, safe="")
        return "".join(_lowered(escaped)) if lower_escapes else escaped

    scope = escape(resource)
    until = expires if isinstance(expires, str) else str(int(time.time() + 600 if expires is None else expires))
    digest = hmac.digest(base64.b64decode(key), f"{scope}\n{until}".encode(), hashlib.sha256)
    parts = {"sr": scope, "sig": escape(base64.b64encode(digest).decode()), "se": until, "skn": quote_plus(policy)}
    return "SharedAccessSignature " + "&".join(f"{name}={parts[name]}" for name in order.split())


def _lowered(escaped: str) -> list[str]:
    first, *rest = escaped.split("%")
    return [first, *(f"%{part[:2].lower()}{part[2:]}" for part in rest)]


def _accepted(reply: Reply) -> Mapping[str, Any]:
    assert reply.status == 200, (reply.status, reply.content)
    return reply.json
