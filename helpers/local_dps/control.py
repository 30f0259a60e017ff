"""The control of a running local DPS: a port and a token of its own, apart from everything that Azure has."""

import hmac
from collections.abc import Mapping
from typing import Any

from helpers.local_dps.core import BODY_LIMIT
from helpers.local_dps.errors import Plane, Refusal, body_too_large
from helpers.local_dps.faults import NAMES, Fault, Faults, Unreliable, named
from helpers.local_dps.outcome import Outcome, refused
from helpers.local_dps.routing import Answer, Call, Route, find

__all__ = ["Control"]


class Control:
    """GET /faults tells, PUT /faults sets (from now on, with new streams and counts), DELETE /faults switches off."""

    def __init__(self, token: str, unreliable: Unreliable) -> None:
        self._token = token
        self._unreliable = unreliable
        self.routes = (
            Route("GET", "/faults", self._get),
            Route("PUT", "/faults", self._put),
            Route("DELETE", "/faults", self._delete),
        )

    async def handle(self, call: Call) -> Outcome:
        """The answer to one call."""
        try:
            return Outcome(self._answer(call))
        except Refusal as refusal:
            return refused(refusal)

    def _answer(self, call: Call) -> Answer:
        scheme, _, sent = call.headers.get("authorization", "").partition(" ")
        known = hmac.compare_digest(sent.strip().encode(errors="replace"), self._token.encode())
        if scheme.lower() != "bearer" or not known:
            raise _refusal(401, "Unauthorized", "Send control_token of the connection file as a bearer token.")
        if len(call.body) > BODY_LIMIT:
            raise body_too_large(Plane.CONTROL, BODY_LIMIT)
        found = find(self.routes, call)
        if isinstance(found, set):
            raise _refusal(405 if found else 404, "NotFound", "There is /faults, with GET, PUT and DELETE.")
        return found[0].handler(call)

    def _get(self, _call: Call) -> Answer:
        return Answer(200, self._describe())

    def _put(self, call: Call) -> Answer:
        try:
            sent = call.json_object()
            rates = sent.get("rates", {})
            if not set(sent) <= {"rates", "seed"} or not isinstance(rates, dict):
                raise ValueError("The body has rates (an object) and seed, and nothing else.")
            wanted = {named(name): _number(rate) for name, rate in rates.items()}
            self._unreliable.faults = Faults(wanted, _seed(sent.get("seed", 0)))
        except ValueError as error:
            raise _refusal(400, "BadRequest", f"{error} Faults: {NAMES}.") from error
        return Answer(200, self._describe())

    def _delete(self, _call: Call) -> Answer:
        self._unreliable.faults = Faults()
        return Answer(204)

    def _describe(self) -> Mapping[str, Any]:
        faults = self._unreliable.faults
        return {
            "seed": faults.seed,
            "rates": {fault.value: faults.rates.get(fault, 0) for fault in Fault},
            "counts": {fault.value: faults.counts[fault] for fault in Fault},
        }


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("A rate is a number from 0 to 1.")
    return float(value)


def _seed(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("The seed is a whole number.")
    return value


def _refusal(status: int, code: str, message: str) -> Refusal:
    return Refusal(Plane.CONTROL, status, code, message, "Nothing was changed.")
