"""What becomes of a device that is let in: assigned to a hub and entered there, failed, disabled, or still being assigned."""

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
    """Where a device is, which outlives its being disabled.

    Attributes:
        hub: its host name; initial_hub: the first that it ever had. substatus: how it came to this one.
        among: the key of the allocation that chose it.
        device, thumbprint: under which the hub knows it.
    """

    hub: str
    initial_hub: str
    substatus: str
    among: str
    device: str = ""
    thumbprint: str = ""


def _place(record: RegistrationRow) -> _Place | None:
    """Where a device is; None if it never was at a hub."""
    kept = record.document.get("place")
    return _Place(**kept) if kept else None


class Assignments:
    """Decides, and keeps the hubs' device records."""

    def __init__(self, store: Store, latencies: HubLatencies, ask: Callable[[WebhookQuestion], None]) -> None:
        """
        Args:
            latencies: as they are at the moment of a decision.
            ask: has a custom allocation's webhook asked, after this call; `settle` gets what it says.
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
        """What the record of a device that registers becomes.

        Args:
            record: new, or from the last time. leaf: the certificate that it showed. payload: what it sent along.
        """
        before = _place(record)
        kept = {"place": asdict(before)} if before else {}
        if enrollment.document.get("provisioningStatus") == "disabled":
            return {**kept, "status": "disabled"}
        allocation = allocation_of(service, enrollment)
        if not allocation.hubs:
            return {**kept, **_failed(_NO_HUB, "No IoT hub is linked to the service.")}
        thumbprint = leaf.fingerprint(hashes.SHA256()).hex().upper()
        if allocation.policy == CUSTOM_POLICY:
            body = _asked(enrollment, allocation, record, leaf, payload)
            url = str(enrollment.document["customAllocationDefinition"].get("webhookUrl"))
            return {
                **kept,
                "status": "assigning",
                "thumbprint": thumbprint,
                "question": {"url": url, "body": body, "enrollment": enrollment.etag},
            }
        hub = allocation.hub(before.hub) if before and before.among == allocation.key else None
        hub = hub or allocation.choose(record.id, self._latencies)
        return self._assigned(enrollment, record, allocation, hub.name, thumbprint)

    def ask_about(self, record: RegistrationRow) -> None:
        """Have the webhook asked where a device goes, if that is not known yet; it is asked once at a time."""
        question = record.document.get("question")
        if question:
            operation = record.document["operationId"]
            self.ask(WebhookQuestion(record.service_id, record.id, operation, question["url"], question["body"]))

    def settle(self, question: WebhookQuestion, reply: WebhookReply) -> None:
        """Write down what a webhook has said, unless the device has registered anew or is gone."""
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
        """Much may have changed since the webhook was asked.

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
            return _failed(_CUSTOM_FAILED, "Custom allocation failed: the webhook named no hub among linkedHubs.")
        if reply.initial_twin is not None:
            enrollment = replace(enrollment, document={**enrollment.document, "initialTwin": reply.initial_twin})
        told = {} if reply.payload is None else {"payload": reply.payload}
        return {**told, **self._assigned(enrollment, record, allocation, hub.name, thumbprint)}

    def _enrollment(self, record: RegistrationRow) -> EnrollmentRow | None:
        """The one that decides about the device now."""
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
        """The device at its hub, known by its certificate; where it was before it is no more.

        Another service may have entered a device of that name there meanwhile; that one stays.
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
    """Without one a device may move and takes its data along, as since api-version 2018-09."""
    said: Mapping[str, bool] | None = enrollment.document.get("reprovisionPolicy")
    return said or {"updateHubAssignment": True, "migrateDeviceData": True}


def _move(before: _Place | None, hub: str, allocation: Allocation, policy: Mapping[str, bool]) -> _Place:
    """Where the device is now, by the reprovisioning policy (concepts-device-reprovision.md)."""
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
    """What a webhook is told (how-to-use-custom-allocation-policies.md)."""
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
