"""What Azure's device SDK does on the wire while a device registers, as it says itself in its log."""

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Event", "watched"]

_LOG = logging.getLogger("azure.iot.device.common.mqtt_transport")
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
    """One thing that happened, and how many seconds after the beginning.

    Attributes:
        said: the SDK's own words for it, with the MQTT topic.
    """

    seconds: float
    what: str
    said: str = ""


@contextmanager
def watched() -> Iterator[list[Event]]:
    """The events of the one device that registers inside, as they come."""
    events: list[Event] = []
    begun = time.monotonic()

    class Watcher(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said = record.getMessage()
            events.extend(
                Event(time.monotonic() - begun, what, said) for pattern, what in _MEANINGS if pattern.search(said)
            )

    watcher, level, propagate = Watcher(), _LOG.level, _LOG.propagate
    _LOG.addHandler(watcher)
    _LOG.setLevel(logging.INFO)
    _LOG.propagate = False  # it is for the learner's eyes, not for the kernel's log
    try:
        yield events
    finally:
        _LOG.removeHandler(watcher)
        _LOG.setLevel(level)
        _LOG.propagate = propagate
