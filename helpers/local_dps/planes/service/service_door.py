"""What comes before every call of the service plane: whose port it is, the credential, the api-version."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ...errors import service as errors
from ...request.endpoints import Endpoints
from ...request.routing import Handler, Request, Response
from ...store import ServiceRow, Store
from .credentials import check_credential

__all__ = ["SERVICE_API_VERSIONS", "ServiceDoor", "ServiceHandler", "check_if_match", "service_body"]

SERVICE_API_VERSIONS = (
    "2017-11-15",
    "2018-04-01",
    "2018-09-01-preview",
    "2018-11-01",
    "2019-03-31",
    "2021-10-01",
    "2025-07-01-preview",
    "2026-11-01",
    "2026-11-02-preview",
)

ServiceHandler: TypeAlias = Callable[[Request, ServiceRow], Response]


class ServiceDoor:
    """Every call needs a shared access signature with the right that it takes, or a bearer token for this plane."""

    def __init__(self, store: Store, endpoints: Endpoints) -> None:
        self._store = store
        self._endpoints = endpoints

    def guarded(self, right: str, handler: ServiceHandler) -> Handler:
        """The handler behind the door. It is given the service whose plane is on the port of the call."""

        def guarded(request: Request) -> Response:
            service_id = self._endpoints.service_id_at(request.port)
            service = self._store.services.by_id(service_id) if service_id is not None else None
            if service is None:
                raise errors.service_not_found_at_port()
            check_credential(request, self._store.identity, service.policies, right)
            if request.query.get("api-version") not in SERVICE_API_VERSIONS:
                raise errors.request_invalid(
                    "The api-version is missing or not supported.",
                    f"Add ?api-version= with one of {', '.join(SERVICE_API_VERSIONS)}.",
                )
            return handler(request, service)

        return guarded


def service_body(request: Request) -> Mapping[str, Any]:
    """The body of a call."""
    try:
        return request.json_object()
    except ValueError as error:
        raise errors.request_invalid("The request body is invalid.", "It is not a JSON object.") from error


def check_if_match(wanted: str | None, etag: str, stale_code: int) -> None:
    """Deleting needs no If-Match; one that is there must name the present ETag, or any."""
    if wanted not in (None, "*", etag):
        raise errors.stale_etag(stale_code)
