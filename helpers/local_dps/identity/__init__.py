"""The token endpoint that azure-identity needs, in the shape of Entra ID."""

import hmac
from urllib.parse import parse_qs

from cryptography import x509

from helpers.local_dps.errors import identity as errors
from helpers.local_dps.identity.assertion import ASSERTION_TYPE, check_assertion
from helpers.local_dps.identity.tokens import LIFETIME, issue_token
from helpers.local_dps.routing import Answer, Call, Route
from helpers.local_dps.store import Store

__all__ = ["IdentityPlane"]


class IdentityPlane:
    """OpenID Connect discovery and the client-credentials grant (RFC 6749 section 4.4) for one application."""

    def __init__(self, store: Store, client_certificate: x509.Certificate) -> None:
        self._identity = store.identity
        self._certificate = client_certificate
        self.routes = (
            Route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", self._discovery),
            Route("POST", "/{tenant}/oauth2/v2.0/token", self._token),
        )

    def _discovery(self, call: Call) -> Answer:
        root = self._root(call)
        return Answer(
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

    def _token(self, call: Call) -> Answer:
        root = self._root(call)
        try:
            form = {name: values[0] for name, values in parse_qs(call.body.decode(), max_num_fields=50).items()}
        except ValueError as error:
            raise errors.unsupported_grant() from error
        if form.get("grant_type") != "client_credentials":
            raise errors.unsupported_grant()
        if form.get("client_assertion_type") == ASSERTION_TYPE:
            client_id = self._identity.client_id
            check_assertion(form.get("client_assertion", ""), self._certificate, client_id, _token_endpoint(root))
        else:
            self._check_secret(form.get("client_id", ""), form.get("client_secret", ""))
        lifetime = int(LIFETIME.total_seconds())
        token = issue_token(self._identity, form.get("scope", ""), call.now, call.host)
        answer = {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}
        return Answer(200, answer, {"Cache-Control": "no-store"})

    def _check_secret(self, client_id: str, client_secret: str) -> None:
        known_client = hmac.compare_digest(client_id.encode(), self._identity.client_id.encode())
        right_secret = hmac.compare_digest(client_secret.encode(), self._identity.client_secret.encode())
        if not (known_client and right_secret):
            raise errors.invalid_client()

    def _root(self, call: Call) -> str:
        """Where the tenant's endpoints are, in the words of whoever asks."""
        tenant = call.parameters["tenant"]
        if tenant.lower() != self._identity.tenant_id:
            raise errors.unknown_tenant()
        return f"https://{call.host}/{self._identity.tenant_id}"


def _token_endpoint(root: str) -> str:
    return f"{root}/oauth2/v2.0/token"
