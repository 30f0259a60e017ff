"""Resource Manager's view of a resource provider and its resources, which `az resource` reads."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...errors import resource_manager as errors
from ...request.routing import Request, Response, Route
from ...store import ServiceRow, Store
from .management_door import (
    GROUP_PATH,
    MANAGEMENT_API_VERSIONS,
    NAMESPACE,
    PROVIDER_PATH,
    SERVICE_RESOURCE_TYPE,
    SUBSCRIPTION_PATH,
    ManagementDoor,
    normalized,
    resource_id,
)

__all__ = ["ProviderRoutes"]

_TYPES = ("ProvisioningServices", "ProvisioningServices/certificates")
_OPERATIONS = {  # the operations of each resource type that the local DPS supports
    "provisioningServices": ("read", "write", "delete", "listkeys/action"),
    "provisioningServices/certificates": (
        "read",
        "write",
        "delete",
        "generateVerificationCode/action",
        "verify/action",
    ),
    "provisioningServices/skus": ("read",),
}
_CONDITION = re.compile(r"\s*(?P<field>\w+)\s+eq\s+'(?P<value>[^']*)'\s*", re.IGNORECASE | re.ASCII)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE | re.ASCII)
# The fields that $filter may name, and their values in a resource. They are compared without case.
_FILTERS: Mapping[str, Callable[[ServiceRow], str]] = {
    "name": lambda row: row.name,
    "resourcegroup": lambda row: row.resource_group,
    "resourcetype": lambda _row: SERVICE_RESOURCE_TYPE,
    "location": lambda row: normalized(row.location),
}


class ProviderRoutes:
    """The routes of the provider Microsoft.Devices, its operations, and the resources of a subscription or a group."""

    def __init__(self, store: Store, door: ManagementDoor) -> None:
        self._store = store
        self._door = door
        self.routes = (
            Route("GET", PROVIDER_PATH + "/operations", door.of_dps(self._operations)),
            Route("GET", SUBSCRIPTION_PATH + PROVIDER_PATH, door.of_resource_manager(self._provider)),
            Route("GET", SUBSCRIPTION_PATH + "/resources", door.of_resource_manager(self._resources)),
            Route("GET", GROUP_PATH + "/resources", door.of_resource_manager(self._resources_of_group)),
        )

    def _operations(self, _request: Request) -> Response:
        described = [
            {
                "name": f"{NAMESPACE}/{resource}/{action}",
                "display": {
                    "provider": NAMESPACE,
                    "resource": resource,
                    "operation": action,
                    "description": f"{action} of {resource}",
                },
            }
            for resource, actions in _OPERATIONS.items()
            for action in actions
        ]
        return Response(200, {"value": described})

    def _provider(self, _request: Request) -> Response:
        versions = sorted(
            MANAGEMENT_API_VERSIONS, reverse=True
        )  # `az resource` uses the newest version that is not a preview
        types = [{"resourceType": each, "locations": [], "apiVersions": versions} for each in _TYPES]
        described = {
            "id": SUBSCRIPTION_PATH.format(subscription=self._store.identity.subscription_id) + PROVIDER_PATH,
            "namespace": NAMESPACE,
            "resourceTypes": types,
            "registrationState": "Registered",
            "registrationPolicy": "RegistrationRequired",
        }
        return Response(200, described)

    def _resources(self, request: Request) -> Response:
        return self._listed(request, self._store.services.all())

    def _resources_of_group(self, request: Request) -> Response:
        return self._listed(request, self._store.services.in_group(self._door.group(request).name))

    def _listed(self, request: Request, rows: Iterable[ServiceRow]) -> Response:
        wanted = _conditions(request.query.get("$filter", ""))
        found = [row for row in rows if all(_FILTERS[field](row).lower() == value for field, value in wanted.items())]
        return Response(200, {"value": [self._resource(row) for row in found]})

    def _resource(self, row: ServiceRow) -> Mapping[str, Any]:
        return {
            "id": resource_id(self._store.identity.subscription_id, row),
            "name": row.name,
            "type": SERVICE_RESOURCE_TYPE,
            "sku": row.sku,
            "location": row.location,
            "tags": row.tags,
        }


def _conditions(text: str) -> Mapping[str, str]:
    """Return the fields of a $filter with their values, in lower case. Without a filter, return {}."""
    conditions = {}
    for part in _AND.split(text) if text.strip() else ():
        found = _CONDITION.fullmatch(part)
        if not found or found["field"].lower() not in _FILTERS:
            raise errors.request_invalid(
                "The $filter is not supported.",
                "Use FIELD eq 'VALUE', or several joined by and. The fields are name, resourceGroup, resourceType and location.",
            )
        conditions[found["field"].lower()] = found["value"].lower()
    return conditions
