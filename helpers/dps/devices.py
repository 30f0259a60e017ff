"""Devices that register themselves, through Azure's own device SDK over MQTT, and what the service then knows of them."""

import asyncio
import gc
import http.client
import json
import logging
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from azure.core.exceptions import ResourceNotFoundError
from azure.iot.device import X509, ProxyOptions
from azure.iot.device.aio import ProvisioningDeviceClient
from azure.iot.device.exceptions import ClientError
from azure.iot.deviceprovisioning import DeviceProvisioningClient

from helpers.certificates import DeviceCredential
from helpers.dps.errors import DpsError, translated
from helpers.dps.persistence import repeat
from helpers.dps.refusals import KnownCas, refusal
from helpers.problem import Problem

__all__ = ["DevicePlane", "DeviceRegistrar", "Devices", "Registration", "require_registered"]

_AT_ONCE = 50
_ATTEMPTS = 8
_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 2.0  # then 0.4, 0.8, …
_SECONDS = 30
_POLL_SECONDS = 1.0
_SDK_SECONDS = 10.0  # it needs two; when an answer is lost it would wait for thirty, and can't be asked to try again


@dataclass(frozen=True)
class DevicePlane:
    """Where devices go.

    Attributes:
        host: the name that its certificate must have. proxy: an HTTP proxy on the way, or None.
        trust: PEM of the CA that signed its certificate; None for the public CAs.
    """

    host: str
    proxy: tuple[str, int] | None = None
    trust: str | None = None


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
            id_scope, known_cas: asked for when they are needed.
        """
        self._plane = plane
        self._id_scope = id_scope
        self._known_cas = known_cas

    def register(self, device: DeviceCredential) -> Registration:
        """Register one device. It takes two seconds: so long does Azure's SDK wait before it asks for the outcome.

        Raises:
            DpsError: the service does not let it in; the error says why.
        """
        (outcome,) = self.register_all([device])
        if isinstance(outcome, DpsError):
            raise outcome
        return outcome

    def register_all(self, devices: Sequence[DeviceCredential]) -> list[Registration | DpsError]:
        """Register many devices at once; for each, in the same order, where it landed or why it did not."""
        scope = self._id_scope()

        async def everybody() -> list[Registration | DpsError | _Refused]:
            turns = asyncio.Semaphore(_AT_ONCE)
            return list(await asyncio.gather(*(self._register(device, scope, turns) for device in devices)))

        # A notebook has an event loop of its own already, so this one runs in another thread.
        with _quiet(), ThreadPoolExecutor(1) as thread:
            outcomes = thread.submit(asyncio.run, everybody()).result()
        gc.collect()  # a client that was refused has no way to be closed: it stays connected until it is collected
        refused = any(isinstance(outcome, _Refused) for outcome in outcomes)
        known = self._try_known_cas() if refused else KnownCas()
        return [
            refusal(device, *outcome, known) if isinstance(outcome, _Refused) else outcome
            for device, outcome in zip(devices, outcomes, strict=True)
        ]

    def _try_known_cas(self) -> KnownCas:
        """Whoever may register devices need not be allowed to read what lets them in; an explanation is shorter then."""
        try:
            return self._known_cas()
        except DpsError:
            return KnownCas()

    async def _register(
        self, device: DeviceCredential, scope: str, turns: asyncio.Semaphore
    ) -> "Registration | DpsError | _Refused":
        async with turns:
            proxy = ProxyOptions("HTTP", *self._plane.proxy) if self._plane.proxy else None
            try:
                client = ProvisioningDeviceClient.create_from_x509_certificate(
                    provisioning_host=self._plane.host,
                    registration_id=device.registration_id,
                    id_scope=scope,
                    x509=X509(str(device.chain_file), str(device.key_file)),
                    server_verification_cert=self._plane.trust,
                    proxy_options=proxy,
                )
                async with asyncio.timeout(_SDK_SECONDS):
                    result = await client.register()
            except (ClientError, TimeoutError):
                return await asyncio.to_thread(self._ask_again, device, scope)
            except OSError as error:
                return DpsError(
                    f"The device “{device.registration_id}” could not register.",
                    f"Its chain and its key could not be used: {error}.",
                    "Issue its certificate again.",
                )
        state: Any = result.registration_state
        return Registration(
            device.registration_id,
            state.device_id or "",
            state.assigned_hub or "",
            result.status,
            state.sub_status or "",
        )

    def _ask_again(self, device: DeviceCredential, scope: str) -> "Registration | DpsError | _Refused":
        """Azure's SDK keeps the reason to itself, so the same is asked over HTTPS: why not, or after all where to."""
        try:
            return _outcome(device, *self._register_over_https(device, scope))
        except _NoAnswer as silence:
            return DpsError(
                f"The device “{device.registration_id}” could not register.",
                f"{silence} It was asked again and again.",
                f"Look whether this machine reaches {self._plane.host}, and try again in a moment.",
                transient=True,
            )

    def _register_over_https(self, device: DeviceCredential, scope: str) -> tuple[int, dict[str, Any]]:
        """The final answer.

        Raises:
            _NoAnswer: there is none in time, and why.
        """
        status, body = self._ask_until_answered(device, "PUT", "/register", scope)
        end = time.monotonic() + _SECONDS
        while status == 202 and time.monotonic() < end:
            status, body = self._ask_until_answered(device, "GET", f"/operations/{body['operationId']}", scope)
            if status == 202:
                time.sleep(_POLL_SECONDS)
        if status == 202:
            raise _NoAnswer("The service is still choosing a hub.")
        return status, body

    def _ask_until_answered(
        self, device: DeviceCredential, method: str, suffix: str, scope: str
    ) -> tuple[int, dict[str, Any]]:
        """Both calls may be repeated: to register again is to be told the same again."""
        silence = ""
        for attempt in range(_ATTEMPTS):
            try:
                status, body = self._ask(device, method, suffix, scope)
            except (OSError, ValueError, http.client.HTTPException) as error:
                silence = f"The service could not be reached, or broke off: {error}."
            else:
                if status not in (408, 429) and status < 500:
                    return status, body
                silence = f"The service answers with {status}."
            time.sleep(min(_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS))
        raise _NoAnswer(silence)

    def _ask(self, device: DeviceCredential, method: str, suffix: str, scope: str) -> tuple[int, dict[str, Any]]:
        context = ssl.create_default_context(cadata=self._plane.trust)
        context.load_cert_chain(device.chain_file, device.key_file)
        place = self._plane.proxy or (self._plane.host, 443)
        connection = http.client.HTTPSConnection(*place, timeout=_SECONDS, context=context)
        if self._plane.proxy:
            connection.set_tunnel(self._plane.host, 443)
        path = f"/{scope}/registrations/{device.registration_id}{suffix}?api-version=2021-06-01"
        with closing(connection):
            body = json.dumps({"registrationId": device.registration_id}) if method == "PUT" else None
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())


