"""Faults on purpose. They are off by default, counted, and seeded: the same requests get the same faults again."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from ..errors import broken, throttled
from ..request.outcome import RequestOutcome, outcome_of_refusal
from ..request.routing import Request

__all__ = ["FAULT_NAMES", "Fault", "FaultInjector", "Faults", "fault_named"]

_SLOW_SECONDS = 1.0
_RETRY_AFTER_SECONDS = 1


class Fault(Enum):
    """A fault that a request can get. Each request gets at most one."""

    SLOW = "slow"
    THROTTLE = "throttle"
    INTERNAL_ERROR = "internal-error"
    UNAVAILABLE = "unavailable"
    DROP_REQUEST = "drop-request"
    DROP_ANSWER = "drop-answer"
    CHANGE_ETAG = "change-etag"

    @property
    def meaning(self) -> str:
        """The effect of the fault, in a few words, for the log."""
        return _MEANINGS[self]


_MEANINGS = {
    Fault.SLOW: "the answer comes a second late",
    Fault.THROTTLE: "429 with Retry-After; nothing is done",
    Fault.INTERNAL_ERROR: "500; nothing is done",
    Fault.UNAVAILABLE: "503; nothing is done",
    Fault.DROP_REQUEST: "the connection is dropped; nothing is done",
    Fault.DROP_ANSWER: "the connection is dropped after the work is done",
    Fault.CHANGE_ETAG: "the resource that If-Match names gets a new ETag first",
}


FAULT_NAMES = ", ".join(fault.value for fault in Fault)


def fault_named(name: str) -> Fault:
    """Return the fault with that name.

    Raises:
        ValueError: no fault has that name.
    """
    try:
        return Fault(name)
    except ValueError as error:
        raise ValueError(f"There is no fault '{name}'.") from error


@dataclass
class Faults:
    """How often each fault should happen, and how often it has happened.

    Each fault has its own random stream, so that switching one on does not change when the others happen.

    Args:
        rates: the proportion of requests that get the fault, from 0 to 1.
        seed: the seed of the random streams.
    """

    rates: Mapping[Fault, float] = field(default_factory=dict)
    seed: int = 0
    counts: Counter[Fault] = field(default_factory=Counter, init=False)

    def __post_init__(self) -> None:
        wrong = [fault.value for fault, rate in self.rates.items() if not 0 <= rate <= 1]
        if wrong:
            raise ValueError(f"The rate of {wrong[0]} must be between 0 and 1.")
        self._streams = {fault: random.Random(f"{self.seed} {fault.value}") for fault in Fault}  # noqa: S311 - no secret

    def draw(self, request: Request) -> Fault | None:
        """Return the fault that this request gets, if any, and count it.

        Each request advances the random streams of all faults that it could get.
        """
        if not self.rates:
            return None
        met = [fault for fault in Fault if self._meets(fault, request)]
        if not met:
            return None
        self.counts[met[0]] += 1
        return met[0]

    def _meets(self, fault: Fault, request: Request) -> bool:
        rate = self.rates.get(fault, 0)
        if fault is Fault.CHANGE_ETAG and request.if_match() in (None, "*"):
            return False
        return rate > 0 and self._streams[fault].random() < rate


class FaultInjector:
    """A wrapper around a handler that adds faults. `faults` may be replaced at any time."""

    def __init__(
        self,
        handle: Callable[[Request], Awaitable[RequestOutcome]],
        change_etag: Callable[[Request], None],
        faults: Faults,
    ) -> None:
        """
        Args:
            change_etag: gives the resource that If-Match names a new ETag.
        """
        self._handle = handle
        self._change_etag = change_etag
        self.faults = faults

    async def handle(self, request: Request) -> RequestOutcome:
        """Return the outcome of one request, changed by the fault that it gets."""
        fault = self.faults.draw(request)
        if fault is None:
            return await self._handle(request)
        note, plane = f"{fault.value}: {fault.meaning}", request.plane
        match fault:
            case Fault.THROTTLE:
                return outcome_of_refusal(throttled(plane, _RETRY_AFTER_SECONDS), note)
            case Fault.INTERNAL_ERROR:
                return outcome_of_refusal(broken(plane, 500), note)
            case Fault.UNAVAILABLE:
                return outcome_of_refusal(broken(plane, 503), note)
            case Fault.DROP_REQUEST:
                return RequestOutcome(None, fault=note)
            case Fault.SLOW:
                await asyncio.sleep(_SLOW_SECONDS)
            case Fault.CHANGE_ETAG:
                self._change_etag(request)
        outcome = (await self._handle(request))._replace(fault=note)
        return outcome._replace(response=None) if fault is Fault.DROP_ANSWER else outcome
