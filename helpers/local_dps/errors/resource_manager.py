"""What Azure Resource Manager's front door refuses before the resource provider is asked."""

from . import ApiPlane, Refusal


def unauthorized() -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_MANAGER,
        401,
        "InvalidAuthenticationToken",
        "The access token is invalid.",
        "A management call needs a bearer token that this DPS issued for https://management.azure.com, not expired.",
    )


def api_version_required() -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_MANAGER,
        400,
        "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.",
        "Add ?api-version=2026-11-01.",
    )


def api_version_unknown(version: str, known: str) -> Refusal:
    version = version if len(version) <= 20 else "…"  # whatever that is, a log is no place for it
    return Refusal(
        ApiPlane.RESOURCE_MANAGER,
        400,
        "InvalidApiVersionParameter",
        f"The api-version '{version}' is invalid. The supported versions are '{known}'.",
        "Use one of the versions that the message names.",
    )


def resource_not_found(path: str) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_MANAGER,
        404,
        "ResourceNotFound",
        f"The Resource '{path}' was not found.",
        "There is nothing at this path. The connection file names the subscription, group and service that are here.",
    )


def service_not_found(name: str, group: str) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_MANAGER,
        404,
        "ResourceNotFound",
        f"The Resource 'Microsoft.Devices/provisioningServices/{name}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
        "This group has no such service. The connection file names one that is there; the group lists all.",
    )


def group_not_found(name: str) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_MANAGER,
        404,
        "ResourceGroupNotFound",
        f"Resource group '{name}' could not be found.",
        "Create the resource group first, or use the one that the connection file names.",
    )


def subscription_not_found(subscription: str) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_MANAGER,
        404,
        "SubscriptionNotFound",
        f"The subscription '{subscription}' could not be found.",
        "There is one subscription here; the connection file names it.",
    )


def request_invalid(message: str, explanation: str) -> Refusal:
    return Refusal(ApiPlane.RESOURCE_MANAGER, 400, "InvalidRequestContent", message, explanation)


def location_required() -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_MANAGER,
        400,
        "LocationRequired",
        "The location property is required for this definition.",
        "Any location will do here, but there must be one.",
    )


def other_location(name: str, present: str, wanted: str) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_MANAGER,
        409,
        "InvalidResourceLocation",
        f"The resource '{name}' already exists in location '{present}'. A resource with the same name cannot be "
        f"created in location '{wanted}'. Please select a new resource name.",
        "A resource does not move: send the location that it has.",
    )


def method_not_allowed(method: str) -> Refusal:
    return Refusal(
        ApiPlane.RESOURCE_MANAGER,
        405,
        "MethodNotAllowed",
        f"The method '{method}' is not allowed on this resource.",
        "The local DPS knows this path, but not this method on it.",
    )
