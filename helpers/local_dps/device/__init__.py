"""The device plane: register, poll, look up. HTTPS and MQTT ask the same three questions."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from helpers.local_dps.device.admission import Admission
from helpers.local_dps.device.assignment import assign, choose_hub
from helpers.local_dps.errors import device as errors
from helpers.local_dps.routing import Answer, Call, Route
from helpers.local_dps.service.kinds import GROUPS, IS_ID
from helpers.local_dps.service.registrations import describe_registration
from helpers.local_dps.store import EnrollmentRow, RegistrationRow, ServiceRow, Store, new_etag, timestamp

__all__ = ["DevicePlane"]

API_VERSIONS = ("2017-08-31-preview", "2018-09-01-preview", "2018-11-01", "2019-03-31", "2021-06-01", "2021-10-01")
_RETRY_SECONDS = 3


class DevicePlane:
    """A registration is decided when it is asked for; the device learns the outcome when it polls, as from Azure."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._admission = Admission(store)
        one = "/{scope}/registrations/{id}"
        self.routes = (
            Route("PUT", one + "/register", self._register),
            Route("GET", one + "/operations/{operation}", self._poll),
            Route("POST", one, self._look_up),
        )

    def _register(self, call: Call) -> Answer:
        service, registration = self._asked(call)
        enrollment = self._admission.decide(service, registration, call.chain, call.now)
        present = self._store.registrations.get(service.id, registration)
        operation = _new_operation(service, registration)
        document = {**_outcome(service, enrollment, registration, present), "operationId": operation}
        stamp = timestamp(call.now)
        is_group = enrollment.collection == GROUPS.collection
        self._store.registrations.put(
            RegistrationRow(
                service=service.id,
                id=present.id if present else registration,
                enrollment_group=enrollment.id if is_group else None,
                document=document,
                etag=new_etag(),
                created=present.created if present else stamp,
                updated=stamp,
            )
        )
        return Answer(202, {"operationId": operation, "status": "assigning"}, {"Retry-After": str(_RETRY_SECONDS)})

    def _poll(self, call: Call) -> Answer:
        service, registration = self._asked(call)
        self._admission.decide(service, registration, call.chain, call.now)
        row = self._store.registrations.get(service.id, registration)
        if row is None or row.document["operationId"] != call.parameters["operation"]:
            raise errors.operation_not_found()
        return Answer(200, {"operationId": row.document["operationId"], **_result(row)})

    def _look_up(self, call: Call) -> Answer:
        service, registration = self._asked(call)
        self._admission.decide(service, registration, call.chain, call.now)
        row = self._store.registrations.get(service.id, registration)
        if row is None:
            return Answer(200, {"registrationId": registration, "status": "unassigned"})
        return Answer(200, _state(row))

    def _asked(self, call: Call) -> tuple[ServiceRow, str]:
        """Whom and about whom: the service by its scope, and the registration id, the same in path and body."""
        registration = call.parameters["id"]
        if call.query.get("api-version") not in API_VERSIONS:
            raise errors.request_invalid(f"Add ?api-version= with one of {', '.join(API_VERSIONS)}.")
        service = self._store.services.by_scope(call.parameters["scope"])
        if service is None:
            raise errors.unauthorized("There is no provisioning service of that ID scope here.")
        if not IS_ID(registration):
            raise errors.invalid_registration_id(registration)
        if call.method != "GET" and call.body.strip():
            try:
                named = call.json_object().get("registrationId")
            except ValueError as error:
                raise errors.request_invalid("The body is not a JSON object.") from error
            if named is not None and str(named).lower() != registration.lower():
                raise errors.request_invalid("The registrationId of the body is not the one asked about.")
        return service, registration


def _outcome(
    service: ServiceRow, enrollment: EnrollmentRow, registration: str, present: RegistrationRow | None
) -> Mapping[str, Any]:
    """What a registration comes to: assigned, failed, or disabled."""
    if enrollment.document.get("provisioningStatus") == "disabled":
        return {"status": "disabled"}
    hub = choose_hub(service, enrollment, registration)
    if hub is None:
        return {"status": "failed", "errorCode": 400208, "errorMessage": "No IoT hub is linked to the service."}
    assignment = assign(hub, enrollment, present)
    device = enrollment.document.get("deviceId") or registration
    return {**assignment, "deviceId": device, "status": "assigned"}


def _new_operation(service: ServiceRow, registration: str) -> str:
    """`5.`, sixteen hex digits that stay the same for a device, and a GUID."""
    device = hashlib.sha256(f"{service.id_scope} {registration.lower()}".encode()).hexdigest()[:16]
    return f"5.{device}.{uuid4()}"


def _result(row: RegistrationRow) -> Mapping[str, Any]:
    return {"status": row.document["status"], "registrationState": _state(row)}


def _state(row: RegistrationRow) -> Mapping[str, Any]:
    """A record as a device sees it: `x509` is there and empty."""
    return {"x509": {}, **describe_registration(row)}
