"""The control interface of a running local DPS. It has its own port and token, and no counterpart in Azure."""

import hmac
import logging

from ..core import MAX_BODY_BYTES
from ..core.faults import FaultInjector
from ..errors import ApiPlane, Refusal, body_too_large, crashed
from ..errors import control as errors
from ..planes.device.allocation import HubLatencies
from ..request.outcome import RequestOutcome, outcome_of_refusal
from ..request.routing import Request, Response, find_route
from ..store import Store
from .fault_settings import FaultSettings
from .first_contact import FirstContact
from .hub_registry import HubRegistry

__all__ = ["Control"]


class Control:
    """The requests that the token in the connection file allows, and two that need no credential."""

    def __init__(
        self,
        token: str,
        unreliable: FaultInjector,
        store: Store,
        latencies: HubLatencies,
        authority_pem: bytes,
    ) -> None:
        """
        Args:
            authority_pem: the certificate that clients must trust.
        """
        self._token = token
        self._open_routes = FirstContact(authority_pem).routes
        self.routes = (*self._open_routes, *FaultSettings(unreliable).routes, *HubRegistry(store, latencies).routes)

    async def handle(self, request: Request) -> RequestOutcome:
        """Return the outcome of one request."""
        try:
            return RequestOutcome(self._answer(request))
        except Refusal as refusal:
            return outcome_of_refusal(refusal)
        except Exception as error:
            logging.getLogger(__name__).exception("A request failed.")
            return outcome_of_refusal(crashed(ApiPlane.CONTROL, type(error).__name__))

    def _answer(self, request: Request) -> Response:
        found = find_route(self._open_routes, request)
        if not isinstance(found, set):
            return found[0].handler(request)
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        known = hmac.compare_digest(sent.strip().encode(errors="replace"), self._token.encode())
        if scheme.lower() != "bearer" or not known:
            raise errors.unauthorized()
        if len(request.body) > MAX_BODY_BYTES:
            raise body_too_large(ApiPlane.CONTROL, MAX_BODY_BYTES)
        found = find_route(self.routes, request)
        if isinstance(found, set):
            there = ", ".join(sorted({route.template for route in self.routes}))
            raise (
                errors.method_not_allowed(request.method)
                if found
                else errors.not_found(f"There is nothing at this path. The paths are {there}.")
            )
        route, request.parameters = found
        return route.handler(request)
