"""Both kinds of enrollment, and the calls that they have in common."""

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote, urlsplit
from uuid import uuid4

import pytest

from tests.local_dps.wire import LocalService, Reply

WRONG_ETAG = base64.b64encode(b'"05006bea-0000-0700-0000-62716b4b0000"').decode()
STAMPS = {"etag", "createdDateTimeUtc", "lastUpdatedDateTimeUtc"}


@dataclass(frozen=True)
class EnrollmentKind:
    """One of the two kinds of enrollment, as a client sees it."""

    collection: str
    id_name: str
    item_type: str
    certificates: str
    not_found: int
    exists: int

    def body(self, enrollment: str, attestation: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        return {self.id_name: enrollment, "attestation": attestation or symmetric(), **more}

    def x509(self, primary: str, secondary: str | None = None) -> dict[str, Any]:
        sent = {"primary": primary, "secondary": secondary}
        slots = {slot: {"certificate": text} for slot, text in sent.items() if text is not None}
        return {"type": "x509", "x509": {self.certificates: slots}}


GROUPS = EnrollmentKind(
    "enrollmentGroups", "enrollmentGroupId", "EnrollmentGroup", "signingCertificates", 404204, 409202
)

INDIVIDUALS = EnrollmentKind("enrollments", "registrationId", "Enrollment", "clientCertificates", 404201, 409201)

KINDS = pytest.mark.parametrize("kind", [GROUPS, INDIVIDUALS], ids=["groups", "individuals"])


class EnrollmentClient:
    """Requests to one service's plane over one connection, many hundreds per second."""

    def __init__(self, dps: LocalService, place: str | None = None) -> None:
        address = urlsplit(f"https://{place or dps.host}")
        self._client = http.client.HTTPSConnection(address.hostname, address.port, context=dps.context, timeout=30)
        self._token = dps.service_token

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str | bytes] | None = None) -> Reply:
        content = None if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"} | dict(headers or {})
        self._client.request(method, f"{path}?api-version=2021-10-01", content, sent)
        answer = self._client.getresponse()
        return Reply(answer.status, answer.headers, answer.read())

    def bulk(self, kind: EnrollmentKind, mode: str, items: list[Any]) -> Mapping[str, Any]:
        reply = self.call("POST", f"/{kind.collection}", {"mode": mode, kind.collection: items})
        assert reply.status == 200, reply.content
        return reply.json

    def fill(self, kind: EnrollmentKind, bodies: list[Mapping[str, Any]]) -> None:
        for at in range(0, len(bodies), 10):
            assert self.bulk(kind, "create", bodies[at : at + 10]) == {"isSuccessful": True, "errors": []}

    def clear(self, kind: EnrollmentKind) -> None:
        present = self.all(kind)
        for at in range(0, len(present), 10):
            items = [{kind.id_name: each[kind.id_name]} for each in present[at : at + 10]]
            assert self.bulk(kind, "delete", items)["isSuccessful"]

    def all(self, kind: EnrollmentKind) -> list[dict[str, Any]]:
        """Return all enrollments of a query, whose pages have a thousand items."""
        reply = self.call("POST", f"/{kind.collection}/query", {"query": "SELECT *"})
        assert reply.status == 200, reply.content
        assert "x-ms-continuation" not in reply.headers
        return reply.json


def symmetric(primary: str | None = None, secondary: str | None = None) -> dict[str, Any]:
    return {"type": "symmetricKey", "symmetricKey": {"primaryKey": primary, "secondaryKey": secondary}}


def random_key() -> str:
    return base64.b64encode(uuid4().bytes * 4).decode()


def path(kind: EnrollmentKind, enrollment: str) -> str:
    """The path of an enrollment."""
    return f"/{kind.collection}/{quote(enrollment, safe='')}"


def put(
    line: EnrollmentClient, kind: EnrollmentKind, body: Mapping[str, Any], *, if_match: str | None = None
) -> dict[str, Any]:
    """Create or change an enrollment, which must be accepted."""
    reply = line.call("PUT", path(kind, body[kind.id_name]), body, {"If-Match": if_match} if if_match else {})
    assert reply.status == 200, reply.content
    return reply.json


def get(line: EnrollmentClient, kind: EnrollmentKind, enrollment: str) -> dict[str, Any]:
    """Return an enrollment that must exist."""
    reply = line.call("GET", path(kind, enrollment))
    assert reply.status == 200, reply.content
    return reply.json


def mechanism(line: EnrollmentClient, kind: EnrollmentKind, enrollment: str) -> Mapping[str, Any]:
    """The attestation of an enrollment, with its keys."""
    reply = line.call("POST", path(kind, enrollment) + "/attestationmechanism")
    assert reply.status == 200, reply.content
    return reply.json


def without(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return a document without some of its members."""
    return {name: value for name, value in document.items() if name not in names}
