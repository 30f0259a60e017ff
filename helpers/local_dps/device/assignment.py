"""What becomes of a device that is let in: assigned to a hub and entered there, failed, disabled, or still being assigned."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from helpers.local_dps.certificates import certificate_info
from helpers.local_dps.device.allocation import CUSTOM, Allocation, Latencies, allocation_of
from helpers.local_dps.device.webhook import Question, Reply
from helpers.local_dps.service.enrollments import describe_enrollment
from helpers.local_dps.service.kinds import GROUPS, INDIVIDUALS
from helpers.local_dps.store import EnrollmentRow, HubDeviceRow, RegistrationRow, ServiceRow, Store

__all__ = ["Assignments"]

_NO_HUB, _CUSTOM_FAILED = 400208, 400207


@dataclass(frozen=True)
class _Place:
    """Where a device is, which outlives its being disabled.

    Attributes:
        hub: its host name; initial_hub: the first that it ever had. substatus: how it came to this one.
        among: the key of the allocation that chose it.
    """

    hub: str
    initial_hub: str
    substatus: str
    among: str


def _place(record: RegistrationRow) -> _Place | None:
    """Where a device is; None if it never was at a hub."""
    kept = record.document.get("place")
    return _Place(**kept) if kept else None


class Assignments:
    """Decides, and keeps the hubs' device records."""

    def __init__(self, store: Store, latencies: Latencies, ask: Callable[[Question], None]) -> None:
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
        if allocation.policy == CUSTOM:
            body = _asked(enrollment, allocation, record, leaf, payload)
            url = str(enrollment.document["customAllocationDefinition"].get("webhookUrl"))
            return {**kept, "status": "assigning", "thumbprint": thumbprint, "question": {"url": url, "body": body}}
        hub = allocation.hub(before.hub) if before and before.among == allocation.key else None
        hub = hub or allocation.choose(record.id, self._latencies)
        return self._assigned(enrollment, record, allocation, hub.name, thumbprint)

    def ask_about(self, record: RegistrationRow) -> None:
        """Have the webhook asked where a device goes, if that is not known yet; it is asked once at a time."""
        question = record.document.get("question")
        if question:
            operation = record.document["operationId"]
            self.ask(Question(record.service, record.id, operation, question["url"], question["body"]))

    def settle(self, question: Question, reply: Reply) -> None:
        """Write down what a webhook has said, unless the device has registered anew or is gone."""
        record = self._store.registrations.get(question.service, question.registration)
        if record is None or record.document["operationId"] != question.operation:
            return
        service = self._store.services.by_id(question.service)
        enrollment = self._enrollment(record)
        document = {**record.document, "status": "failed"}
        thumbprint = document.pop("thumbprint")
        del document["question"]
        allocation = allocation_of(service, enrollment) if service and enrollment else None
        hub = allocation.hub(reply.hub) if allocation else None
        if enrollment is None or allocation is None:
            outcome = _failed(_CUSTOM_FAILED, "Custom allocation failed: the enrollment is gone.")
        elif reply.problem:
            outcome = _failed(_CUSTOM_FAILED, f"Custom allocation failed {reply.problem}")
        elif hub is None:
            outcome = _failed(_CUSTOM_FAILED, "Custom allocation failed: the webhook named no hub among linkedHubs.")
        else:
            twin = {"initialTwin": reply.initial_twin} if reply.initial_twin is not None else {}
            told = {"payload": reply.payload} if reply.payload is not None else {}
            chosen = replace(enrollment, document={**enrollment.document, **twin})
            outcome = {**told, **self._assigned(chosen, record, allocation, hub.name, thumbprint)}
        self._store.registrations.put(replace(record, document={**document, **outcome}))

    def _enrollment(self, record: RegistrationRow) -> EnrollmentRow | None:
        enrollments, group = self._store.enrollments, record.enrollment_group
        if group is not None:
            return enrollments.get(record.service, GROUPS.collection, group)
        return enrollments.get(record.service, INDIVIDUALS.collection, record.id)

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
        place = _move(before, hub, allocation, _reprovision_policy(enrollment))
        self._enter(enrollment, device, before, place, thumbprint)
        return {
            "assignedHub": place.hub,
            "substatus": place.substatus,
            "deviceId": device,
            "status": "assigned",
            "place": asdict(place),
        }

    def _enter(
        self, enrollment: EnrollmentRow, device: str, before: _Place | None, place: _Place, thumbprint: str
    ) -> None:
        """The device at its hub, known by its certificate; at the hub that it left it is no more."""
        devices, document = self._store.hub_devices, enrollment.document
        moved = before is not None and before.hub != place.hub
        last = devices.get(before.hub if before else place.hub, device)
        if last is not None and moved:
            devices.delete(last)
        twin = document.get("initialTwin") or {}
        if last is not None and not (moved and not _reprovision_policy(enrollment)["migrateDeviceData"]):
            twin = last.twin
        capabilities = document.get("capabilities") or {"iotEdge": False}
        devices.put(HubDeviceRow(place.hub, device, thumbprint, capabilities, twin))


def _reprovision_policy(enrollment: EnrollmentRow) -> Mapping[str, bool]:
    """Without one a device may move and takes its data along, as since api-version 2018-09."""
    said: Mapping[str, bool] | None = enrollment.document.get("reprovisionPolicy")
    return said or {"updateHubAssignment": True, "migrateDeviceData": True}


def _move(before: _Place | None, hub: str, allocation: Allocation, policy: Mapping[str, bool]) -> _Place:
    """Where the device is now, by the reprovisioning policy (concepts-device-reprovision.md)."""
    if before is None:
        return _Place(hub, hub, "initialAssignment", allocation.key)
    if before.hub == hub or not policy["updateHubAssignment"]:
        return replace(before, among=allocation.key)
    if hub == before.initial_hub:
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
