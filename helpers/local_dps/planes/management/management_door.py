"""The checks of Azure Resource Manager before a request is handled: token, api-version, subscription and group."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from ...errors import resource_manager, resource_provider
from ...request.routing import Handler, Request, Response
from ...store import ResourceGroupRow, ServiceRow, Store
from ..identity.tokens import MANAGEMENT_AUDIENCE, check_token

__all__ = [
    "GROUP_PATH",
    "MANAGEMENT_API_VERSIONS",
    "NAMESPACE",
    "PROVIDER_PATH",
    "SERVICE_PATH",
    "SERVICE_RESOURCE_TYPE",
    "SUBSCRIPTION_PATH",
    "ManagementDoor",
    "normalized",
    "provider_body",
    "read_location",
    "read_tags",
    "resource_id",
    "same_location",
]

MANAGEMENT_API_VERSIONS = (
    "2017-08-21-preview",
    "2017-11-15",
    "2018-01-22",
    "2020-01-01",
    "2020-03-01",
    "2020-09-01-preview",
    "2021-10-15",
    "2022-02-05",
    "2022-12-12",
    "2023-03-01-preview",
    "2025-02-01-preview",
    "2026-03-01-preview",
    "2026-06-01-preview",  # an assumption: it is like the version before it
    "2026-08-31",
    "2026-11-01",
    "2026-11-02-preview",
)
SUBSCRIPTION_PATH = "/subscriptions/{subscription}"
GROUP_PATH = SUBSCRIPTION_PATH + "/resourceGroups/{group}"
NAMESPACE = "Microsoft.Devices"
PROVIDER_PATH = f"/providers/{NAMESPACE}"
SERVICE_RESOURCE_TYPE = f"{NAMESPACE}/provisioningServices"
SERVICE_PATH = GROUP_PATH + f"/providers/{SERVICE_RESOURCE_TYPE}/{{service}}"
_IS_VERSION = re.compile(r"\d{4}-\d\d-\d\d(-[a-z]+)?").fullmatch
_MAX_TAGS = 50


class ManagementDoor:
    """The checks before every management request: a bearer token for Resource Manager, and a known api-version."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of_dps(self, handler: Handler) -> Handler:
        """Return a handler with the checks for a DPS request, which requires one of the resource provider's versions."""
        return self._guarded(
            handler, lambda version: version in MANAGEMENT_API_VERSIONS, ", ".join(MANAGEMENT_API_VERSIONS)
        )

    def of_resource_manager(self, handler: Handler) -> Handler:
        """Return a handler with the checks for a request to Resource Manager itself, where any date is a valid version."""
        return self._guarded(handler, _IS_VERSION, "2022-12-01")

    def _guarded(self, handler: Handler, is_known: Callable[[str], object], known: str) -> Handler:
        def guarded(request: Request) -> Response:
            version = self._admitted(request)
            if not is_known(version):
                raise resource_manager.api_version_unknown(version, known)
            return handler(request)

        return guarded

    def _admitted(self, request: Request) -> str:
        """Return the api-version. The token is checked first, so that an unknown client learns nothing."""
        if not check_token(
            request.headers.get("authorization", ""), self._store.identity, MANAGEMENT_AUDIENCE, request.now
        ):
            raise resource_manager.unauthorized()
        version = request.query.get("api-version", "")
        if not version:
            raise resource_manager.api_version_required()
        subscription = request.parameters.get("subscription")
        if subscription is not None and subscription.lower() != self._store.identity.subscription_id:
            raise resource_manager.subscription_not_found(subscription)
        return version

    def group(self, request: Request) -> ResourceGroupRow:
        """Return the resource group in the path, or raise the refusal."""
        group = self._store.resource_groups.get(request.parameters["group"])
        if group is None:
            raise resource_manager.group_not_found(request.parameters["group"])
        return group

    def service(self, request: Request) -> ServiceRow:
        """Return the provisioning service in the path, or raise the refusal."""
        found = self.find_service(request)
        if found is None:
            group = self.group(request)
            raise resource_manager.service_not_found(request.parameters["service"], group.name)
        return found

    def find_service(self, request: Request) -> ServiceRow | None:
        """Return the provisioning service in the path, or None if the group has no such service."""
        group, service = request.parameters["group"], request.parameters["service"]
        found = [each for each in self._store.services.in_group(group) if each.name.lower() == service.lower()]
        return found[0] if found else None


def resource_id(subscription: str, service: ServiceRow) -> str:
    """Return the resource id of a service, which is also its path."""
    return SERVICE_PATH.format(subscription=subscription, group=service.resource_group, service=service.name)


def provider_body(request: Request) -> Mapping[str, Any]:
    """Return the body of a request to the resource provider."""
    try:
        return request.json_object()
    except ValueError as error:
        raise resource_provider.body_not_understood("The body is not a JSON object.") from error


def read_tags(sent: Any) -> Mapping[str, str]:
    """Return the tags of a resource, whose names and values are strings."""
    tags = {} if sent is None else sent
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise resource_manager.request_invalid(
            "The tags are invalid.", "tags must be an object whose values are strings."
        )
    if len(tags) > _MAX_TAGS:
        raise resource_manager.request_invalid("Too many tags.", f"A resource may have at most {_MAX_TAGS} tags.")
    return tags


def normalized(location: str) -> str:
    """Return the name of a location: `westus` for `West US`."""
    return location.replace(" ", "").lower()


def read_location(sent: Mapping[str, Any]) -> str:
    """Return the location in the body of a PUT."""
    location = sent.get("location")
    if not isinstance(location, str) or not location:
        raise resource_manager.location_required()
    return location


def same_location(present: ResourceGroupRow | ServiceRow | None, location: str) -> str:
    """Return the location to store. An existing resource can't move."""
    if present is None:
        return location
    if normalized(present.location) != normalized(location):
        raise resource_manager.other_location(present.name, present.location, location)
    return present.location
