"""The registration of an accepted device: assigned to a hub, failed, disabled, or still being assigned."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from ...store import (
    EnrollmentRow,
    HubDeviceRow,
    RegistrationRow,
    ServiceRow,
    Store,
    new_etag,
    timestamp,
)
from ...x509.description import certificate_info
from ..service.enrollment_kinds import GROUPS, INDIVIDUALS
from ..service.enrollment_routes import describe_enrollment
from .allocation import CUSTOM_POLICY, Allocation, HubLatencies, allocation_of
from .webhook import WebhookQuestion, WebhookReply

__all__ = ["Assignments"]

_NO_HUB, _CUSTOM_FAILED = 400208, 400207


@dataclass(frozen=True)
class _Place:
    """The hub of a device. It is remembered even while the device is disabled.

    Attributes:
        hub: the host name of the hub.
        initial_hub: the host name of the device's first hub.
        substatus: how the device came to its present hub.
        among: the key of the allocation that chose the hub.
        device, thumbprint: the device's id and its certificate's thumbprint in the hub.
    """

    hub: str
    initial_hub: str
    substatus: str
    among: str
    device: str = ""
    thumbprint: str = ""


def _place(record: RegistrationRow) -> _Place | None:
    """Return the place of a device, or None if it was never assigned to a hub."""
    remembered = record.document.get("place")
    return _Place(**remembered) if remembered else None


class Assignments:
    """The assignment of devices to hubs, and the device records in the hubs."""

    def __init__(self, store: Store, latencies: HubLatencies, ask: Callable[[WebhookQuestion], None]) -> None:
        """
        Args:
            latencies: they may change at any time.
            ask: calls the webhook of a custom allocation after this request. `settle` takes its reply.
        """
        self._store = store
        self._latencies = latencies
        self.ask = ask

    def begin(
        self,
        service: ServiceRow,
        enrollment: EnrollmentRow,
        record: RegistrationRow,
        leaf: x509.Certificate,
        payload: Any,
    ) -> Mapping[str, Any]:
        """Return the new document for the record of a device that registers.

        Args:
            record: a new record, or the one from the last registration.
            leaf: the device's certificate.
            payload: the payload that the device sent.
        """
        before = _place(record)
        remembered = {"place": asdict(before)} if before else {}
        if enrollment.document.get("provisioningStatus") == "disabled":
            return {**remembered, "status": "disabled"}
        allocation = allocation_of(service, enrollment)
        if not allocation.hubs:
            return {**remembered, **_failed(_NO_HUB, "No IoT hub is linked to the service.")}
        thumbprint = leaf.fingerprint(hashes.SHA256()).hex().upper()
        if allocation.policy == CUSTOM_POLICY:
            body = _asked(enrollment, allocation, record, leaf, payload)
            url = str(enrollment.document["customAllocationDefinition"].get("webhookUrl"))
            return {
                **remembered,
                "status": "assigning",
                "thumbprint": thumbprint,
                "question": {"url": url, "body": body, "enrollment": enrollment.etag},
            }
        hub = allocation.hub(before.hub) if before and before.among == allocation.key else None
        hub = hub or allocation.choose(record.id, self._latencies)
        return self._assigned(enrollment, record, allocation, hub.name, thumbprint)

    def ask_about(self, record: RegistrationRow) -> None:
        """Call the webhook for a device that has no hub yet, unless a call for it is in progress."""
        question = record.document.get("question")
        if question:
            operation = record.document["operationId"]
            self.ask(WebhookQuestion(record.service_id, record.id, operation, question["url"], question["body"]))

    def settle(self, question: WebhookQuestion, reply: WebhookReply) -> None:
        """Store the result of a webhook's reply, unless the device has registered again or its record is deleted."""
        record = self._store.registrations.get(question.service_id, question.registration)
        if record is None or record.document["operationId"] != question.operation or "question" not in record.document:
            return
        document = dict(record.document)
        asked_for = document.pop("question")["enrollment"]
        outcome = self._settled(record, asked_for, document.pop("thumbprint"), reply)
        now = timestamp(datetime.now(UTC))
        self._store.registrations.put(replace(record, document={**document, **outcome}, etag=new_etag(), updated=now))

    def _settled(
        self, record: RegistrationRow, asked_for: str, thumbprint: str, reply: WebhookReply
    ) -> Mapping[str, Any]:
        """Return the result of a webhook's reply. The enrollment may have changed since the webhook was called.

        Args:
            asked_for: the ETag that the enrollment had then.
        """
        service, enrollment = self._store.services.by_id(record.service_id), self._enrollment(record)
        if enrollment is not None and enrollment.document.get("provisioningStatus") == "disabled":
            return {"status": "disabled"}
        if service is None or enrollment is None or enrollment.etag != asked_for:
            return _failed(_CUSTOM_FAILED, "Custom allocation failed: the enrollment has changed. Register again.")
        if reply.problem:
            return _failed(_CUSTOM_FAILED, f"Custom allocation failed{reply.problem}")
        allocation = allocation_of(service, enrollment)
        hub = allocation.hub(reply.hub)
        if hub is None:
            return _failed(
                _CUSTOM_FAILED, "Custom allocation failed: the webhook's reply names no hub from linkedHubs."
            )
        if reply.initial_twin is not None:
            enrollment = replace(enrollment, document={**enrollment.document, "initialTwin": reply.initial_twin})
        sent_back = {} if reply.payload is None else {"payload": reply.payload}
        return {**sent_back, **self._assigned(enrollment, record, allocation, hub.name, thumbprint)}

    def _enrollment(self, record: RegistrationRow) -> EnrollmentRow | None:
        """Return the enrollment that decides about a device now."""
        enrollments, group = self._store.enrollments, record.enrollment_group
        own = enrollments.get(record.service_id, INDIVIDUALS.collection, record.id)
        return own or (enrollments.get(record.service_id, GROUPS.collection, group) if group is not None else None)

    def _assigned(
        self,
        enrollment: EnrollmentRow,
        record: RegistrationRow,
        allocation: Allocation,
        hub: str,
        thumbprint: str,
    ) -> Mapping[str, Any]:
        device = enrollment.document.get("deviceId") or record.id
        before = _place(record)
        moved = _move(before, hub, allocation, _reprovision_policy(enrollment))
        place = replace(moved, device=device, thumbprint=thumbprint)
        self._enter(enrollment, before, place)
        return {
            "assignedHub": place.hub,
            "substatus": place.substatus,
            "deviceId": device,
            "status": "assigned",
            "place": asdict(place),
        }

    def _enter(self, enrollment: EnrollmentRow, before: _Place | None, place: _Place) -> None:
        """Enter a device in its hub, and delete its record in its previous hub.

        If another service has since entered a device with that id in the previous hub, that record stays.
        """
        devices, document = self._store.hub_devices, enrollment.document
        last = devices.get(before.hub, before.device) if before else None
        if last is not None and before is not None and last.thumbprint == before.thumbprint:
            devices.delete(last)
        else:
            last = None
        moved = before is not None and not _is_same(before.hub, place.hub)
        twin = document.get("initialTwin") or {}
        if last is not None and not (moved and not _reprovision_policy(enrollment)["migrateDeviceData"]):
            twin = last.twin
        capabilities = document.get("capabilities") or {"iotEdge": False}
        devices.put(HubDeviceRow(place.hub, place.device, place.thumbprint, capabilities, twin))


