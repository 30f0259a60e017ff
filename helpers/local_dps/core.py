"""The local DPS without its sockets: a call goes in, an answer comes out, and the store holds what changed."""

import sqlite3
from dataclasses import replace
from uuid import uuid4

from helpers.local_dps import errors
from helpers.local_dps.enrollment import ServicePlane
from helpers.local_dps.errors import Plane, Refusal
from helpers.local_dps.identity import IdentityPlane
from helpers.local_dps.management import ManagementPlane
from helpers.local_dps.routing import Answer, Call, Route, find
from helpers.local_dps.store import Store

__all__ = ["BODY_LIMIT", "Core"]

BODY_LIMIT = 256 * 1024  # bytes; a certificate is a few KiB, and the real service takes messages up to 96 KiB


class Core:
    """The planes of one local DPS on one store. One transaction a call: a refused call changes nothing."""

    def __init__(self, store: Store, host: str) -> None:
        """
        Args:
            host: `name:port` under which clients reach it.
        """
        self._store = store
        self._management = ManagementPlane(store, service_host=host, device_host=host)
        self._service = ServicePlane(store, host)
        self._identity = IdentityPlane(store, f"https://{host}")

    def handle(self, call: Call) -> tuple[Answer, Refusal | None]:
        """The answer, and the refusal that it tells of, if it does."""
        plane = _plane(call.path)
        try:
            with self._store.transaction():
                answer = self._answer(plane, call)
            refusal = None
        except Refusal as error:
            refusal = error
        except sqlite3.Error as error:
            refusal = errors.state_not_writable(plane, str(error))
        if refusal is not None:
            answer = _refused(refusal)
        return replace(answer, headers={"x-ms-request-id": str(uuid4()), **answer.headers}), refusal

    def _answer(self, plane: Plane, call: Call) -> Answer:
        routes: tuple[Route, ...]
        match plane:
            case Plane.RESOURCE_MANAGER:
                routes = self._management.routes
                nothing, other_method = errors.resource_not_found(call.path), errors.management_method_not_allowed
            case Plane.SERVICE:
                routes = self._service.routes
                nothing, other_method = errors.service_route_not_found(), errors.service_method_not_allowed
            case _:
                routes = self._identity.routes
                nothing, other_method = errors.identity_route_not_found(), errors.identity_method_not_allowed
        if len(call.body) > BODY_LIMIT:
            raise errors.body_too_large(plane, BODY_LIMIT)
        found = find(routes, call)
        if isinstance(found, set):
            raise other_method(call.method) if found else nothing
        route, parameters = found
        return route.handler(replace(call, parameters=parameters))


def _plane(path: str) -> Plane:
    """Azure has a host for each plane; here they share one, and the first segment of the path tells them apart."""
    first = path.split("/")[1].lower() if path.startswith("/") else ""
    if first in ("subscriptions", "providers"):
        return Plane.RESOURCE_MANAGER
    if first in ("enrollmentgroups", "enrollments", "registrations"):
        return Plane.SERVICE
    return Plane.IDENTITY


def _refused(refusal: Refusal) -> Answer:
    # A header can't hold line ends or letters beyond ASCII, and a name in an explanation is whatever a client sent.
    explanation = "".join(letter if " " <= letter <= "~" else "?" for letter in refusal.explanation)
    headers = {"x-ms-request-id": refusal.request_id, "x-local-dps-explanation": explanation}
    if refusal.status == 401 and refusal.plane is not Plane.IDENTITY:
        headers["WWW-Authenticate"] = "Bearer"
    return Answer(refusal.status, refusal.body(), headers)
