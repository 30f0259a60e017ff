"""Access tokens: one audience each, an hour long, signed with a key that nobody else has."""

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
CLOCK_LEEWAY = timedelta(minutes=5)  # a clock may be set back, or differ from a client's


def known_audience(wanted: str, host: str) -> str | None:
    """The audience that a client means, `MANAGEMENT` or `SERVICE`; None if it is neither.

    Args:
        wanted: clients write up to two slashes at its end, and old ones use another name for the management plane.
        host: where the token is asked for. Clients that make the audience from their endpoint mean the management plane.
    """
    audience = wanted.rstrip("/")
    if audience.lower() in (f"https://{host}".lower(), _OLD_MANAGEMENT):
        return MANAGEMENT_AUDIENCE
    return audience if audience in (MANAGEMENT_AUDIENCE, SERVICE_AUDIENCE) else None


def issue_token(identity: TenantIdentity, audience: str, now: datetime) -> str:
    """An access token for one audience, valid for `LIFETIME`."""
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
    """Whether an Authorization header carries a bearer token of ours for that audience that is in time.

    It may begin up to `LEEWAY` from now: the clock may have been set back since it was issued. It ends when it says.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return False
    try:
        claims = _claims(token.strip(), identity.token_key)
    except (jwt.InvalidTokenError, UnicodeError):  # a header may hold bytes that are no text
        return False
    begins = max(claims["nbf"], claims["iat"]) - CLOCK_LEEWAY.total_seconds()
    return bool(claims["aud"] == audience and begins <= now.timestamp() < claims["exp"])


@lru_cache(maxsize=256)  # a client sends one token with each of its requests, and the signature does not change
def _claims(token: str, key: bytes) -> Mapping[str, Any]:
    """What a token says, if its signature is ours. Whether its time has come is asked each time anew.

    Raises:
        jwt.InvalidTokenError
    """
    times = {f"verify_{name}": False for name in ("exp", "iat", "nbf")}
    options = {"require": ["exp", "aud", "iat", "nbf"], "verify_aud": False, **times}
    claims: Mapping[str, Any] = jwt.decode(token, key, algorithms=["HS256"], options=options)  # type: ignore[arg-type]
    return claims
