"""The device plane: register, poll, and look up a registration. HTTPS and MQTT use the same three routes."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from ...errors import device as errors
from ...request.routing import Request, Response, Route
from ...store import EnrollmentRow, RegistrationRow, ServiceRow, Store, new_etag, timestamp
from ..service.enrollment_kinds import GROUPS, is_id
from ..service.registration_routes import describe_registration
from .admission import Admission
from .assignment import Assignments

__all__ = ["RETRY_AFTER_SECONDS", "DevicePlaneRoutes"]

DEVICE_API_VERSIONS = (
    "2017-08-31-preview",
    "2018-09-01-preview",
    "2018-11-01",
    "2019-03-31",
    "2021-06-01",
    "2021-10-01",
    "2025-07-01-preview",
    "2026-07-01-preview",
    "2026-11-01",
    "2026-11-02-preview",
)
RETRY_AFTER_SECONDS = 3  # how long Azure tells a device to wait before it polls


class DevicePlaneRoutes:
    """The routes of the device plane.

    A registration is decided at once, unless a webhook decides. As in Azure, the device gets the result when it polls.
    """

    def __init__(self, store: Store, assignments: Assignments, retry_after: int) -> None:
        """
        Args:
            retry_after: how many seconds a device is told to wait before it polls.
        """
        self._store = store
        self._retry = {"Retry-After": str(retry_after)}
        self._admission = Admission(store)
        self._assignments = assignments
        one = "/{scope}/registrations/{id}"
        self.routes = (
            Route("PUT", one + "/register", self._register),
            Route("GET", one + "/operations/{operation}", self._poll),
            Route("POST", one, self._look_up),
        )

    def _register(self, request: Request) -> Response:
        service, registration, sent = self._asked(request)
        enrollment = self._admitted(request, service, registration)
        is_group = enrollment.collection == GROUPS.collection
        stamp = timestamp(request.now)
        new = RegistrationRow(service.id, registration, None, {}, new_etag(), stamp, stamp)
        record = replace(
            self._store.registrations.get(service.id, registration) or new,
            enrollment_group=enrollment.id if is_group else None,
            etag=new.etag,
            updated=stamp,
        )
        operation = _new_operation(service, registration)
        outcome = self._assignments.begin(service, enrollment, record, request.chain[0], sent.get("payload"))
        record = replace(record, document={**outcome, "operationId": operation})
        self._store.registrations.put(record)
        self._assignments.ask_about(record)
        place = f"https://{request.host}/{service.id_scope}/registrations/{registration}/operations/{operation}"
        location = {"Location": f"{place}?api-version={request.query['api-version']}"}
        return Response(202, {"operationId": operation, "status": "assigning"}, {**self._retry, **location})

    def _poll(self, request: Request) -> Response:
        service, registration, _ = self._asked(request)
        self._admitted(request, service, registration)
        row = self._store.registrations.get(service.id, registration)
        if row is None or row.document["operationId"] != request.parameters["operation"]:
            raise errors.operation_not_found()
        result = {"operationId": row.document["operationId"], "status": row.document["status"]}
        if row.document["status"] == "assigning":
            self._assignments.ask_about(row)  # the local DPS may have been stopped before the webhook replied
            return Response(202, {**result, "registrationState": _brief(registration, "assigning")}, self._retry)
        return Response(200, {**result, "registrationState": _state(row)}, note=_note(row))

    def _look_up(self, request: Request) -> Response:
        service, registration, _ = self._asked(request)
        self._admitted(request, service, registration)
        row = self._store.registrations.get(service.id, registration)
        if row is None:
            return Response(200, _brief(registration, "unassigned"))
        return Response(200, _state(row))

    def _admitted(self, request: Request, service: ServiceRow, registration: str) -> EnrollmentRow:
        """Return the enrollment that decides about the device, or raise the refusal."""
        signs = request.headers.get("authorization", "").lower().startswith("sharedaccesssignature ")
        if signs and not request.chain:
            raise errors.unauthorized(errors.SYMMETRIC_KEY)
        return self._admission.decide(service, registration, request.chain, request.now)

    def _asked(self, request: Request) -> tuple[ServiceRow, str, Mapping[str, Any]]:
        """Return the service with the ID scope, the registration id, and the body."""
        registration = request.parameters["id"]
        if request.query.get("api-version") not in DEVICE_API_VERSIONS:
            raise errors.request_invalid(f"Add ?api-version= with one of {', '.join(DEVICE_API_VERSIONS)}.")
        service = self._store.services.by_scope(request.parameters["scope"])
        if service is None:
            raise errors.unauthorized(
                "No provisioning service here has that ID scope. Use id_scope from the connection file."
            )
        if not is_id(registration):
            raise errors.invalid_registration_id(registration)
        sent: Mapping[str, Any] = {}
        if request.method != "GET" and request.body.strip():
            try:
                sent = request.json_object()
            except ValueError as error:
                raise errors.request_invalid("The body is not a JSON object.") from error
            named = sent.get("registrationId")
            if named is not None and str(named).lower() != registration.lower():
                raise errors.request_invalid("The registrationId in the body must be the one in the path.")
            if sent.get("csr") is not None:
                raise errors.request_invalid(
                    "This local DPS does not issue certificates to devices yet. Register without a csr."
                )
        return service, registration, sent


def _new_operation(service: ServiceRow, registration: str) -> str:
    """Return an operation id: `5.`, sixteen hex digits that are always the same for a device, and a GUID."""
    device = hashlib.sha256(f"{service.id_scope} {registration.lower()}".encode()).hexdigest()[:16]
    return f"5.{device}.{uuid4()}"


def _brief(registration: str, status: str) -> Mapping[str, Any]:
    return {"registrationId": registration, "status": status}


def _note(row: RegistrationRow) -> str:
    """Say how a registration ended: Azure's device SDK hides it when the device got no hub."""
    if row.document["status"] == "disabled":
        of = "its own" if row.enrollment_group is None else f"that of the group '{row.enrollment_group}'"
        return f"The device is not assigned: its enrollment, {of}, is disabled."
    state = describe_registration(row)
    if row.document["status"] == "failed":
        return f"The device is not assigned: {state['errorCode']} {state['errorMessage']}"
    return f"The device is assigned to {state['assignedHub']}."


def _state(row: RegistrationRow) -> Mapping[str, Any]:
    """Return a record as a device sees it, with an empty `x509`."""
    return {"x509": {}, **describe_registration(row)}
