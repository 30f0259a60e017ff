"""Register one device through Azure's own device SDK, over MQTT, and follow the SDK's steps in its log."""

import asyncio
import gc
import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from helpers.certificates import DeviceCredential
from helpers.dps.device_plane import DevicePlane, RegistrationAnswer, UnusableCredential

__all__ = ["Event", "register_with_azure_sdk"]

# The SDK needs two seconds. If an answer is lost, it would wait for thirty, and it has no option to retry earlier.
_MAX_REGISTRATION_SECONDS = 10.0
_SDK_LOG = logging.getLogger("azure.iot.device")
_MQTT_LOG = logging.getLogger("azure.iot.device.common.mqtt_transport")
_MEANINGS = (
    (
        re.compile(r"connected with result code: 0"),
        "the device is connected; it sent its certificate in the TLS handshake",
    ),
    (re.compile(r"publishing on \S*/iotdps-register/"), "the device asks DPS to register it"),
    (re.compile(r"message received on \S*/res/202/"), "“assigning”: DPS is choosing a hub"),
    (re.compile(r"publishing on \S*/iotdps-get-operationstatus/"), "the device asks for the result"),
    (re.compile(r"message received on \S*/res/200/"), "DPS returns the result"),
    (re.compile(r"message received on \S*/res/([345]\d\d)/"), "DPS rejects the registration"),
)


@dataclass(frozen=True)
class Event:
    """An event during a device's registration.

    Attributes:
        seconds: since the registration started.
        what: the event, in a sentence.
        said: the SDK's own log line, with the MQTT topic.
    """

    seconds: float
    what: str
    said: str = ""


async def register_with_azure_sdk(
    plane: DevicePlane, id_scope: str, device: DeviceCredential
) -> tuple[RegistrationAnswer | None, list[Event]]:
    """Register a device. This takes two seconds, because the SDK always waits that long before its first poll.

    Returns:
        DPS's final answer, or None if DPS rejected the device (the SDK does not say why) or did not answer in time; and
        the events until then.

    Raises:
        UnusableCredential: the device's chain or key can't be used.
    """
    # Imported here because it takes a tenth of a second, and no other module needs it.
    from azure.iot.device import X509, ProxyOptions
    from azure.iot.device.aio import ProvisioningDeviceClient
    from azure.iot.device.exceptions import ClientError

    with _listening() as events:
        client = None
        try:
            client = ProvisioningDeviceClient.create_from_x509_certificate(
                provisioning_host=plane.host,
                registration_id=device.registration_id,
                id_scope=id_scope,
                x509=X509(str(device.chain_file), str(device.key_file)),
                server_verification_cert=plane.trust,
                proxy_options=ProxyOptions("HTTP", *plane.proxy) if plane.proxy else None,
            )
            async with asyncio.timeout(_MAX_REGISTRATION_SECONDS):
                result = await client.register()
        except (ClientError, TimeoutError):
            return None, events
        except OSError as error:
            raise UnusableCredential(str(error)) from error
        finally:
            del client
            gc.collect()  # closing a rejected client does not work: it stays connected until it is garbage-collected
    state: Any = result.registration_state
    record = {
        "registrationId": device.registration_id,
        "deviceId": state.device_id,
        "assignedHub": state.assigned_hub,
        "status": result.status,
        "substatus": state.sub_status,
    }
    return RegistrationAnswer(200, {"status": result.status, "registrationState": record}), events


@contextmanager
def _listening() -> Iterator[list[Event]]:
    """Collect the events that the SDK logs inside the `with` block. Its log is not shown: it has a traceback per rejection."""
    events: list[Event] = []
    begun = time.monotonic()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said = record.getMessage()
            events.extend(
                Event(time.monotonic() - begun, what, said) for pattern, what in _MEANINGS if pattern.search(said)
            )

    listener, levels, propagate = Listener(), (_SDK_LOG.level, _MQTT_LOG.level), _MQTT_LOG.propagate
    _SDK_LOG.setLevel(logging.CRITICAL)
    _MQTT_LOG.addHandler(listener)
    _MQTT_LOG.setLevel(logging.INFO)
    _MQTT_LOG.propagate = False
    try:
        yield events
    finally:
        _MQTT_LOG.removeHandler(listener)
        _MQTT_LOG.propagate = propagate
        _SDK_LOG.setLevel(levels[0])
        _MQTT_LOG.setLevel(levels[1])
