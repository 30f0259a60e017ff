"""The control of a running local DPS: a port and a token of its own, apart from everything that Azure has."""

import hmac
import logging

from ..core import BODY_LIMIT
from ..core.faults import Unreliable
from ..errors import Plane, Refusal, body_too_large, crashed
from ..errors import control as errors
from ..planes.device.allocation import Latencies
from ..request.outcome import Outcome, refusal_outcome
from ..request.routing import Request, Response, find
from ..store import Store
from .faults import FaultSettings
from .hubs import HubRegistry

__all__ = ["Control"]


class Control:
    """What can be asked and changed with the token of the connection file."""

    def __init__(self, token: str, unreliable: Unreliable, store: Store, latencies: Latencies) -> None:
        self._token = token
        self.routes = (*FaultSettings(unreliable).routes, *HubRegistry(store, latencies).routes)

    async def handle(self, request: Request) -> Outcome:
        """The answer to one call."""
        try:
            return Outcome(self._answer(request))
        except Refusal as refusal:
            return refusal_outcome(refusal)
        except Exception as error:
            logging.getLogger(__name__).exception("A call was not answered.")
            return refusal_outcome(crashed(Plane.CONTROL, type(error).__name__))

    def _answer(self, request: Request) -> Response:
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        known = hmac.compare_digest(sent.strip().encode(errors="replace"), self._token.encode())
        if scheme.lower() != "bearer" or not known:
            raise errors.unauthorized()
        if len(request.body) > BODY_LIMIT:
            raise body_too_large(Plane.CONTROL, BODY_LIMIT)
        found = find(self.routes, request)
        if isinstance(found, set):
            there = ", ".join(sorted({route.template for route in self.routes}))
            raise errors.method_not_allowed(request.method) if found else errors.not_found(f"There is {there}.")
        route, request.parameters = found
        return route.handler(request)
