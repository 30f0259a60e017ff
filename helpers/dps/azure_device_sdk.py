"""Register one device through Azure's own device SDK, over MQTT, and follow what it does in its log."""

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
from helpers.dps.device_plane import DevicePlane, Outcome, UnusableCredential

__all__ = ["Event", "register_with_azure_sdk"]

_SECONDS = 10.0  # it needs two; when an answer is lost it would wait for thirty, and can't be told to try again
_SDK_LOG = logging.getLogger("azure.iot.device")
_MQTT_LOG = logging.getLogger("azure.iot.device.common.mqtt_transport")
_MEANINGS = (
    (re.compile(r"connected with result code: 0"), "the connection stands: the handshake has shown its certificate"),
    (re.compile(r"publishing on \S*/iotdps-register/"), "it asks to be registered"),
    (re.compile(r"message received on \S*/res/202/"), "“assigning”: the service is choosing a hub"),
    (re.compile(r"publishing on \S*/iotdps-get-operationstatus/"), "it asks what has become of it"),
    (re.compile(r"message received on \S*/res/200/"), "the outcome is there"),
    (re.compile(r"message received on \S*/res/([345]\d\d)/"), "it is refused"),
)


@dataclass(frozen=True)
class Event:
    """One thing that happened while a device registered.

    Attributes:
        seconds: since the registration began.
        said: the SDK's own words for it, with the MQTT topic.
    """

    seconds: float
    what: str
    said: str = ""


async def register_with_azure_sdk(
    plane: DevicePlane, id_scope: str, device: DeviceCredential
) -> tuple[Outcome | None, list[Event]]:
    """Register a device. This takes two seconds: the SDK always waits that long before its first poll.

    Returns:
        the outcome, or None if DPS rejected the device (the SDK does not say why) or did not answer in time; and what
        happened on the wire until then.

    Raises:
        UnusableCredential: the device's chain or key can't be used.
    """
    # Imported here: it costs a tenth of a second, and nothing else needs it.
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
            async with asyncio.timeout(_SECONDS):
                result = await client.register()
        except (ClientError, TimeoutError):
            return None, events
        except OSError as error:
            raise UnusableCredential(str(error)) from error
        finally:
            del client
            gc.collect()  # a client that was rejected can't be closed: it stays connected until it is collected
    state: Any = result.registration_state
    record = {
        "registrationId": device.registration_id,
        "deviceId": state.device_id,
        "assignedHub": state.assigned_hub,
        "status": result.status,
        "substatus": state.sub_status,
    }
    return Outcome(200, {"status": result.status, "registrationState": record}), events


@contextmanager
def _listening() -> Iterator[list[Event]]:
    """The events that the SDK logs inside, as they come. None of its log is shown: it logs each rejection with a traceback."""
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
