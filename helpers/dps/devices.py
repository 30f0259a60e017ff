"""Devices register with a provisioning service, and the service's records of them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from helpers.certificates import DeviceCredential
from helpers.dps.azure_device_sdk import Event, register_with_azure_sdk
from helpers.dps.background import run_in_background
from helpers.dps.device_plane import DevicePlane, NoAnswer, Outcome, UnusableCredential, register_over_https
from helpers.dps.errors import DpsError, translated
from helpers.dps.persistence import repeat
from helpers.dps.refusals import KnownCas, refusal
from helpers.problem import Interrupted, Problem

if TYPE_CHECKING:
    from azure.iot.deviceprovisioning import DeviceProvisioningClient

__all__ = ["DeviceRegistrar", "Devices", "Registration", "require_registered"]

_AT_ONCE = 50
_BAR_DELAY_SECONDS = 1.0  # a progress bar that is gone at once helps no one


@dataclass(frozen=True)
class Registration:
    """Where a device landed. status: assigned, disabled, failed, …"""

    registration_id: str
    device_id: str
    assigned_hub: str
    status: str
    substatus: str


class DeviceRegistrar:
    """Registers devices. It needs no credential but the devices' own."""

    def __init__(self, plane: DevicePlane, id_scope: Callable[[], str], known_cas: Callable[[], KnownCas]) -> None:
        """
        Args:
            id_scope, known_cas: called when they are needed.
        """
        self._plane = plane
        self._id_scope = id_scope
        self._known_cas = known_cas
        self._before_interrupt: dict[DeviceCredential, Registration] = {}  # of a call that can be resumed

    def register(self, device: DeviceCredential) -> Registration:
        """Register one device over HTTPS.

        Raises:
            DpsError: DPS rejects it, and why.
        """
        (outcome,) = self.register_all([device])
        return _accepted(outcome)

    def register_with_azure_sdk(self, device: DeviceCredential) -> tuple[Registration, list[Event]]:
        """Register one device through Azure's device SDK, over MQTT, which takes two seconds.

        Returns:
            where the device landed, and what happened on the wire.

        Raises:
            DpsError: DPS rejects it. The SDK does not say why, so the device asks again over HTTPS.
        """
        try:
            outcome, events = run_in_background(register_with_azure_sdk(self._plane, self._id_scope(), device))
        except UnusableCredential as error:
            raise _unusable(device, error) from error
        if outcome is None:
            return self.register(device), events
        return _accepted(_explained(device, _read(device, outcome), KnownCas())), events

    def register_all(
        self, devices: Sequence[DeviceCredential], *, resume: bool = False
    ) -> list[Registration | DpsError]:
        """Register many devices at once, over HTTPS; a progress bar moves if it takes longer than a second.

        Args:
            resume: leave out the devices that a call with `resume` had registered when it was interrupted.

        Returns:
            for each device, in the same order, where it landed or why it did not.

        Raises:
            Interrupted: the user has interrupted it.
        """
        from tqdm.auto import tqdm

        results: dict[DeviceCredential, _Result] = {
            device: self._before_interrupt[device] for device in devices if resume and device in self._before_interrupt
        }
        missing = [device for device in devices if device not in results]
        with tqdm(
            total=len(devices), initial=len(results), desc="Registrations", unit="device", delay=_BAR_DELAY_SECONDS
        ) as bar:
            try:
                run_in_background(self._register_into(results, missing), tick=lambda: bar.update(len(results) - bar.n))
            except KeyboardInterrupt:
                done = {device: each for device, each in results.items() if isinstance(each, Registration)}
                self._before_interrupt = done if resume else {}
                raise Interrupted(f"{len(done)} of {len(devices)} devices are registered") from None
        self._before_interrupt = {}
        refused = any(isinstance(result, Outcome) for result in results.values())
        known = self._try_known_cas() if refused else KnownCas()
        return [_explained(device, results[device], known) for device in devices]

    async def _register_into(
        self, results: "dict[DeviceCredential, _Result]", devices: Sequence[DeviceCredential]
    ) -> None:
        """Register devices, at most `_AT_ONCE` at a time, and put each one's result into `results` as it comes."""
        id_scope = await asyncio.to_thread(self._id_scope) if devices else ""
        turns = asyncio.Semaphore(_AT_ONCE)

        async def register(device: DeviceCredential) -> None:
            async with turns:
                results[device] = await self._try_to_register(id_scope, device)

        await asyncio.gather(*map(register, devices))

    async def _try_to_register(self, id_scope: str, device: DeviceCredential) -> "_Result":
        try:
            return _read(device, await register_over_https(self._plane, id_scope, device))
        except UnusableCredential as error:
            return _unusable(device, error)
        except NoAnswer as silence:
            return DpsError(
                f"The device “{device.registration_id}” could not register.",
                str(silence),
                f"Check that this machine can reach {self._plane.https_endpoint or self._plane.host}, and try again in a moment.",
                transient=True,
            )

    def _try_known_cas(self) -> KnownCas:
        """Return nothing where the credential may register devices but not read CAs: an explanation is shorter then."""
        try:
            return self._known_cas()
        except DpsError:
            return KnownCas()


