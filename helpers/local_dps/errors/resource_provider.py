"""What the resource provider (Microsoft.Devices) refuses: a flat body with a numeric code."""

from . import ApiPlane, Refusal


def stale_etag() -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        412,
        412001,
        "Invalid ETag supplied.",
        "The certificate has changed since you got this ETag: every upload, code and verification gives a new one. "
        "Read the certificate again and use its present ETag.",
    )


def etag_required() -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        400,
        400001,
        "The If-Match header is required.",
        "A code, a verification and a deletion need the certificate's present ETag in If-Match (or *).",
    )


def certificate_not_found(name: str) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        404,
        404001,
        f"Certificate '{name}' was not found.",
        "No certificate of that name is uploaded to this provisioning service. List them to see what there is.",
    )


def bad_certificate_name(name: str) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        400,
        400002,
        f"Certificate name '{name}' is invalid.",
        "A name has 1 to 64 letters, digits, hyphens, full stops and underscores.",
    )


def too_many_certificates(limit: int) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        403,
        403001,
        f"The maximum number of {limit} certificates has been reached.",
        "Delete a CA certificate that no enrollment group needs any more.",
    )


def body_not_understood(reason: str) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        400,
        400003,
        "The request body is invalid.",
        f"{reason} An upload is {{'properties': {{'certificate': base64}}}} since api-version 2022-02-05, and "
        "{'certificate': base64} before; a proof is {'certificate': base64} in all versions.",
    )


def certificate_not_understood() -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        500,
        500019,
        "Internal Error.",
        "The body's certificate is not base64 of a PEM or DER X.509 certificate (in base64 twice it is none either). The "
        "real service answers 500, too.",
    )


def private_key_refused() -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        400,
        400004,
        "The certificate contains a private key.",
        "A private key was sent. Nothing of it was kept, but think about replacing that key.",
    )


def proof_not_issued_by_certificate(issuer: str) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        400,
        400053,
        f"Proof-Of-Possession failed. Issuer certificate '{issuer}' cannot be found in the certificate chain.",
        "The verification certificate was not signed with the private key of the uploaded certificate. A root can't "
        "prove an intermediate, nor the reverse, and another CA of the same name is another CA.",
    )


def proof_of_other_code() -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        400,
        400053,
        "Proof-Of-Possession failed. The subject of the certificate does not match the verification code.",
        "The verification certificate's common name is not the newest code. Only the newest code counts.",
    )


def proof_outside_its_dates() -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        400,
        400053,
        "Proof-Of-Possession failed. The certificate is not within its validity period.",
        "The verification certificate has expired or is not valid yet.",
    )


def no_code_outstanding() -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        400,
        400053,
        "Proof-Of-Possession failed. No verification code is outstanding.",
        "Ask for a verification code first; a code is used up by the verification that succeeds with it.",
    )


# --- the service resource ---------------------------------------------------------------------------------------------


def bad_service_name(name: str) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        400,
        400005,
        f"Provisioning service name '{name}' is invalid.",
        "A name has 3 to 50 letters, digits and hyphens, not only digits, and no hyphen at either end.",
    )


def service_name_taken(name: str) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        409,
        409001,
        f"Provisioning service name '{name}' is not available.",
        "A service of that name exists in another resource group; names are unique everywhere.",
    )


def service_not_understood(message: str, explanation: str) -> Refusal:
    return Refusal(ApiPlane.RESOURCE_PROVIDER, 400, 400006, message, explanation)


def service_changed() -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        412,
        412001,
        "Invalid ETag supplied.",
        "The service has changed since you got this ETag. Read it again, change what you read, and send that.",
    )


def hub_not_found(host: str) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        404,
        404002,
        f"Unable to find the IoThub {host}. Check if the hub exists and the connection information is correct.",
        "This local DPS was started with --known-hub, so no other hubs exist. Name one of those, or start it without.",
    )


def data_residency_unavailable(location: str) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        400,
        400309,
        f"Data residency is not supported in the location '{location}'.",
        "enableDataResidency works in the locations brazilsouth and southeastasia only. Leave it out, or send false.",
    )


def key_not_found(name: str) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        404,
        404004,
        f"Shared access policy '{name}' was not found.",
        "The service has no access policy of that name. List its keys to see what there is.",
    )


def operation_not_found(operation: str) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_PROVIDER,
        404,
        404003,
        f"Operation '{operation}' was not found.",
        "Nothing was begun under that id here, or it was long ago.",
    )
