"""The refusals of the service plane."""

from . import ApiPlane, Refusal


def unauthorized(reason: str) -> Refusal:
    return _refusal(401000, "Unauthorized", reason)


def request_invalid(message: str, explanation: str) -> Refusal:
    return _refusal(400000, message, explanation)


def no_namespace(field: str) -> Refusal:
    return _refusal(
        400004,
        "A Device Registry Namespace is required to be set on this DPS instance",
        f"{field} is for certificates that DPS issues to devices. This local DPS does not issue them yet. Leave {field} out.",
    )


def attestation_required() -> Refusal:
    return request_invalid(
        "TPM or X509 attestation is required.",
        "An enrollment group must say how its devices prove their identity: caReferences (the name of an uploaded CA) or "
        "signingCertificates (the CA itself).",
    )


def ca_reference_not_found(name: str) -> Refusal:
    return request_invalid(
        f"CA certificate '{name}' was not found.",
        "caReferences holds names of uploaded CA certificates, and none has this name. Upload the CA, or correct the name.",
    )


def enrollment_not_found(noun: str, code: int, enrollment: str) -> Refusal:
    return _refusal(code, f"{noun} not found.", f"There is no {noun} '{enrollment}'. Run a query to see which exist.")


def enrollment_exists(noun: str, code: int) -> Refusal:
    return _refusal(
        code,
        f"{noun} already exists.",
        "A PUT without If-Match only creates. To change what exists, send its ETag (or *) in If-Match.",
    )


def stale_etag(code: int) -> Refusal:
    return _refusal(
        code, "ETag is invalid", "It has changed since you got this ETag. Read it again and use its current ETag."
    )


def too_many_groups(limit: int, attestation: str) -> Refusal:
    return _refusal(
        403202,
        f"The maximum number of {limit} enrollment groups with attestation type {attestation} has been reached.",
        "Delete a group that you no longer need.",
    )


def registration_not_found(registration: str) -> Refusal:
    return _refusal(404202, "Device registration not found.", f"No device has registered with the id '{registration}'.")


def service_not_found_at_port() -> Refusal:
    return _refusal(
        404001,
        "Provisioning service not found.",
        "The service on this port was deleted. The management plane lists the services that exist, with their hosts.",
    )


def route_not_found(path: str) -> Refusal:
    return _refusal(404000, "Not found.", f"The service plane has nothing at {path}.")


def method_not_allowed(method: str) -> Refusal:
    return _refusal(405000, f"{method} is not allowed here.", "This path supports other methods only.")


def _refusal(code: int, message: str, explanation: str) -> Refusal:
    """Return a refusal of this plane. Its code begins with its status."""
    return Refusal(ApiPlane.SERVICE, code // 1000, code, message, explanation)
