"""The refusals of the resource provider (Microsoft.Devices): a flat body with a numeric code."""

from . import ApiPlane, Refusal


def stale_etag() -> Refusal:
    return _refusal(
        412001,
        "Invalid ETag supplied.",
        "The certificate has changed since you got this ETag: every upload, code and verification gives it a "
        "new one. Read the certificate again and use its current ETag.",
    )


def etag_required() -> Refusal:
    return _refusal(
        400001,
        "The If-Match header is required.",
        "To generate a code, verify or delete, send the certificate's current ETag (or *) in If-Match.",
    )


def certificate_not_found(name: str) -> Refusal:
    return _refusal(
        404001,
        f"Certificate '{name}' was not found.",
        "This provisioning service has no certificate with that name. List its certificates to see their names.",
    )


def bad_certificate_name(name: str) -> Refusal:
    return _refusal(
        400002,
        f"Certificate name '{name}' is invalid.",
        "A name has 1 to 64 letters, digits, hyphens, full stops and underscores.",
    )


def too_many_certificates(limit: int) -> Refusal:
    return _refusal(
        403001,
        f"The maximum number of {limit} certificates has been reached.",
        "Delete a CA certificate that no enrollment group needs anymore.",
    )


def body_not_understood(reason: str) -> Refusal:
    return _refusal(
        400003,
        "The request body is invalid.",
        f"{reason} Since api-version 2022-02-05, an upload is {{'properties': {{'certificate': base64}}}}; before, it is "
        "{'certificate': base64}. A proof is {'certificate': base64} in all versions.",
    )


def certificate_not_understood() -> Refusal:
    return _refusal(
        500019,
        "Internal Error.",
        "The certificate in the body is not base64 of a PEM or DER X.509 certificate. PEM that is base64-encoded twice is "
        "not accepted either. The real service answers 500 too.",
    )


def private_key_refused() -> Refusal:
    return _refusal(
        400004,
        "The certificate contains a private key.",
        "The request contains a private key. The local DPS stored nothing of it, but consider replacing that key.",
    )


def proof_not_issued_by_certificate(issuer: str) -> Refusal:
    return _refusal(
        400053,
        f"Proof-Of-Possession failed. Issuer certificate '{issuer}' cannot be found in the certificate chain.",
        "The verification certificate was not signed with the private key that matches the uploaded certificate. A root "
        "can't prove possession for an intermediate, nor an intermediate for a root. A different CA with the same name can't "
        "either.",
    )


def proof_of_other_code() -> Refusal:
    return _refusal(
        400053,
        "Proof-Of-Possession failed. The subject of the certificate does not match the verification code.",
        "The verification certificate's common name is not the newest verification code. Only the newest one counts.",
    )


def proof_outside_its_dates() -> Refusal:
    return _refusal(
        400053,
        "Proof-Of-Possession failed. The certificate is not within its validity period.",
        "The verification certificate has expired or is not valid yet.",
    )


def no_code_outstanding() -> Refusal:
    return _refusal(
        400053,
        "Proof-Of-Possession failed. No verification code is outstanding.",
        "Generate a verification code first. A successful verification uses up its code.",
    )


# --- the service resource ---------------------------------------------------------------------------------------------


def bad_service_name(name: str) -> Refusal:
    return _refusal(
        400005,
        f"Provisioning service name '{name}' is invalid.",
        "A name has 3 to 50 letters, digits and hyphens. It can't be all digits, and can't begin or end with a hyphen.",
    )


def service_name_taken(name: str) -> Refusal:
    return _refusal(
        409001,
        f"Provisioning service name '{name}' is not available.",
        "A service with that name exists in another resource group. Names are unique across all of them.",
    )


def service_not_understood(message: str, explanation: str) -> Refusal:
    return _refusal(400006, message, explanation)


def service_changed() -> Refusal:
    return _refusal(
        412001,
        "Invalid ETag supplied.",
        "The service has changed since you got this ETag. Read it again, and apply your change to the new version.",
    )


def hub_not_found(host: str) -> Refusal:
    return _refusal(
        404002,
        f"Unable to find the IoThub {host}. Check if the hub exists and the connection information is correct.",
        "This local DPS was started with --known-hub, so no other hubs exist. Link a known hub, or start it without the option.",
    )


def data_residency_unavailable(location: str) -> Refusal:
    return _refusal(
        400309,
        f"Data residency is not supported in the location '{location}'.",
        "enableDataResidency works only in the locations brazilsouth and southeastasia. Leave it out, or send false.",
    )


def key_not_found(name: str) -> Refusal:
    return _refusal(
        404004,
        f"Shared access policy '{name}' was not found.",
        "The service has no access policy with that name. List its keys to see the names.",
    )


def operation_not_found(operation: str) -> Refusal:
    return _refusal(
        404003,
        f"Operation '{operation}' was not found.",
        "No operation with that id was started here, or it is too old: only the newest 1,000 are remembered.",
    )


def _refusal(code: int, message: str, explanation: str) -> Refusal:
    """Return a refusal of this plane. Its code begins with its status."""
    return Refusal(ApiPlane.RESOURCE_PROVIDER, code // 1000, code, message, explanation)
