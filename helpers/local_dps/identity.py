"""The token endpoint that azure-identity needs, in the shape of Entra ID."""

import hmac
from urllib.parse import parse_qs

from helpers.local_dps import errors
from helpers.local_dps.routing import Answer, Call, Route
from helpers.local_dps.store import Store
from helpers.local_dps.tokens import TOKEN_LIFETIME, issue_token

__all__ = ["IdentityPlane"]


class IdentityPlane:
    """OpenID Connect discovery and the client-credentials grant (RFC 6749 section 4.4) for one application."""

    def __init__(self, store: Store, authority: str) -> None:
        self._store = store
        self._authority = authority
        self.routes = (
            Route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", self._discovery),
            Route("POST", "/{tenant}/oauth2/v2.0/token", self._token),
        )

    def _discovery(self, call: Call) -> Answer:
        tenant = self._require_tenant(call)
        root = f"{self._authority}/{tenant}"
        return Answer(
            200,
            {
                "issuer": f"{root}/v2.0",
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "jwks_uri": f"{root}/discovery/v2.0/keys",
                "response_types_supported": ["token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "tenant_region_scope": None,
            },
        )

    def _token(self, call: Call) -> Answer:
        self._require_tenant(call)
        try:
            form = {name: values[0] for name, values in parse_qs(call.body.decode(), max_num_fields=50).items()}
        except ValueError as error:
            raise errors.unsupported_grant() from error
        if form.get("grant_type") != "client_credentials":
            raise errors.unsupported_grant()
        identity = self._store.identity()
        known_client = hmac.compare_digest(form.get("client_id", "").encode(), identity.client_id.encode())
        right_secret = hmac.compare_digest(form.get("client_secret", "").encode(), identity.client_secret.encode())
        if not (known_client and right_secret):
            raise errors.invalid_client()
        lifetime = int(TOKEN_LIFETIME.total_seconds())
        token = issue_token(identity, form.get("scope", ""), call.now)
        answer = {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}
        return Answer(200, answer, {"Cache-Control": "no-store"})

    def _require_tenant(self, call: Call) -> str:
        tenant = call.parameters["tenant"]
        if tenant.lower() != self._store.identity().tenant_id:
            raise errors.unknown_tenant()
        return tenant
