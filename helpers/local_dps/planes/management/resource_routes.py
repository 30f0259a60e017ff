"""The parts of Resource Manager around a service: the cloud, tenants, subscriptions and resource groups."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...errors import resource_manager as errors
from ...request.routing import Request, Response, Route
from ...store import ResourceGroupRow, Store
from ..identity.tokens import MANAGEMENT_AUDIENCE
from .management_door import (
    GROUP_PATH,
    PROVIDER_PATH,
    SUBSCRIPTION_PATH,
    ManagementDoor,
    normalized,
    read_location,
    read_tags,
    same_location,
)

__all__ = ["ResourceRoutes"]

_LOCATIONS = ("Local", "East US", "West US", "North Europe", "West Europe")
_OLD_METADATA = "2015-01-01"  # azure-cli up to 2.65 reads the form of this version
_GROUP_NAME = re.compile(r"[\w().-]{0,89}[\w()-]")


class ResourceRoutes:
    """The routes of the one tenant, its one subscription, and the resource groups in it."""

    def __init__(self, store: Store, door: ManagementDoor) -> None:
        self._store = store
        self._door = door
        self.routes = (
            Route("GET", "/metadata/endpoints", self._metadata),
            Route("GET", "/tenants", door.of_resource_manager(self._tenants)),
            Route("GET", "/subscriptions", door.of_resource_manager(self._subscriptions)),
            Route("GET", SUBSCRIPTION_PATH, door.of_resource_manager(self._get_subscription)),
            Route("GET", SUBSCRIPTION_PATH + "/locations", door.of_resource_manager(self._locations)),
            Route("GET", SUBSCRIPTION_PATH + PROVIDER_PATH + "/IotHubs", door.of_resource_manager(self._hubs)),
            Route("GET", SUBSCRIPTION_PATH + "/resourceGroups", door.of_resource_manager(self._groups)),
            Route("GET", GROUP_PATH, door.of_resource_manager(self._get_group)),
            Route("HEAD", GROUP_PATH, door.of_resource_manager(self._has_group)),
            Route("PUT", GROUP_PATH, door.of_resource_manager(self._put_group)),
            Route("PATCH", GROUP_PATH, door.of_resource_manager(self._patch_group)),
            Route("DELETE", GROUP_PATH, door.of_resource_manager(self._delete_group)),
        )

    def _metadata(self, request: Request) -> Response:
        """Return the endpoints of this cloud, which `az cloud register` reads before anyone has signed in."""
        here = f"https://{request.host}"
        if request.query.get("api-version") == _OLD_METADATA:
            authentication = {"loginEndpoint": here, "audiences": [f"{MANAGEMENT_AUDIENCE}/"]}
            endpoints = {f"{name}Endpoint": here for name in ("gallery", "graph", "portal")}
            return Response(200, {**endpoints, "authentication": authentication})
        return Response(
            200,
            {
                "name": "local",
                "portal": here,
                "resourceManager": here,
                "authentication": {
                    "loginEndpoint": here,
                    "audiences": [f"{MANAGEMENT_AUDIENCE}/"],
                    "tenant": self._store.identity.tenant_id,
                    "identityProvider": "AAD",
                },
                "suffixes": {},
                "graph": here,
                "graphAudience": here,
                "batch": here,
                "media": here,
                "gallery": here,
                "sqlManagement": here,
                "vmImageAliasDoc": here,
                "activeDirectoryDataLake": here,
                "microsoftGraphResourceId": here,
                "ossrdbmsResourceId": here,
                "logAnalyticsResourceId": here,
                "appInsightsResourceId": here,
                "synapseAnalyticsResourceId": here,
                "attestationResourceId": here,
            },
        )

    def _tenants(self, _request: Request) -> Response:
        tenant = self._store.identity.tenant_id
        described = {
            "id": f"/tenants/{tenant}",
            "tenantId": tenant,
            "displayName": "Local DPS",
            "tenantCategory": "Home",
        }
        return Response(200, {"value": [described]})

    def _subscriptions(self, _request: Request) -> Response:
        return Response(200, {"value": [self._subscription()]})

    def _get_subscription(self, _request: Request) -> Response:
        return Response(200, self._subscription())

    def _locations(self, _request: Request) -> Response:
        """Return the locations that the Azure CLI accepts. A location has no effect here."""
        above = f"/subscriptions/{self._store.identity.subscription_id}/locations"
        named = {normalized(display): display for display in _LOCATIONS}
        described = [{"id": f"{above}/{name}", "name": name, "displayName": display} for name, display in named.items()]
        return Response(200, {"value": described})

    def _hubs(self, _request: Request) -> Response:
        """Return the IoT hubs of the subscription. There are none, because the linked hubs are only names."""
        return Response(200, {"value": []})

    def _subscription(self) -> Mapping[str, Any]:
        identity = self._store.identity
        return {
            "id": f"/subscriptions/{identity.subscription_id}",
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
            "subscriptionId": identity.subscription_id,
            "tenantId": identity.tenant_id,
            "displayName": "Local DPS",
            "state": "Enabled",
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "PayAsYouGo_2014-09-01",
                "spendingLimit": "Off",
            },
        }

    def _groups(self, _request: Request) -> Response:
        return Response(200, {"value": [self._group(row) for row in self._store.resource_groups.all()]})

    def _get_group(self, request: Request) -> Response:
        return Response(200, self._group(self._door.group(request)))

    def _has_group(self, request: Request) -> Response:
        self._door.group(request)
        return Response(204)

    def _put_group(self, request: Request) -> Response:
        name = request.parameters["group"]
        if not _GROUP_NAME.fullmatch(name):
            raise errors.request_invalid(
                f"The resource group name '{name}' is invalid.",
                "A name has 1 to 90 letters, digits and ( ) - _ . and does not end in a full stop.",
            )
        sent = _body(request)
        present = self._store.resource_groups.get(name)
        row = ResourceGroupRow(
            present.name if present else name,
            same_location(present, normalized(read_location(sent))),
            read_tags(sent.get("tags")),
        )
        self._store.resource_groups.put(row)
        return Response(200 if present else 201, self._group(row))

    def _patch_group(self, request: Request) -> Response:
        """Change the tags only. A body without tags changes nothing."""
        present, sent = self._door.group(request), _body(request)
        row = replace(present, tags=read_tags(sent.get("tags", present.tags)))
        self._store.resource_groups.put(row)
        return Response(200, self._group(row))

    def _delete_group(self, request: Request) -> Response:
        self._store.resource_groups.delete(self._door.group(request).name)
        return Response(200)

    def _group(self, row: ResourceGroupRow) -> Mapping[str, Any]:
        return {
            "id": GROUP_PATH.format(subscription=self._store.identity.subscription_id, group=row.name),
            "name": row.name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": row.location,
            "tags": row.tags,
            "properties": {"provisioningState": "Succeeded"},
        }


def _body(request: Request) -> Mapping[str, Any]:
    """Return the body of a request to Resource Manager itself."""
    try:
        return request.json_object()
    except ValueError as error:
        raise errors.request_invalid("The request content is invalid.", "The body is not a JSON object.") from error
