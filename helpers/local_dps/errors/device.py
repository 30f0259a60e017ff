"""The refusals of the device plane: the service plane's error body, with other codes."""

from . import ApiPlane, Refusal

NO_CERTIFICATE = (
    "The device sent no certificate in its TLS handshake. "
    "This local DPS does not support devices with a symmetric key or a TPM yet."
)
SYMMETRIC_KEY = (
    "The device signs with a symmetric key, which this local DPS does not support yet. "
    "Register the device with an X.509 certificate."
)


def unauthorized(explanation: str) -> Refusal:
    return _refusal(401000, "Unauthorized", explanation)


def invalid_certificate(explanation: str) -> Refusal:
    return _refusal(401002, "Invalid certificate.", explanation)


def ca_not_found() -> Refusal:
    return _refusal(
        401002,
        "CA certificate not found.",
        "The certificates that the device sent do not lead to a verified CA certificate. Check that its CA is uploaded and "
        "verified, and that the device sends every certificate between its own and that one.",
    )


def chain_does_not_match() -> Refusal:
    return _refusal(
        401002,
        "Signing certificate info did not match chain elements",
        "DPS knows a CA in the device's chain, but no enrollment group is bound to a CA in that chain; or the device sent a "
        "CA's certificate as its own.",
    )


def invalid_registration_id(registration: str) -> Refusal:
    return _refusal(
        400004,
        "Invalid RegistrationId",
        f"'{registration}' is not a registration id. An id has up to 128 letters, digits and - . _ : and ends in a letter, "
        "a digit or a hyphen.",
    )


def request_invalid(explanation: str) -> Refusal:
    return _refusal(400000, "The request is invalid.", explanation)


def operation_not_found() -> Refusal:
    return _refusal(
        404203,
        "Operation not found.",
        "This is not the operation of the device's newest registration. Poll the operation that the newest one returned.",
    )


def not_mqtt(reason: str) -> Refusal:
    """Return a refusal for the log only: MQTT 3.1.1 can't express it, so the connection just ends."""
    return _refusal(400000, "The connection was ended.", reason)


def no_handshake(reason: str) -> Refusal:
    """Return a refusal for the log only: without a handshake there is no connection to answer on."""
    return _refusal(400000, "The TLS handshake failed.", reason)


def proxy_leads_nowhere_else(ports: str) -> Refusal:
    """Return a refusal for the log only: an HTTP proxy answers with a status only."""
    explanation = (
        f"This proxy leads only to the device plane of the local DPS. Use CONNECT with any host and one of the ports {ports} "
        "(HTTPS and MQTT over TLS). AMQP is not supported: configure the device to use MQTT or HTTPS."
    )
    return _refusal(403000, "The proxy refused the connection.", explanation)


def route_not_found(path: str) -> Refusal:
    return _refusal(404000, "Not found.", f"The device plane has nothing at {path}.")


def method_not_allowed(method: str) -> Refusal:
    return _refusal(405000, f"{method} is not allowed here.", "This path supports other methods only.")


def _refusal(code: int, message: str, explanation: str) -> Refusal:
    """Return a refusal of this plane. Its code begins with its status."""
    return Refusal(ApiPlane.DEVICE, code // 1000, code, message, explanation)
