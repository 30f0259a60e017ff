"""The credentials for the service plane: a bearer token, or a shared access signature."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import unquote, unquote_plus

from ...errors import service as errors
from ...request.routing import Request
from ...store import AccessPolicy, TenantIdentity
from ..identity.tokens import SERVICE_AUDIENCE, check_token

__all__ = ["check_credential"]

# A right to write includes the right to read. EnrollmentWrite also includes both rights on registration records.
_INCLUDED = {
    "EnrollmentWrite": ("EnrollmentRead", "RegistrationStatusRead", "RegistrationStatusWrite"),
    "RegistrationStatusWrite": ("RegistrationStatusRead",),
}


def check_credential(
    request: Request, identity: TenantIdentity, policies: tuple[AccessPolicy, ...], right: str
) -> None:
    """Raise a Refusal unless a request has a token for the service plane, or a signature by a key with a right.

    A signature must cover the requested `name:port/path`, or its first segments.

    Args:
        right: `EnrollmentRead`, `EnrollmentWrite`, …
    """
    authorization = request.headers.get("authorization", "")
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "sharedaccesssignature":
        _check_signature(rest, request, policies, right)
    elif not check_token(authorization, identity, SERVICE_AUDIENCE, request.now):
        raise errors.unauthorized(
            "A service request needs a shared access signature by one of this service's keys, or a bearer token that this "
            f"DPS issued for {SERVICE_AUDIENCE} and that has not expired."
        )


def _check_signature(signature: str, request: Request, policies: tuple[AccessPolicy, ...], right: str) -> None:
    """Check an HMAC-SHA256 over `{sr}\\n{se}`, with sr exactly as sent, because clients differ in how they escape it."""
    parts = _parts(signature)
    policy = next((p for p in policies if p.name.lower() == unquote_plus(parts["skn"]).lower()), None)
    if policy is None:
        raise errors.unauthorized("The service has no access policy with the name in skn.")
    try:
        # Base64 has + but no space, so an unescaped + means a plus here.
        sent = base64.b64decode(unquote(parts["sig"]), validate=True)
        expires = _seconds(unquote(parts["se"]))
        signed = f"{parts['sr']}\n{parts['se']}".encode()
    except (binascii.Error, ValueError) as error:
        raise errors.unauthorized("The signature's sig, se or sr is malformed.") from error
    keys = (policy.primary_key, policy.secondary_key)
    made = [hmac.digest(base64.b64decode(key), signed, hashlib.sha256) for key in keys]
    primary, secondary = (hmac.compare_digest(sent, expected) for expected in made)
    if not (primary or secondary):
        raise errors.unauthorized(f"The signature was not made with a key of the access policy {policy.name}.")
    if expires <= request.now.timestamp():
        raise errors.unauthorized("The signature has expired: its se is in the past.")
    if not _covers(unquote_plus(parts["sr"]), request.host + request.path):
        raise errors.unauthorized(f"The signature does not cover {request.host}{request.path}. Check its sr.")
    given = policy.rights.split(", ")
    if right not in given and not any(right in _INCLUDED.get(each, ()) for each in given):
        raise errors.unauthorized(f"The access policy {policy.name} does not have the right {right}.")


def _seconds(text: str) -> int:
    """Parse digits. Raise ValueError for anything else: `int` also accepts 9_999, spaces, and digits of other scripts."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError("not a number of seconds")
    return int(text)


def _parts(signature: str) -> Mapping[str, str]:
    """Return sr, sig, se and skn, which may be in any order, still escaped."""
    parts = dict(part.partition("=")[::2] for part in signature.strip().split("&"))
    missing = [name for name in ("sr", "sig", "se", "skn") if not parts.get(name)]
    if missing:
        raise errors.unauthorized(f"The shared access signature lacks {', '.join(missing)}.")
    return parts


def _covers(scope: str, resource: str) -> bool:
    """Return whether a signed scope covers a resource.

    Clients sign the endpoint as it was typed: with or without https://, a slash at the end, or port 443.
    """
    host, *path = scope.lower().removeprefix("https://").rstrip("/").split("/")
    segments = [host.removesuffix(":443"), *path]
    return resource.lower().split("/")[: len(segments)] == segments
