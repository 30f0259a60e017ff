"""What the device plane refuses: the service plane's body, with its own codes."""

from . import ApiPlane, Refusal

NO_CERTIFICATE = (
    "The device sent no certificate in its TLS handshake. Devices with symmetric keys or a TPM are not served here yet."
)
SYMMETRIC_KEY = (
    "The device signs with a symmetric key. Symmetric keys are not served here yet: "
    "register it with an X.509 certificate."
)


def unauthorized(explanation: str) -> Refusal:
    return Refusal(ApiPlane.DEVICE, 401, 401000, "Unauthorized", explanation)


def invalid_certificate(explanation: str) -> Refusal:
    return Refusal(ApiPlane.DEVICE, 401, 401002, "Invalid certificate.", explanation)


def ca_not_found() -> Refusal:
    return Refusal(
        ApiPlane.DEVICE,
        401,
        401002,
        "CA certificate not found.",
        "No verified CA certificate was reached from what the device sent. Is its CA uploaded and verified? Did it send "
        "every certificate between its own and that one?",
    )


def chain_does_not_match() -> Refusal:
    return Refusal(
        ApiPlane.DEVICE,
        401,
        401002,
        "Signing certificate info did not match chain elements",
        "The CA is known, but no enrollment group lets in what it has signed; or a CA's own certificate was sent as a device's.",
    )


def invalid_registration_id(registration: str) -> Refusal:
    return Refusal(
        ApiPlane.DEVICE,
        400,
        400004,
        "Invalid RegistrationId",
        f"'{registration}' is not up to 128 letters, digits and - . _ : that end in a letter, a digit or a hyphen.",
    )


def request_invalid(explanation: str) -> Refusal:
    return Refusal(ApiPlane.DEVICE, 400, 400000, "The request is invalid.", explanation)


def operation_not_found() -> Refusal:
    return Refusal(
        ApiPlane.DEVICE,
        404,
        404203,
        "Operation not found.",
        "The newest registration of this device has another operation.",
    )


def not_mqtt(reason: str) -> Refusal:
    """Only told in the log: MQTT 3.1.1 has no words for it, the connection just ends."""
    return Refusal(ApiPlane.DEVICE, 400, 400000, "The connection was ended.", reason)


def no_handshake(reason: str) -> Refusal:
    """Only told in the log: without a handshake there is nobody to tell."""
    return Refusal(ApiPlane.DEVICE, 400, 400000, "The TLS handshake failed.", reason)


def proxy_leads_nowhere_else(ports: str) -> Refusal:
    """Only told in the log: an HTTP proxy answers with its status alone."""
    explanation = (
        f"This proxy leads to the local DPS's device plane only: CONNECT to any host at one of the ports {ports} (HTTPS and "
        "MQTT over TLS). AMQP is not served: let the device use MQTT or HTTPS."
    )
    return Refusal(ApiPlane.DEVICE, 403, 403000, "The proxy refused the connection.", explanation)


def route_not_found(path: str) -> Refusal:
    return Refusal(ApiPlane.DEVICE, 404, 404000, "Not found.", f"The device plane has nothing at {path}.")


def method_not_allowed(method: str) -> Refusal:
    return Refusal(ApiPlane.DEVICE, 405, 405000, f"{method} is not allowed here.", "This path takes other methods.")
