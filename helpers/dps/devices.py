"""Register devices with a provisioning service, and read or delete its records of them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from helpers.certificates import DeviceCredential
from helpers.dps.azure_device_sdk import Event, register_with_azure_sdk
from helpers.dps.background import run_in_background
from helpers.dps.device_plane import DevicePlane, NoAnswer, RegistrationAnswer, UnusableCredential, register_over_https
from helpers.dps.errors import DpsError
from helpers.dps.refusals import KnownCas, refusal
from helpers.dps.retries import retry_read
from helpers.problem import Interrupted, Problem

if TYPE_CHECKING:
    from azure.iot.deviceprovisioning import DeviceProvisioningClient

__all__ = ["DeviceRegistrar", "Devices", "Registration", "require_registered"]

_MAX_CONCURRENT_REGISTRATIONS = 50
_BAR_DELAY_SECONDS = 1.0  # a shorter registration needs no progress bar


@dataclass(frozen=True)
class Registration:
    """The service's record of a device: its hub, its id there, and its status (assigned, disabled, failed, …)."""

    registration_id: str
    device_id: str
    assigned_hub: str
    status: str
    substatus: str


class DeviceRegistrar:
    """Registers devices. It needs no credentials except the devices' own."""

    def __init__(self, plane: DevicePlane, id_scope: Callable[[], str], known_cas: Callable[[], KnownCas]) -> None:
        """
        Args:
            id_scope: called when the ID scope is needed.
            known_cas: called when a rejection is to be explained.
        """
        self._plane = plane
        self._id_scope = id_scope
        self._known_cas = known_cas
        self._before_interrupt: dict[DeviceCredential, Registration] = {}  # by a call with `resume`

    def register(self, device: DeviceCredential) -> Registration:
        """Register one device over HTTPS.

        Raises:
            DpsError: DPS rejects the device (the error says why), or can't be reached.
        """
        (outcome,) = self.register_all([device])
        return _accepted(outcome)

    def register_with_azure_sdk(self, device: DeviceCredential) -> tuple[Registration, list[Event]]:
        """Register one device through Azure's device SDK, over MQTT. This takes two seconds.

        Returns:
            the registration, and the events on the way to it.

        Raises:
            DpsError: DPS rejects the device. The SDK does not say why, so the device registers again over HTTPS, whose
                answer has the reason.
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
        """Register many devices concurrently, over HTTPS. A progress bar appears if it takes longer than a second.

        Args:
            resume: skip the devices that an interrupted call with `resume` has already registered.

        Returns:
            for each device, in the same order, its registration or the error that explains why there is none.

        Raises:
            Interrupted: the user interrupted the call.
        """
        from tqdm.auto import tqdm

        results: dict[DeviceCredential, _Result] = {
            device: self._before_interrupt[device] for device in devices if resume and device in self._before_interrupt
        }
        missing = [device for device in devices if device not in results]
        with tqdm(
            total=len(devices),
            initial=len(results),
            desc="Registrations",
            unit="device",
            delay=_BAR_DELAY_SECONDS,
            leave=False,
        ) as bar:
            try:
                run_in_background(self._register_into(results, missing), tick=lambda: bar.update(len(results) - bar.n))
            except KeyboardInterrupt:
                done = {device: each for device, each in results.items() if isinstance(each, Registration)}
                self._before_interrupt = done if resume else {}
                raise Interrupted(f"{len(done)} of {len(devices)} devices are registered") from None
        self._before_interrupt = {}
        is_any_rejected = any(isinstance(result, RegistrationAnswer) for result in results.values())
        known = self._try_known_cas() if is_any_rejected else KnownCas()
        return [_explained(device, results[device], known) for device in devices]

    async def _register_into(
        self, results: "dict[DeviceCredential, _Result]", devices: Sequence[DeviceCredential]
    ) -> None:
        """Register devices concurrently, and put each result into `results` as soon as it arrives."""
        id_scope = await asyncio.to_thread(self._id_scope) if devices else ""
        turns = asyncio.Semaphore(_MAX_CONCURRENT_REGISTRATIONS)

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
                f"Check that this machine can reach {self._plane.https_endpoint or self._plane.host}; try again in a moment.",
                transient=True,
            )

    def _try_known_cas(self) -> KnownCas:
        """Return no CAs if this credential may not read them: the explanation of a rejection is then shorter."""
        try:
            return self._known_cas()
        except DpsError:
            return KnownCas()


class Devices(DeviceRegistrar):
    """Registers devices, and reads and deletes the service's records of them."""

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
        """Return the service's records of the devices that registered through an enrollment group."""
        return retry_read(
            f"read the registrations of “{enrollment_group_id}”",
            lambda: [_recorded(each) for each in self._records.query(enrollment_group_id)],
        )

    def forget(self, registration_id: str) -> None:
        """Delete a device's record. Its identity at the IoT hub stays, and it may register again."""
        from azure.core.exceptions import ResourceNotFoundError

        def delete() -> None:
            with suppress(ResourceNotFoundError):  # the record may already be deleted
                self._records.delete(registration_id)

        retry_read(f"delete the registration of “{registration_id}”", delete)


_Result: TypeAlias = (
    Registration | DpsError | RegistrationAnswer
)  # a RegistrationAnswer is a rejection without its explanation


def require_registered(outcomes: Sequence[Registration | DpsError]) -> list[Registration]:
    """Return the registrations if every device was registered.

    Raises:
        Problem: some were not; the error says how many, and the first one's reason.
    """
    errors = [outcome for outcome in outcomes if isinstance(outcome, DpsError)]
    if errors:
        raise Problem(
            f"{len(errors)} of {len(outcomes)} devices were not registered.",
            f"{errors[0].what} {errors[0].why}",
            errors[0].next_step,
        )
    return [outcome for outcome in outcomes if isinstance(outcome, Registration)]


def _accepted(outcome: Registration | DpsError) -> Registration:
    if isinstance(outcome, DpsError):
        raise outcome
    return outcome


def _read(device: DeviceCredential, outcome: RegistrationAnswer) -> _Result:
    """Convert a final answer to a registration, or to an error if the device has no hub; return a rejection unchanged."""
    state = outcome.body.get("registrationState") or {}
    what = f"The device “{device.registration_id}” was not assigned to a hub."
    match outcome.body.get("status"):
        case "assigned":
            return _recorded({"registrationId": device.registration_id, **state})
        case "disabled":
            return DpsError(
                what,
                "Its enrollment is disabled. DPS does not say whether that is its individual enrollment or its enrollment group.",
                "Look at the individual enrollment first, because it decides before the group. Enable the one that is disabled.",
            )
        case "failed":
            why = str(state.get("errorMessage") or "The service could not assign it to a hub.")
            code = str(state.get("errorCode", ""))
            remedy = (
                "Check the function that the custom allocation policy calls."
                if code == "400207"
                else "Link an IoT hub to the service."
            )
            return DpsError(what, why, remedy, code=code)
    return outcome


def _explained(device: DeviceCredential, result: _Result, known: KnownCas) -> Registration | DpsError:
    return refusal(device, result.status, result.body, known) if isinstance(result, RegistrationAnswer) else result


def _unusable(device: DeviceCredential, error: UnusableCredential) -> DpsError:
    return DpsError(
        f"The device “{device.registration_id}” could not register.",
        f"Its certificate chain and its private key could not be used: {error}.",
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
