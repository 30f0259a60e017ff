"""The refusals of Azure Resource Manager, before a request reaches the resource provider."""

from . import ApiPlane, Refusal


def unauthorized() -> Refusal:
    return _refusal(
        401,
        "InvalidAuthenticationToken",
        "The access token is invalid.",
        "A management request needs a bearer token that this DPS issued for https://management.azure.com and that has not "
        "expired.",
    )


def api_version_required() -> Refusal:
    return _refusal(
        400,
        "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.",
        "Add ?api-version=2026-11-01.",
    )


def api_version_unknown(version: str, known: str) -> Refusal:
    version = version if len(version) <= 20 else "…"  # it may be a secret sent by mistake, so keep it out of the log
    return _refusal(
        400,
        "InvalidApiVersionParameter",
        f"The api-version '{version}' is invalid. The supported versions are '{known}'.",
        "Use one of the versions in the message.",
    )


def resource_not_found(path: str) -> Refusal:
    return _refusal(
        404,
        "ResourceNotFound",
        f"The Resource '{path}' was not found.",
        "There is nothing at this path. The connection file names the subscription, resource group and service that exist here.",
    )


def service_not_found(name: str, group: str) -> Refusal:
    return _refusal(
        404,
        "ResourceNotFound",
        f"The Resource 'Microsoft.Devices/provisioningServices/{name}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
        "This resource group has no such service. The connection file names one that exists. List the group to see all.",
    )


def group_not_found(name: str) -> Refusal:
    return _refusal(
        404,
        "ResourceGroupNotFound",
        f"Resource group '{name}' could not be found.",
        "Create the resource group first, or use resource_group from the connection file.",
    )


def subscription_not_found(subscription: str) -> Refusal:
    return _refusal(
        404,
        "SubscriptionNotFound",
        f"The subscription '{subscription}' could not be found.",
        "Use subscription_id from the connection file. No other subscription exists here.",
    )


def request_invalid(message: str, explanation: str) -> Refusal:
    return _refusal(400, "InvalidRequestContent", message, explanation)


def location_required() -> Refusal:
    return _refusal(
        400,
        "LocationRequired",
        "The location property is required for this definition.",
        "Send a location. Any location will do here.",
    )


def other_location(name: str, present: str, wanted: str) -> Refusal:
    return _refusal(
        409,
        "InvalidResourceLocation",
        f"The resource '{name}' already exists in location '{present}'. A resource with the same name cannot be "
        f"created in location '{wanted}'. Please select a new resource name.",
        "A resource can't move to another location. Send its current location.",
    )


def method_not_allowed(method: str) -> Refusal:
    return _refusal(
        405,
        "MethodNotAllowed",
        f"The method '{method}' is not allowed on this resource.",
        "This path supports other methods only.",
    )


def _refusal(status: int, code: str, message: str, explanation: str) -> Refusal:
    return Refusal(ApiPlane.RESOURCE_MANAGER, status, code, message, explanation)
