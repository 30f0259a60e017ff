"""Access tokens. Each has one audience, is valid for an hour, and is signed with a key that only this local DPS has."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import uuid4

import jwt

from ...store import TenantIdentity

__all__ = [
    "CLOCK_LEEWAY",
    "MANAGEMENT_AUDIENCE",
    "SERVICE_AUDIENCE",
    "TOKEN_LIFETIME",
    "check_token",
    "issue_token",
    "known_audience",
]

MANAGEMENT_AUDIENCE = "https://management.azure.com"
_OLD_MANAGEMENT = "https://management.core.windows.net"
SERVICE_AUDIENCE = "https://azure-devices-provisioning.net"
TOKEN_LIFETIME = timedelta(hours=1)
CLOCK_LEEWAY = timedelta(minutes=5)  # a clock may be set back, or differ from the client's


def known_audience(wanted: str, host: str) -> str | None:
    """Return the audience that a client means, `MANAGEMENT_AUDIENCE` or `SERVICE_AUDIENCE`, or None if it is neither.

    Args:
        wanted: the audience as sent. Clients add up to two slashes, and old ones use another name for the management plane.
        host: the host of the token endpoint. Clients that derive the audience from it mean the management plane.
    """
    audience = wanted.rstrip("/")
    if audience.lower() in (f"https://{host}".lower(), _OLD_MANAGEMENT):
        return MANAGEMENT_AUDIENCE
    return audience if audience in (MANAGEMENT_AUDIENCE, SERVICE_AUDIENCE) else None


def issue_token(identity: TenantIdentity, audience: str, now: datetime) -> str:
    """Return an access token for one audience, valid for `TOKEN_LIFETIME`."""
    claims = {
        "aud": audience,
        "iss": f"https://sts.windows.net/{identity.tenant_id}/",
        "tid": identity.tenant_id,
        "appid": identity.client_id,
        "iat": now,
        "nbf": now,
        "exp": now + TOKEN_LIFETIME,
        "jti": str(uuid4()),
    }
    return jwt.encode(claims, identity.token_key, algorithm="HS256")


def check_token(authorization: str, identity: TenantIdentity, audience: str, now: datetime) -> bool:
    """Return whether an Authorization header has a valid bearer token from this local DPS for an audience.

    The token may become valid up to `CLOCK_LEEWAY` from now, because the clock may have been set back since it was
    issued. Its expiry has no leeway.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return False
    try:
        claims = _claims(token.strip(), identity.token_key)
    except (jwt.InvalidTokenError, UnicodeError):  # a header may hold bytes that are not text
        return False
    begins = max(claims["nbf"], claims["iat"]) - CLOCK_LEEWAY.total_seconds()
    return bool(claims["aud"] == audience and begins <= now.timestamp() < claims["exp"])


@lru_cache(maxsize=256)  # a client sends the same token with each request, and its signature does not change
def _claims(token: str, key: bytes) -> Mapping[str, Any]:
    """Return the claims of a token whose signature is valid. Its times are not checked here, because the result is cached.

    Raises:
        jwt.InvalidTokenError
    """
    times = {f"verify_{name}": False for name in ("exp", "iat", "nbf")}
    options = {"require": ["exp", "aud", "iat", "nbf"], "verify_aud": False, **times}
    claims: Mapping[str, Any] = jwt.decode(token, key, algorithms=["HS256"], options=options)  # type: ignore[arg-type]
    return claims