def _is_same(hub: str, other: str) -> bool:
    return hub.lower() == other.lower()


def _reprovision_policy(enrollment: EnrollmentRow) -> Mapping[str, bool]:
    """Return the reprovisioning policy. By default, a device may move and its data moves with it, as since 2018-09."""
    said: Mapping[str, bool] | None = enrollment.document.get("reprovisionPolicy")
    return said or {"updateHubAssignment": True, "migrateDeviceData": True}


def _move(before: _Place | None, hub: str, allocation: Allocation, policy: Mapping[str, bool]) -> _Place:
    """Return the place of a device after it registers, by the reprovisioning policy (concepts-device-reprovision.md)."""
    if before is None:
        return _Place(hub, hub, "initialAssignment", allocation.key)
    if _is_same(before.hub, hub) or not policy["updateHubAssignment"]:
        return replace(before, among=allocation.key)
    if _is_same(hub, before.initial_hub):
        substatus = "reprovisionedToInitialAssignment"
    else:
        substatus = "deviceDataMigrated" if policy["migrateDeviceData"] else "deviceDataReset"
    return _Place(hub, before.initial_hub, substatus, allocation.key)


def _asked(
    enrollment: EnrollmentRow, allocation: Allocation, record: RegistrationRow, leaf: x509.Certificate, payload: Any
) -> Mapping[str, Any]:
    """Return the body of a request to a webhook (how-to-use-custom-allocation-policies.md)."""
    kind = GROUPS if enrollment.collection == GROUPS.collection else INDIVIDUALS
    before, shown = _place(record), certificate_info(leaf.public_bytes(serialization.Encoding.DER))
    return {
        kind.entity: describe_enrollment(enrollment, kind, with_keys=False),
        "deviceRuntimeContext": {
            "registrationId": record.id,
            **({"currentIotHubHostName": before.hub} if before else {}),
            "x509": {"clientCertificates": {"primary": {"info": shown}}},
            **({"payload": payload} if payload is not None else {}),
        },
        "linkedHubs": [hub.name for hub in allocation.hubs],
    }


def _failed(code: int, message: str) -> Mapping[str, Any]:
    return {"status": "failed", "errorCode": code, "errorMessage": message}
