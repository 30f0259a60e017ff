"""The refusals of the token endpoint: RFC 6749 section 5.2, with Entra's AADSTS numbers in the description."""

from . import ApiPlane, Refusal


def unknown_tenant() -> Refusal:
    return _refusal(
        400,
        "invalid_tenant",
        "AADSTS90002: Tenant not found.",
        "Use tenant_id from the connection file. No other tenant exists here.",
    )


def invalid_client() -> Refusal:
    return _refusal(
        401,
        "invalid_client",
        "AADSTS7000215: Invalid client secret provided.",
        "Use client_id and client_secret from the connection file.",
    )


def invalid_assertion(reason: str) -> Refusal:
    return _refusal(
        401,
        "invalid_client",
        "AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on "
        "application, or the assertion is not valid.",
        f"The client assertion was rejected: {reason} Sign it with client_certificate_file from the connection file.",
    )


def unsupported_grant() -> Refusal:
    return _refusal(
        400,
        "unsupported_grant_type",
        "AADSTS70003: The app requested an unsupported grant type.",
        "Use the grant type client_credentials. No other is supported here.",
    )


def invalid_scope(scope: str) -> Refusal:
    scope = scope if len(scope) <= 60 else "…"  # it may be a secret sent by mistake, so keep it out of the log
    return _refusal(
        400,
        "invalid_scope",
        f"AADSTS70011: The provided request must include a 'scope' input parameter. The scope {scope} is not valid.",
        "Request the scope https://management.azure.com/.default or https://azure-devices-provisioning.net/.default.",
    )


def invalid_resource(resource: str) -> Refusal:
    resource = resource if len(resource) <= 60 else "…"  # it may be a secret sent by mistake, so keep it out of the log
    return _refusal(
        400,
        "invalid_resource",
        f"AADSTS500011: The resource principal named {resource} was not found in the tenant.",
        "Request https://management.azure.com or https://azure-devices-provisioning.net as the resource.",
    )


def route_not_found(path: str) -> Refusal:
    return _refusal(
        404,
        "not_found",
        f"AADSTS900144: There is nothing at {path}.",
        "The token endpoint is /{tenant}/oauth2/v2.0/token, or /{tenant}/oauth2/token for old clients.",
    )


def method_not_allowed(method: str) -> Refusal:
    return _refusal(
        405,
        "invalid_request",
        f"AADSTS900561: The endpoint does not accept {method} requests.",
        "Request tokens with POST.",
    )


def _refusal(status: int, code: str, message: str, explanation: str) -> Refusal:
    return Refusal(ApiPlane.IDENTITY, status, code, message, explanation)
