"""The refusals of the control interface."""

from . import ApiPlane, Refusal


def unauthorized() -> Refusal:
    return _refusal(401, "Unauthorized", "Send control_token from the connection file as a bearer token.")


def bad_request(message: str) -> Refusal:
    return _refusal(400, "BadRequest", message)


def not_found(message: str) -> Refusal:
    return _refusal(404, "NotFound", message)


def method_not_allowed(method: str) -> Refusal:
    return _refusal(405, "MethodNotAllowed", f"{method} is not allowed on this path.")


def _refusal(status: int, code: str, message: str) -> Refusal:
    return Refusal(ApiPlane.CONTROL, status, code, message, "Nothing was changed.")
