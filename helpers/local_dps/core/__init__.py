"""The local DPS without a network: it answers requests, and stores what they change."""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cryptography import x509

from ..errors import (
    ApiPlane,
    Refusal,
    body_too_large,
    crashed,
    device,
    identity,
    resource_manager,
    service,
    state_not_writable,
)
from ..planes.device import RETRY_AFTER_SECONDS, DevicePlaneRoutes
from ..planes.device.allocation import HubLatencies
from ..planes.device.assignment import Assignments
from ..planes.device.webhook import WebhookQuestion, WebhookReply, Webhooks
from ..planes.identity import IdentityPlaneRoutes
from ..planes.management import management_routes
from ..planes.service import service_routes
from ..request.endpoints import Endpoints
from ..request.outcome import RequestOutcome, outcome_of_refusal
from ..request.routing import Request, Response, Route, find_route
from ..store import Store

__all__ = ["MAX_BODY_BYTES", "Core", "plane_of"]

MAX_BODY_BYTES = 256 * 1024  # bytes; a certificate is a few KiB, and the real service takes messages up to 96 KiB


@dataclass(frozen=True)
class _Table:
    """The routes of a plane, and its refusals for a path or a method that it does not have."""

    routes: tuple[Route, ...]
    no_such_path: Callable[[str], Refusal]
    no_such_method: Callable[[str], Refusal]


class Core:
    """The planes of one local DPS, with one store. A refused request changes nothing."""

    def __init__(
        self,
        store: Store,
        endpoints: Endpoints,
        client_certificate: x509.Certificate,
        latencies: HubLatencies | None = None,
        retry_after: int = RETRY_AFTER_SECONDS,
        known_hubs: Iterable[str] = (),
    ) -> None:
        """
        Args:
            client_certificate: the application's, for client assertions.
            latencies: how far each hub is from the devices. They may change at any time. None if no latency is known.
            retry_after: how many seconds a device is told to wait before it polls.
            known_hubs: host names of the IoT hubs that exist; () if a hub of any name exists.

        The owner closes `webhooks` at the end.
        """
        self._store = store
        self.webhooks = Webhooks(self._settle)
        self._assignments = Assignments(store, latencies or HubLatencies(), self.webhooks.ask)
        self.tables: Mapping[ApiPlane, _Table] = {
            ApiPlane.RESOURCE_MANAGER: _Table(
                management_routes(store, endpoints, {name.lower() for name in known_hubs}),
                resource_manager.resource_not_found,
                resource_manager.method_not_allowed,
            ),
            ApiPlane.SERVICE: _Table(
                service_routes(store, endpoints), service.route_not_found, service.method_not_allowed
            ),
            ApiPlane.IDENTITY: _Table(
                IdentityPlaneRoutes(store, client_certificate).routes,
                identity.route_not_found,
                identity.method_not_allowed,
            ),
            ApiPlane.DEVICE: _Table(
                DevicePlaneRoutes(store, self._assignments, retry_after).routes,
                device.route_not_found,
                device.method_not_allowed,
            ),
        }

    def handle(self, requests: Sequence[Request]) -> list[RequestOutcome]:
        """Return the outcomes of requests that arrived at the same time, in their order.

        They share one transaction, and each has its own savepoint: a durable commit of ten costs as much as one of one.
        None of them is answered before all are durable.
        """
        try:
            with self._store.transaction():
                return [self._attempt(request) for request in requests]
        except sqlite3.Error as error:
            if len(requests) > 1:  # one that can't be stored must not fail the others
                return [outcome for request in requests for outcome in self.handle([request])]
            return [outcome_of_refusal(state_not_writable(request.plane, str(error))) for request in requests]

    def read(self, request: Request) -> RequestOutcome:
        """Return the outcome of a request that changes nothing. It needs no transaction: no other request runs meanwhile."""
        try:
            return self._answered(request)
        except Refusal as refusal:
            return outcome_of_refusal(refusal)
        except sqlite3.Error as error:
            return outcome_of_refusal(state_not_writable(request.plane, str(error)))

    def change_etag(self, request: Request) -> None:
        """Give the resource that If-Match names a new ETag, as if another client had changed it first."""
        etag = request.if_match()
        if etag is not None:
            # The request itself will report a full disk, or an ETag that is not text.
            with suppress(sqlite3.Error, UnicodeError), self._store.transaction():
                self._store.change_etag(etag)

    def _settle(self, question: WebhookQuestion, reply: WebhookReply) -> None:
        """Store a webhook's reply. If that fails, the webhook is called again when the device polls."""
        with suppress(sqlite3.Error), self._store.transaction():
            self._assignments.settle(question, reply)

    def _attempt(self, request: Request) -> RequestOutcome:
        try:
            with self._store.savepoint():
                return self._answered(request)
        except Refusal as refusal:
            return outcome_of_refusal(refusal)

    def _answered(self, request: Request) -> RequestOutcome:
        try:
            return RequestOutcome(self._answer(self.tables[request.plane], request))
        except (Refusal, sqlite3.Error):
            raise
        except Exception as error:
            logging.getLogger(__name__).exception("A request failed.")
            raise crashed(request.plane, type(error).__name__) from error

    def _answer(self, table: _Table, request: Request) -> Response:
        if len(request.body) > MAX_BODY_BYTES:
            raise body_too_large(request.plane, MAX_BODY_BYTES)
        found = find_route(table.routes, request)
        if isinstance(found, set):
            raise table.no_such_method(request.method) if found else table.no_such_path(request.path)
        route, request.parameters = found
        return route.handler(request)


def plane_of(path: str) -> ApiPlane:
    """Return the plane of a path, by its first segment. In Azure each plane has its own host; here three share one."""
    first = path.split("/")[1].lower() if path.startswith("/") else ""
    if first in ("subscriptions", "providers", "tenants", "metadata"):
        return ApiPlane.RESOURCE_MANAGER
    if first in ("enrollmentgroups", "enrollments", "registrations"):
        return ApiPlane.SERVICE
    return ApiPlane.IDENTITY
