"""What Azure Resource Manager does before a resource provider is asked: token, api-version, subscription, group."""

import re
from collections.abc import Mapping
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
    "2026-06-01-preview",  # an assumption: like the one before it
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
    """Every call needs a bearer token for Azure Resource Manager and a known api-version."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of_dps(self, handler: Handler) -> Handler:
        """The handler of a DPS call behind the door: it takes the resource provider's versions."""

        def guarded(request: Request) -> Response:
            version = self._admitted(request)
            if version not in MANAGEMENT_API_VERSIONS:
                raise resource_manager.api_version_unknown(version, ", ".join(MANAGEMENT_API_VERSIONS))
            return handler(request)

        return guarded

    def of_resource_manager(self, handler: Handler) -> Handler:
        """The handler of one of Resource Manager's own calls behind the door: any date will do as version."""

        def guarded(request: Request) -> Response:
            version = self._admitted(request)
            if not _IS_VERSION(version):
                raise resource_manager.api_version_unknown(version, "2022-12-01")
            return handler(request)

        return guarded

    def _admitted(self, request: Request) -> str:
        """The api-version. The token comes first, so that a stranger learns nothing, then the subscription."""
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
        """The resource group in the path."""
        group = self._store.resource_groups.get(request.parameters["group"])
        if group is None:
            raise resource_manager.group_not_found(request.parameters["group"])
        return group

    def service(self, request: Request) -> ServiceRow:
        """The provisioning service in the path."""
        found = self.find_service(request)
        if found is None:
            group = self.group(request)
            raise resource_manager.service_not_found(request.parameters["service"], group.name)
        return found

    def find_service(self, request: Request) -> ServiceRow | None:
        """The provisioning service in the path, or None if this group has none of the name."""
        group, service = request.parameters["group"], request.parameters["service"]
        found = [each for each in self._store.services.in_group(group) if each.name.lower() == service.lower()]
        return found[0] if found else None


def resource_id(subscription: str, service: ServiceRow) -> str:
    """The resource id, which is also the path."""
    return SERVICE_PATH.format(subscription=subscription, group=service.resource_group, service=service.name)


def provider_body(request: Request) -> Mapping[str, Any]:
    """The body of a call to the resource provider."""
    try:
        return request.json_object()
    except ValueError as error:
        raise resource_provider.body_not_understood("The body is not a JSON object.") from error


def read_tags(sent: Any) -> Mapping[str, str]:
    """A resource's tags: names and values are strings."""
    tags = {} if sent is None else sent
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        raise resource_manager.request_invalid("The tags are invalid.", "tags is an object of strings.")
    if len(tags) > _MAX_TAGS:
        raise resource_manager.request_invalid("Too many tags.", f"A resource has at most {_MAX_TAGS}.")
    return tags


def normalized(location: str) -> str:
    """The name of a location: `West US` is `westus`."""
    return location.replace(" ", "").lower()


def same_location(present: ResourceGroupRow | ServiceRow | None, location: str) -> str:
    """The location to store: a resource does not move."""
    if present is None:
        return location
    if normalized(present.location) != normalized(location):
        raise resource_manager.other_location(present.name, present.location, location)
    return present.location
