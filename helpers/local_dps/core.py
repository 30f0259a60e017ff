"""The local DPS without a network: a call goes in, an answer comes out, the store holds what changed."""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cryptography import x509

from helpers.local_dps.device import RETRY_AFTER_SECONDS, DevicePlane
from helpers.local_dps.device.allocation import Latencies
from helpers.local_dps.device.assignment import Assignments
from helpers.local_dps.device.webhook import Question, Reply, Webhooks
from helpers.local_dps.endpoints import Endpoints
from helpers.local_dps.errors import (
    Plane,
    Refusal,
    body_too_large,
    crashed,
    device,
    identity,
    resource_manager,
    service,
    state_not_writable,
)
from helpers.local_dps.identity import IdentityPlane
from helpers.local_dps.management import ManagementPlane
from helpers.local_dps.outcome import Outcome, refused
from helpers.local_dps.routing import Answer, Call, Route, find
from helpers.local_dps.service import ServicePlane
from helpers.local_dps.store import Store

__all__ = ["BODY_LIMIT", "Core", "plane_of"]

BODY_LIMIT = 256 * 1024  # bytes; a certificate is a few KiB, and the real service takes messages up to 96 KiB


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
        self.latencies: Latencies = {}
        self.webhooks = Webhooks(self._settle)
        self._assignments = Assignments(store, self.latencies, self.webhooks.ask)
        self.tables: Mapping[Plane, _Table] = {
            Plane.RESOURCE_MANAGER: _Table(
                ManagementPlane(store, endpoints, {name.lower() for name in known_hubs}).routes,
                resource_manager.resource_not_found,
                resource_manager.method_not_allowed,
            ),
            Plane.SERVICE: _Table(
                ServicePlane(store, endpoints).routes, service.route_not_found, service.method_not_allowed
            ),
            Plane.IDENTITY: _Table(
                IdentityPlane(store, client_certificate).routes, identity.route_not_found, identity.method_not_allowed
            ),
            Plane.DEVICE: _Table(
                DevicePlane(store, self._assignments, retry_after).routes,
                device.route_not_found,
                device.method_not_allowed,
            ),
        }

    def handle(self, calls: Sequence[Call]) -> list[Outcome]:
        """Answer calls that came at the same time, in their order.

        They share one transaction, each with a savepoint of its own: a durable commit costs as much for ten as for one.
        Nothing of it is answered before it is durable.
        """
        try:
            with self._store.transaction():
                return [self._attempt(call) for call in calls]
        except sqlite3.Error as error:
            if len(calls) > 1:  # one that can't be kept must not take its neighbours with it
                return [outcome for call in calls for outcome in self.handle([call])]
            return [refused(state_not_writable(call.plane, str(error))) for call in calls]

    def read(self, call: Call) -> Outcome:
        """Answer a call that changes nothing, without a transaction: nobody writes in between."""
        try:
            return self._answered(call)
        except Refusal as refusal:
            return refused(refusal)
        except sqlite3.Error as error:
            return refused(state_not_writable(call.plane, str(error)))

    def change_etag(self, call: Call) -> None:
        """Give what the call's If-Match names another ETag, as if somebody else had been faster."""
        etag = call.if_match()
        if etag is not None:
            # The call itself will tell of a disk that is full, or of an ETag that is no text.
            with suppress(sqlite3.Error, UnicodeError), self._store.transaction():
                self._store.change_etag(etag)

    def _settle(self, question: Question, reply: Reply) -> None:
        """What a webhook has said; if it can't be kept the device that polls has it asked again."""
        with suppress(sqlite3.Error), self._store.transaction():
            self._assignments.settle(question, reply)

    def _attempt(self, call: Call) -> Outcome:
        try:
            with self._store.savepoint():
                return self._answered(call)
        except Refusal as refusal:
            return refused(refusal)

    def _answered(self, call: Call) -> Outcome:
        try:
            return Outcome(self._answer(self.tables[call.plane], call))
        except (Refusal, sqlite3.Error):
            raise
        except Exception as error:
            logging.getLogger(__name__).exception("A call was not answered.")
            raise crashed(call.plane, type(error).__name__) from error

    def _answer(self, table: _Table, call: Call) -> Answer:
        if len(call.body) > BODY_LIMIT:
            raise body_too_large(call.plane, BODY_LIMIT)
        found = find(table.routes, call)
        if isinstance(found, set):
            raise table.no_such_method(call.method) if found else table.no_such_path(call.path)
        route, call.parameters = found
        return route.handler(call)


def plane_of(path: str) -> Plane:
    """Azure has a host for each plane; here three share one, and the first segment of the path tells them apart."""
    first = path.split("/")[1].lower() if path.startswith("/") else ""
    if first in ("subscriptions", "providers", "tenants", "metadata"):
        return Plane.RESOURCE_MANAGER
    if first in ("enrollmentgroups", "enrollments", "registrations"):
        return Plane.SERVICE
    return Plane.IDENTITY