class Devices(DeviceRegistrar):
    """Registers devices, and reads the records of those that did."""

    def __init__(
        self,
        plane: DevicePlane,
        id_scope: Callable[[], str],
        known_cas: Callable[[], KnownCas],
        client: DeviceProvisioningClient,
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

        def delete() -> None:
            with translated(f"delete the registration of “{registration_id}”"):
                try:
                    self._records.delete(registration_id)
                except ResourceNotFoundError:
                    return  # it is gone, which is what was wanted

        repeat(delete)


@contextmanager
def _quiet() -> Iterator[None]:
    """Azure's SDK reports each refusal with a traceback in its log."""
    log = logging.getLogger("azure.iot.device")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


class _NoAnswer(Exception):
    """The service falters, and has done so for long."""


class _Refused(NamedTuple):
    """An answer that lets nobody in: its status and its body."""

    status: int
    body: Mapping[str, Any]


def _outcome(device: DeviceCredential, status: int, body: dict[str, Any]) -> Registration | DpsError | _Refused:
    """What an answer of the device plane says: a registration that came to its end, or a refusal."""
    state = body.get("registrationState") or {}
    what = f"The device “{device.registration_id}” is not let in."
    match body.get("status"):
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
    return _Refused(status, body)


def require_registered(outcomes: Sequence[Registration | DpsError]) -> list[Registration]:
    """The registrations, if all devices were let in.

    Raises:
        Problem: some were not; it counts them and gives the first one's reason.
    """
    refused = [outcome for outcome in outcomes if isinstance(outcome, DpsError)]
    if refused:
        raise Problem(
            f"{len(refused)} of {len(outcomes)} devices are not let in.", str(refused[0]), refused[0].next_step
        )
    return [outcome for outcome in outcomes if isinstance(outcome, Registration)]


def _recorded(answer: Any) -> Registration:
    return Registration(
        answer["registrationId"],
        answer.get("deviceId") or "",
        answer.get("assignedHub") or "",
        answer.get("status") or "",
        answer.get("substatus") or "",
    )
