"""Who may call: Entra-style access tokens, and the shared access signatures of the service plane."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import unquote_plus
from uuid import uuid4

import jwt

from helpers.local_dps import errors
from helpers.local_dps.store import Identity, ServiceRow

__all__ = ["MANAGEMENT", "SERVICE", "TOKEN_LIFETIME", "check_service_credential", "check_token", "issue_token"]

MANAGEMENT = "https://management.azure.com"
SERVICE = "https://azure-devices-provisioning.net"
TOKEN_LIFETIME = timedelta(hours=1)


def issue_token(identity: Identity, scope: str, now: datetime) -> str:
    """An access token for one audience, valid for `TOKEN_LIFETIME`.

    Args:
        scope: `<audience>/.default`, where the audience is one of the two planes'.

    Raises:
        Refusal: another scope.
    """
    audience = scope.removesuffix("/.default").rstrip("/")
    if not scope.endswith("/.default") or audience not in (MANAGEMENT, SERVICE):
        raise errors.invalid_scope(scope)
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


def check_token(authorization: str, identity: Identity, audience: str) -> bool:
    """Whether an Authorization header carries a bearer token of ours for that audience that has not expired."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        return False
    try:
        jwt.decode(
            token.strip(),
            identity.token_key,
            algorithms=["HS256"],
            audience=audience,
            leeway=0,
            options={"require": ["exp", "aud", "nbf"]},
        )
    except (jwt.InvalidTokenError, UnicodeError):  # a header may hold bytes that are no text
        return False
    return True


def check_service_credential(
    authorization: str, identity: Identity, service: ServiceRow, host: str, path: str, right: str, now: datetime
) -> None:
    """Raises a Refusal unless the header is a token for the service plane, or a signature by a key with that right.

    Args:
        host, path: the service's own `name:port` and what is asked of it; the signature must be for these, or for a
            whole number of their first segments.
        right: `EnrollmentRead`, `EnrollmentWrite`, …
    """
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "sharedaccesssignature":
        _check_signature(rest, service, host, path, right, now)
    elif not check_token(authorization, identity, SERVICE):
        raise errors.service_unauthorized(
            "A service call needs a shared access signature by one of this service's keys, or a bearer token that this "
            f"DPS issued for {SERVICE}, not expired."
        )


def _check_signature(signature: str, service: ServiceRow, host: str, path: str, right: str, now: datetime) -> None:
    """HMAC-SHA256 over `{sr}\\n{se}`, with sr exactly as it was sent: clients differ in how they escape it."""
    parts = _parts(signature)
    policy = next((p for p in service.policies if p.name.lower() == unquote_plus(parts["skn"]).lower()), None)
    if policy is None:
        raise errors.service_unauthorized("There is no access policy of the name in skn.")
    try:
        sent = base64.b64decode(unquote_plus(parts["sig"]), validate=True)
        expires = int(parts["se"])
        signed = f"{parts['sr']}\n{parts['se']}".encode()
    except (binascii.Error, ValueError) as error:
        raise errors.service_unauthorized("The signature's sig, se or sr is damaged.") from error
    keys = (policy.primary_key, policy.secondary_key)
    made = [hmac.digest(base64.b64decode(key), signed, hashlib.sha256) for key in keys]
    primary, secondary = (hmac.compare_digest(sent, expected) for expected in made)
    if not (primary or secondary):
        raise errors.service_unauthorized(f"The signature was not made with a key of the policy {policy.name}.")
    if expires <= now.timestamp():
        raise errors.service_unauthorized("The signature has expired: its se lies in the past.")
    if not _covers(unquote_plus(parts["sr"]), host + path):
        raise errors.service_unauthorized(f"The signature is for something else than {host}{path}: see its sr.")
    if right not in policy.rights.split(", "):
        raise errors.service_unauthorized(f"The policy {policy.name} does not have the right {right}.")


def _parts(signature: str) -> Mapping[str, str]:
    """sr, sig, se and skn in any order, still escaped."""
    parts = dict(part.partition("=")[::2] for part in signature.strip().split("&"))
    missing = [name for name in ("sr", "sig", "se", "skn") if not parts.get(name)]
    if missing:
        raise errors.service_unauthorized(f"The shared access signature lacks {', '.join(missing)}.")
    return parts


def _covers(scope: str, resource: str) -> bool:
    """Clients sign the endpoint as it was typed: with or without https://, with or without a slash at the end."""
    segments = scope.lower().removeprefix("https://").rstrip("/").split("/")
    return resource.lower().split("/")[: len(segments)] == segments
