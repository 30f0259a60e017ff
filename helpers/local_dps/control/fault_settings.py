"""The path /faults: GET reads the faults, PUT replaces them with new streams and counts, DELETE switches them off."""

from collections.abc import Mapping
from typing import Any

from ..core.faults import FAULT_NAMES, Fault, FaultInjector, Faults, fault_named
from ..errors import control as errors
from ..request.routing import Request, Response, Route

__all__ = ["FaultSettings"]


class FaultSettings:
    """The requests to /faults."""

    def __init__(self, unreliable: FaultInjector) -> None:
        self._unreliable = unreliable
        self.routes = (
            Route("GET", "/faults", self._get),
            Route("PUT", "/faults", self._put),
            Route("DELETE", "/faults", self._delete),
        )

    def _get(self, _request: Request) -> Response:
        return Response(200, self._describe())

    def _put(self, request: Request) -> Response:
        try:
            sent = request.json_object()
            rates = sent.get("rates", {})
            if not set(sent) <= {"rates", "seed"} or not isinstance(rates, dict):
                raise ValueError("The body may have rates (an object) and seed, and nothing else.")
            wanted = {fault_named(name): _number(rate) for name, rate in rates.items()}
            self._unreliable.faults = Faults(wanted, _seed(sent.get("seed", 0)))
        except ValueError as error:
            raise errors.bad_request(f"{error} The faults are {FAULT_NAMES}.") from error
        return Response(200, self._describe())

    def _delete(self, _request: Request) -> Response:
        self._unreliable.faults = Faults()
        return Response(204)

    def _describe(self) -> Mapping[str, Any]:
        faults = self._unreliable.faults
        return {
            "seed": faults.seed,
            "rates": {fault.value: faults.rates.get(fault, 0) for fault in Fault},
            "counts": {fault.value: faults.counts[fault] for fault in Fault},
        }


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("A rate must be a number from 0 to 1.")
    return float(value)


def _seed(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("The seed must be a whole number.")
    return value
