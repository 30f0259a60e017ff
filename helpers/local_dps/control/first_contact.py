"""The paths /health and /ca.pem, for a program that knows only the address, such as another container or a CI job."""

from ..request.routing import Request, Response, Route
from ..version import __version__

__all__ = ["FirstContact"]


class FirstContact:
    """The two requests that need no credential. Their answers are not secret: that the local DPS serves, and which CA to
    trust."""

    def __init__(self, authority_pem: bytes) -> None:
        self._authority_pem = authority_pem
        self.routes = (Route("GET", "/health", self._health), Route("GET", "/ca.pem", self._authority))

    def _health(self, _request: Request) -> Response:
        return Response(200, {"status": "healthy", "version": __version__})

    def _authority(self, _request: Request) -> Response:
        """Send the certificate. The client doesn't trust the sender yet, so this is only as safe as the network path to this
        address."""
        return Response(200, self._authority_pem, {"Content-Type": "application/x-pem-file"})
