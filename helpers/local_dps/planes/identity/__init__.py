"""The token endpoints of Entra ID: v2.0 for azure-identity, and v1 for older clients."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from cryptography import x509

from ...errors import identity as errors
from ...request.routing import Request, Response, Route
from ...store import Store
from .assertion import ASSERTION_TYPE, check_assertion
from .tokens import TOKEN_LIFETIME, issue_token, known_audience

__all__ = ["IdentityPlaneRoutes"]

_TOKEN_SECONDS = int(TOKEN_LIFETIME.total_seconds())
_DEFAULT_SCOPE = "/.default"


class IdentityPlaneRoutes:
    """OpenID Connect discovery and the client-credentials grant (RFC 6749 section 4.4) for one application."""

    def __init__(self, store: Store, client_certificate: x509.Certificate) -> None:
        self._identity = store.identity
        self._certificate = client_certificate
        self.routes = (
            Route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", self._discovery),
            Route("POST", "/{tenant}/oauth2/v2.0/token", self._token),
            Route("POST", "/{tenant}/oauth2/token", self._token_v1),
        )

    def _discovery(self, request: Request) -> Response:
        root = self._root(request)
        return Response(
            200,
            {
                "issuer": f"{root}/v2.0",
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "token_endpoint": _token_endpoint(root),
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "jwks_uri": f"{root}/discovery/v2.0/keys",
                "response_types_supported": ["token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "tenant_region_scope": None,
            },
        )

    def _token(self, request: Request) -> Response:
        form = self._authenticated(request, _token_endpoint(self._root(request)))
        scope = form.get("scope", "")
        audience = known_audience(scope.removesuffix(_DEFAULT_SCOPE), request.host)
        if audience is None or not scope.endswith(_DEFAULT_SCOPE):
            raise errors.invalid_scope(scope)
        token = issue_token(self._identity, audience, request.now)
        return _issued(token, {"expires_in": _TOKEN_SECONDS, "ext_expires_in": _TOKEN_SECONDS})

    def _token_v1(self, request: Request) -> Response:
        """Answer at the v1 endpoint, where `resource` names the audience, and numbers are strings."""
        form = self._authenticated(request, f"{self._root(request)}/oauth2/token")
        resource = form.get("resource", "")
        audience = known_audience(resource, request.host)
        if audience is None:
            raise errors.invalid_resource(resource)
        token = issue_token(self._identity, audience, request.now)
        begins = int(request.now.timestamp())
        times = {
            "expires_in": _TOKEN_SECONDS,
            "ext_expires_in": _TOKEN_SECONDS,
            "not_before": begins,
            "expires_on": begins + _TOKEN_SECONDS,
        }
        return _issued(token, {**{name: str(value) for name, value in times.items()}, "resource": resource})

    def _authenticated(self, request: Request, endpoint: str) -> Mapping[str, str]:
        """Return the form that the application sent, after authenticating it by its secret or by a client assertion."""
        try:
            form = {name: values[0] for name, values in parse_qs(request.body.decode(), max_num_fields=50).items()}
        except ValueError as error:
            raise errors.unsupported_grant() from error
        if form.get("grant_type") != "client_credentials":
            raise errors.unsupported_grant()
        if form.get("client_assertion_type") == ASSERTION_TYPE:
            check_assertion(form.get("client_assertion", ""), self._certificate, self._identity.client_id, endpoint)
        else:
            basic = _basic(request.headers.get("authorization", ""))
            self._check_secret(*(basic or (form.get("client_id", ""), form.get("client_secret", ""))))
        return form

    def _check_secret(self, client_id: str, client_secret: str) -> None:
        known_client = hmac.compare_digest(client_id.encode(), self._identity.client_id.encode())
        right_secret = hmac.compare_digest(client_secret.encode(), self._identity.client_secret.encode())
        if not (known_client and right_secret):
            raise errors.invalid_client()

    def _root(self, request: Request) -> str:
        """Return the URL above the tenant's endpoints, with the host that the client used."""
        tenant = request.parameters["tenant"]
        if tenant.lower() != self._identity.tenant_id:
            raise errors.unknown_tenant()
        return f"https://{request.host}/{self._identity.tenant_id}"


def _issued(token: str, told: Mapping[str, Any]) -> Response:
    return Response(200, {"token_type": "Bearer", **told, "access_token": token}, {"Cache-Control": "no-store"})


def _basic(authorization: str) -> tuple[str, str] | None:
    """Return the client's id and secret from an Authorization header (RFC 6749 section 2.3.1), or None."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote_plus(client_id), unquote_plus(secret)


def _token_endpoint(root: str) -> str:
    return f"{root}/oauth2/v2.0/token"
