"""The checks before every request to the service plane: the service of the port, the credential, the api-version."""

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
    """The checks before every service request."""

    def __init__(self, store: Store, endpoints: Endpoints) -> None:
        self._store = store
        self._endpoints = endpoints

    def guarded(self, right: str, handler: ServiceHandler) -> Handler:
        """Return a handler with the checks. It gets the service whose plane is on the port of the request.

        Args:
            right: the right that a shared access signature needs.
        """

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
    """Return the body of a request to the service plane."""
    try:
        return request.json_object()
    except ValueError as error:
        raise errors.request_invalid("The request body is invalid.", "The body must be a JSON object.") from error


def check_if_match(wanted: str | None, etag: str, stale_code: int) -> None:
    """Check an If-Match header that is optional: if present, it must be the current ETag or `*`."""
    if wanted not in (None, "*", etag):
        raise errors.stale_etag(stale_code)
