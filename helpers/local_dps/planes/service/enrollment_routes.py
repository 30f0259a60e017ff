"""Enrollment groups and individual enrollments: create, read, change, delete, query, and bulk changes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ...errors import Refusal
from ...errors import service as errors
from ...request.routing import Request, Response, Route, unquoted_etag
from ...store import EnrollmentRow, ServiceRow, Store, new_etag, timestamp
from .attestation import describe_attestation, read_attestation
from .document import read_settings
from .enrollment_kinds import GROUPS, EnrollmentKind, is_id
from .paging import paged
from .registration_routes import describe_registration
from .service_door import ServiceDoor, check_if_match, service_body

__all__ = ["EnrollmentRoutes", "describe_enrollment"]

_MAX_GROUPS_PER_ATTESTATION = 100  # of each attestation type
_MAX_BULK_ITEMS = 10
_SELECT_ALL = re.compile(r"\bSELECT\s+\*", re.IGNORECASE | re.ASCII)
_WHERE = re.compile(r"\bWHERE\b", re.IGNORECASE | re.ASCII)


class EnrollmentRoutes:
    """The routes of one kind of enrollment."""

    def __init__(self, kind: EnrollmentKind, store: Store, door: ServiceDoor) -> None:
        self._kind = kind
        self._store = store
        all_, one = f"/{kind.collection}", f"/{kind.collection}/{{id}}"
        self._bulk_modes: Mapping[str, Callable[[_Change], object]] = {
            "create": self._create_item,
            "update": self._write,  # as a PUT: without an ETag, an existing enrollment is not changed, as in Azure
            "updateIfMatchETag": self._update_item,
            "delete": self._delete_item,
        }
        self.routes = (
            Route("POST", all_ + "/query", door.guarded("EnrollmentRead", self._query)),
            Route("POST", all_, door.guarded("EnrollmentWrite", self._bulk)),
            Route("POST", all_ + "/", door.guarded("EnrollmentWrite", self._bulk)),  # the path in Node's client
            Route("GET", one, door.guarded("EnrollmentRead", self._get)),
            Route("PUT", one, door.guarded("EnrollmentWrite", self._put)),
            Route("DELETE", one, door.guarded("EnrollmentWrite", self._delete)),
            Route("POST", one + "/attestationmechanism", door.guarded("EnrollmentWrite", self._attestation_mechanism)),
        )

    def _get(self, request: Request, service: ServiceRow) -> Response:
        row = self._require(service, request.parameters["id"])
        response = describe_enrollment(row, self._kind, with_keys=False)
        if self._kind is not GROUPS:
            record = self._store.registrations.get(service.id, row.id)
            unassigned = {"registrationId": row.id, "status": "unassigned"}
            response["registrationState"] = describe_registration(record) if record else unassigned
        return Response(200, response)

    def _put(self, request: Request, service: ServiceRow) -> Response:
        change = _Change(service, request.parameters["id"], service_body(request), request.if_match(), request.now)
        return Response(200, describe_enrollment(self._write(change), self._kind, with_keys=True))

    def _delete(self, request: Request, service: ServiceRow) -> Response:
        self._remove(service, request.parameters["id"], request.if_match())
        return Response(204)

    def _attestation_mechanism(self, request: Request, service: ServiceRow) -> Response:
        row = self._require(service, request.parameters["id"])
        return Response(200, describe_attestation(row.document["attestation"], with_keys=True))

    def _query(self, request: Request, service: ServiceRow) -> Response:
        query = service_body(request).get("query")
        if not isinstance(query, str) or not _asks_for_all(query):
            raise errors.request_invalid("The query is not supported.", 'Use "SELECT *", without a condition.')

        def read(after: int, size: int) -> tuple[list[EnrollmentRow], int | None]:
            return self._store.enrollments.page(service.id, self._kind.collection, after, size)

        return paged(
            request, self._kind.item_type, read, lambda row: describe_enrollment(row, self._kind, with_keys=False)
        )

    # --- bulk ---

    def _bulk(self, request: Request, service: ServiceRow) -> Response:
        """Make up to ten changes. Each succeeds or fails independently, and the answer lists those that failed."""
        sent = service_body(request)
        mode, items = sent.get("mode"), sent.get(self._kind.collection)
        if not isinstance(mode, str) or mode not in self._bulk_modes:
            raise errors.request_invalid(
                "The bulk mode is invalid.", f"It must be one of {', '.join(self._bulk_modes)}."
            )
        if not isinstance(items, list) or not 1 <= len(items) <= _MAX_BULK_ITEMS:
            raise errors.request_invalid(
                f"{self._kind.collection} is invalid.", f"It must be a list of 1 to {_MAX_BULK_ITEMS} enrollments."
            )
        failures = [failed for item in items if (failed := self._attempt(mode, item, service, request.now))]
        return Response(200, {"isSuccessful": not failures, "errors": failures})

    def _attempt(self, mode: str, item: Any, service: ServiceRow, now: datetime) -> Mapping[str, Any] | None:
        sent = item if isinstance(item, dict) else {}
        enrollment, etag = sent.get(self._kind.id_name), sent.get("etag")
        try:
            if not isinstance(enrollment, str) or not isinstance(etag, str | None):
                raise errors.request_invalid("The enrollment is invalid.", "It must have an id, and may have an etag.")
            self._bulk_modes[mode](_Change(service, enrollment, sent, unquoted_etag(etag) if etag else None, now))
        except Refusal as refusal:
            named = enrollment if isinstance(enrollment, str) else None
            return {self._kind.id_name: named, "errorCode": refusal.code, "errorStatus": refusal.message}
        return None

    def _create_item(self, change: "_Change") -> None:
        self._write(replace(change, if_match=None))  # without an ETag, it only creates

    def _update_item(self, change: "_Change") -> None:
        if change.if_match is None:
            raise errors.stale_etag(self._kind.stale)
        self._require(change.service, change.id)
        self._write(change)

    def _delete_item(self, change: "_Change") -> None:
        self._remove(change.service, change.id, change.if_match)

    # --- inside ---

    def _find(self, service: ServiceRow, enrollment: str) -> EnrollmentRow | None:
        return self._store.enrollments.get(service.id, self._kind.collection, enrollment)

    def _require(self, service: ServiceRow, enrollment: str) -> EnrollmentRow:
        row = self._find(service, enrollment)
        if row is None:
            raise errors.enrollment_not_found(self._kind.noun, self._kind.not_found, enrollment)
        return row

    def _remove(self, service: ServiceRow, enrollment: str, if_match: str | None) -> None:
        row = self._require(service, enrollment)
        check_if_match(if_match, row.etag, self._kind.stale)
        self._store.enrollments.delete(row)

    def _write(self, change: "_Change") -> EnrollmentRow:
        """Create an enrollment without an ETag, or change the one with that ETag. `*` does either."""
        present = self._find(change.service, change.id)
        if present is None and change.if_match not in (None, "*"):
            raise errors.enrollment_not_found(self._kind.noun, self._kind.not_found, change.id)
        if present is not None:
            if change.if_match is None:
                raise errors.enrollment_exists(self._kind.noun, self._kind.exists)
            check_if_match(change.if_match, present.etag, self._kind.stale)
        document = self._document(change, present)
        self._check_limit(change.service, present, document)
        stamp = timestamp(change.now)
        row = EnrollmentRow(
            service_id=change.service.id,
            collection=self._kind.collection,
            id=present.id if present else change.id,
            document=document,
            etag=new_etag(),
            created=present.created if present else stamp,
            updated=stamp,
        )
        self._store.enrollments.put(row)
        return row

    def _document(self, change: "_Change", present: EnrollmentRow | None) -> Mapping[str, Any]:
        if not is_id(change.id):
            raise errors.request_invalid(
                f"The {self._kind.id_name} is invalid.",
                "An id has up to 128 letters, digits and - . _ : and ends in a letter, a digit or a hyphen.",
            )
        named = change.sent.get(self._kind.id_name)
        if not isinstance(named, str) or named.lower() != change.id.lower():
            raise errors.request_invalid(
                f"The {self._kind.id_name} does not match the id in the path.",
                "Send the same id in the path and the body.",
            )
        settings = read_settings(change.sent, self._kind, change.service.iot_hubs)

        def is_uploaded(name: str) -> bool:
            return self._store.certificates.get(change.service.id, name) is not None

        before = present.document["attestation"] if present else {}
        attestation = read_attestation(change.sent.get("attestation"), self._kind, before, is_uploaded)
        return {"attestation": attestation, **settings}

    def _check_limit(self, service: ServiceRow, present: EnrollmentRow | None, document: Mapping[str, Any]) -> None:
        attestation = document["attestation"]["type"]
        if self._kind is not GROUPS or (present and present.document["attestation"]["type"] == attestation):
            return
        if self._store.enrollments.count(service.id, self._kind.collection, attestation) >= _MAX_GROUPS_PER_ATTESTATION:
            raise errors.too_many_groups(_MAX_GROUPS_PER_ATTESTATION, attestation)


def _asks_for_all(query: str) -> bool:
    """Return whether a query asks for everything.

    The real service accepts any text around it, such as the JSON that the Azure CLI's extension sends.
    """
    return query.strip() == "*" or bool(_SELECT_ALL.search(query) and not _WHERE.search(query))


def describe_enrollment(row: EnrollmentRow, kind: EnrollmentKind, *, with_keys: bool) -> dict[str, Any]:
    """Return an enrollment as the service plane and a webhook's request write it."""
    return {
        kind.id_name: row.id,
        **row.document,
        "attestation": describe_attestation(row.document["attestation"], with_keys=with_keys),
        "etag": row.etag,
        "createdDateTimeUtc": row.created,
        "lastUpdatedDateTimeUtc": row.updated,
    }


@dataclass(frozen=True)
class _Change:
    """The change that a PUT or one bulk item requests."""

    service: ServiceRow
    id: str
    sent: Mapping[str, Any]
    if_match: str | None
    now: datetime
