"""The control of a running local DPS: a port and a token of its own, apart from everything that Azure has."""

import hmac
import logging

from helpers.local_dps.control.faults import FaultSettings
from helpers.local_dps.control.hubs import HubRegistry
from helpers.local_dps.core import BODY_LIMIT
from helpers.local_dps.device.allocation import Latencies
from helpers.local_dps.errors import Plane, Refusal, body_too_large, crashed
from helpers.local_dps.errors import control as errors
from helpers.local_dps.faults import Unreliable
from helpers.local_dps.outcome import Outcome, refused
from helpers.local_dps.routing import Answer, Call, find
from helpers.local_dps.store import Store

__all__ = ["Control"]


class Control:
    """What can be asked and changed with the token of the connection file."""

    def __init__(self, token: str, unreliable: Unreliable, store: Store, latencies: Latencies) -> None:
        self._token = token
        self.routes = (*FaultSettings(unreliable).routes, *HubRegistry(store, latencies).routes)

    async def handle(self, call: Call) -> Outcome:
        """The answer to one call."""
        try:
            return Outcome(self._answer(call))
        except Refusal as refusal:
            return refused(refusal)
        except Exception as error:
            logging.getLogger(__name__).exception("A call was not answered.")
            return refused(crashed(Plane.CONTROL, type(error).__name__))

    def _answer(self, call: Call) -> Answer:
        scheme, _, sent = call.headers.get("authorization", "").partition(" ")
        known = hmac.compare_digest(sent.strip().encode(errors="replace"), self._token.encode())
        if scheme.lower() != "bearer" or not known:
            raise errors.unauthorized()
        if len(call.body) > BODY_LIMIT:
            raise body_too_large(Plane.CONTROL, BODY_LIMIT)
        found = find(self.routes, call)
        if isinstance(found, set):
            there = ", ".join(sorted({route.template for route in self.routes}))
            raise errors.method_not_allowed(call.method) if found else errors.not_found(f"There is {there}.")
        route, call.parameters = found
        return route.handler(call)
