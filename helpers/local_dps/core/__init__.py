"""The local DPS without a network: a call goes in, an answer comes out, the store holds what changed."""

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
from ..planes.management import ManagementPlaneRoutes
from ..planes.service import ServicePlaneRoutes
from ..request.endpoints import Endpoints
from ..request.outcome import RequestOutcome, outcome_of_refusal
from ..request.routing import Request, Response, Route, find_route
from ..store import Store

__all__ = ["MAX_BODY_BYTES", "Core", "plane_of"]

MAX_BODY_BYTES = 256 * 1024  # bytes; a certificate is a few KiB, and the real service takes messages up to 96 KiB


@dataclass(frozen=True)
class _Table:
    """What a plane answers, and what it says of a path or a method that it does not have."""

    routes: tuple[Route, ...]
    no_such_path: Callable[[str], Refusal]
    no_such_method: Callable[[str], Refusal]


class Core:
    """The planes of one local DPS on one store: a refused call changes nothing."""

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
            client_certificate: of the application, for tokens by client assertion.
            retry_after: seconds that a device is told to wait before it polls.
            known_hubs: host names of the IoT hubs that exist; () if a hub of any name does.

        `latencies` may be changed at any time; `webhooks` are to be closed at the end.
        """
        self._store = store
        self.webhooks = Webhooks(self._settle)
        self._assignments = Assignments(store, latencies or HubLatencies(), self.webhooks.ask)
        self.tables: Mapping[ApiPlane, _Table] = {
            ApiPlane.RESOURCE_MANAGER: _Table(
                ManagementPlaneRoutes(store, endpoints, {name.lower() for name in known_hubs}).routes,
                resource_manager.resource_not_found,
                resource_manager.method_not_allowed,
            ),
            ApiPlane.SERVICE: _Table(
                ServicePlaneRoutes(store, endpoints).routes, service.route_not_found, service.method_not_allowed
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
        """Answer calls that came at the same time, in their order.

        They share one transaction, each with a savepoint of its own: a durable commit costs as much for ten as for one.
        Nothing of it is answered before it is durable.
        """
        try:
            with self._store.transaction():
                return [self._attempt(request) for request in requests]
        except sqlite3.Error as error:
            if len(requests) > 1:  # one that can't be kept must not take its neighbours with it
                return [outcome for request in requests for outcome in self.handle([request])]
            return [outcome_of_refusal(state_not_writable(request.plane, str(error))) for request in requests]

    def read(self, request: Request) -> RequestOutcome:
        """Answer a call that changes nothing, without a transaction: nobody writes in between."""
        try:
            return self._answered(request)
        except Refusal as refusal:
            return outcome_of_refusal(refusal)
        except sqlite3.Error as error:
            return outcome_of_refusal(state_not_writable(request.plane, str(error)))

    def change_etag(self, request: Request) -> None:
        """Give what the call's If-Match names another ETag, as if somebody else had been faster."""
        etag = request.if_match()
        if etag is not None:
            # The call itself will tell of a disk that is full, or of an ETag that is no text.
            with suppress(sqlite3.Error, UnicodeError), self._store.transaction():
                self._store.change_etag(etag)

    def _settle(self, question: WebhookQuestion, reply: WebhookReply) -> None:
        """What a webhook has said; if it can't be kept the device that polls has it asked again."""
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
            logging.getLogger(__name__).exception("A call was not answered.")
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
    """Azure has a host for each plane; here three share one, and the first segment of the path tells them apart."""
    first = path.split("/")[1].lower() if path.startswith("/") else ""
    if first in ("subscriptions", "providers", "tenants", "metadata"):
        return ApiPlane.RESOURCE_MANAGER
    if first in ("enrollmentgroups", "enrollments", "registrations"):
        return ApiPlane.SERVICE
    return ApiPlane.IDENTITY
