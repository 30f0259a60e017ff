"""Registration records: the result of each device's registration."""

from collections.abc import Mapping
from typing import Any

from ...errors import service as errors
from ...request.routing import Request, Response, Route
from ...store import RegistrationRow, ServiceRow, Store
from .enrollment_kinds import GROUPS
from .paging import paged
from .service_door import ServiceDoor, check_if_match

__all__ = ["RegistrationRoutes", "describe_registration"]

_STALE_ETAG_CODE = 412203
_INTERNAL_MEMBERS = ("operationId", "place", "thumbprint", "question")


class RegistrationRoutes:
    """The routes of registration records, which the device plane creates."""

    def __init__(self, store: Store, door: ServiceDoor) -> None:
        self._store = store
        one = "/registrations/{id}"
        self.routes = (
            Route("GET", one, door.guarded("RegistrationStatusRead", self._get)),
            Route("DELETE", one, door.guarded("RegistrationStatusWrite", self._delete)),
            Route("POST", one + "/query", door.guarded("RegistrationStatusRead", self._query)),
        )

    def _get(self, request: Request, service: ServiceRow) -> Response:
        return Response(200, describe_registration(self._require(service, request)))

    def _delete(self, request: Request, service: ServiceRow) -> Response:
        row = self._require(service, request)
        check_if_match(request.if_match(), row.etag, _STALE_ETAG_CODE)
        self._store.registrations.delete(row)
        return Response(204)

    def _query(self, request: Request, service: ServiceRow) -> Response:
        """Return the records of a group, whose id is in the place of a registration id."""
        group = request.parameters["id"]
        if self._store.enrollments.get(service.id, GROUPS.collection, group) is None:
            raise errors.enrollment_not_found(GROUPS.noun, GROUPS.not_found, group)

        def read(after: int, size: int) -> tuple[list[RegistrationRow], int | None]:
            return self._store.registrations.page(service.id, group, after, size)

        return paged(request, "DeviceRegistration", read, describe_registration)

    def _require(self, service: ServiceRow, request: Request) -> RegistrationRow:
        row = self._store.registrations.get(service.id, request.parameters["id"])
        if row is None:
            raise errors.registration_not_found(request.parameters["id"])
        return row


def describe_registration(row: RegistrationRow) -> Mapping[str, Any]:
    """Return a record as the service plane and the device plane write it."""
    shown = {name: value for name, value in row.document.items() if name not in _INTERNAL_MEMBERS}
    return {
        "registrationId": row.id,
        "createdDateTimeUtc": row.created,
        **shown,
        "lastUpdatedDateTimeUtc": row.updated,
        "etag": row.etag,
    }