class Devices(DeviceRegistrar):
    """Registers devices, and reads the records of those that did."""

    def __init__(
        self,
        plane: DevicePlane,
        id_scope: Callable[[], str],
        known_cas: Callable[[], KnownCas],
        client: "DeviceProvisioningClient",
    ) -> None:
        super().__init__(plane, id_scope, known_cas)
        self._records = client.device_registration_state

    def records(self, enrollment_group_id: str) -> list[Registration]:
        """What the service has recorded of the devices that came through a group."""

        def read() -> list[Registration]:
            with translated(f"read the registrations of “{enrollment_group_id}”"):
                return [_recorded(each) for each in self._records.query(enrollment_group_id)]

        return repeat(read)

    def forget(self, registration_id: str) -> None:
        """Delete a device's record. It may register again; at its hub it stays what it is."""

        from azure.core.exceptions import ResourceNotFoundError

        def delete() -> None:
            with translated(f"delete the registration of “{registration_id}”"):
                try:
                    self._records.delete(registration_id)
                except ResourceNotFoundError:
                    return  # it is gone, which is what was wanted

        repeat(delete)


_Result: TypeAlias = Registration | DpsError | Outcome  # an Outcome is a rejection that is still to be explained


def require_registered(outcomes: Sequence[Registration | DpsError]) -> list[Registration]:
    """Return the registrations, if DPS has accepted every device.

    Raises:
        Problem: it has not; the error counts the rejected devices and gives the first one's reason.
    """
    refused = [outcome for outcome in outcomes if isinstance(outcome, DpsError)]
    if refused:
        raise Problem(
            f"{len(refused)} of {len(outcomes)} devices were not registered.", str(refused[0]), refused[0].next_step
        )
    return [outcome for outcome in outcomes if isinstance(outcome, Registration)]


def _accepted(outcome: Registration | DpsError) -> Registration:
    if isinstance(outcome, DpsError):
        raise outcome
    return outcome


def _read(device: DeviceCredential, outcome: Outcome) -> _Result:
    """What a final answer says: where the device landed, or why it has no hub. A rejection is returned as it is."""
    state = outcome.body.get("registrationState") or {}
    what = f"The device “{device.registration_id}” is not let in."
    match outcome.body.get("status"):
        case "assigned":
            return _recorded({"registrationId": device.registration_id, **state})
        case "disabled":
            return DpsError(what, "Its enrollment is disabled: its own, or its group's.", "Enable the enrollment.")
        case "failed":
            why = str(state.get("errorMessage") or "The service could not assign it to a hub.")
            code = str(state.get("errorCode", ""))
            remedy = (
                "Look at the function that the custom allocation asks." if code == "400207" else "Link a hub to it."
            )
            return DpsError(what, why, remedy, code=code)
    return outcome


def _explained(device: DeviceCredential, result: _Result, known: KnownCas) -> Registration | DpsError:
    return refusal(device, result.status, result.body, known) if isinstance(result, Outcome) else result


def _unusable(device: DeviceCredential, error: UnusableCredential) -> DpsError:
    return DpsError(
        f"The device “{device.registration_id}” could not register.",
        f"Its chain and its key could not be used: {error}.",
        "Issue its certificate again.",
    )


def _recorded(answer: Mapping[str, Any]) -> Registration:
    return Registration(
        answer["registrationId"],
        answer.get("deviceId") or "",
        answer.get("assignedHub") or "",
        answer.get("status") or "",
        answer.get("substatus") or "",
    )
