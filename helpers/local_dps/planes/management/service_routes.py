"""The provisioning service resource: create, read, change and delete it, and read its keys."""

import base64
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from ...errors import resource_provider as errors
from ...request.endpoints import Endpoints, host_and_port
from ...request.routing import Request, Response, Route
from ...store import ServiceRow, Store, new_id_scope, new_row_version
from .access_policies import describe_policy
from .linked_hubs import describe_hub
from .management_door import (
    GROUP_PATH,
    PROVIDER_PATH,
    SERVICE_PATH,
    SERVICE_RESOURCE_TYPE,
    SUBSCRIPTION_PATH,
    ManagementDoor,
    normalized,
    provider_body,
    read_location,
    read_tags,
    resource_id,
    same_location,
)
from .service_document import read_properties, read_sku

__all__ = ["ServiceRoutes"]

_SERVICE_NAME = re.compile(r"(?![0-9]+$)(?!-)[a-zA-Z0-9-]{2,49}[a-zA-Z0-9]")
_OPERATION = SUBSCRIPTION_PATH + PROVIDER_PATH + "/locations/{location}/provisioningserviceoperationresults/{operation}"
_BEGUN = {"state": "Activating", "provisioningState": "Accepted"}
_CHANGING = {"state": "Transitioning", "provisioningState": "Accepted"}
_DONE = {"state": "Active", "provisioningState": "Succeeded"}


class ServiceRoutes:
    """The routes of the service resource.

    As in Azure, creating, changing and deleting are long-running operations. Here they are complete when answered.
    """

    def __init__(self, store: Store, door: ManagementDoor, endpoints: Endpoints, known_hubs: Collection[str]) -> None:
        """
        Args:
            known_hubs: the host names, in lower case, of the hubs that exist; empty if a hub of any name exists.
        """
        self._store = store
        self._door = door
        self._endpoints = endpoints
        self._known_hubs = known_hubs
        collection = PROVIDER_PATH + "/provisioningServices"
        name_check = SUBSCRIPTION_PATH + PROVIDER_PATH + "/checkProvisioningServiceNameAvailability"
        self.routes = (
            Route("GET", SERVICE_PATH, door.of_dps(self._get)),
            Route("HEAD", SERVICE_PATH, door.of_dps(self._exists)),
            Route("PUT", SERVICE_PATH, door.of_dps(self._put)),
            Route("PATCH", SERVICE_PATH, door.of_dps(self._patch)),
            Route("DELETE", SERVICE_PATH, door.of_dps(self._delete)),
            Route("GET", _OPERATION, door.of_dps(self._operation)),
            Route("GET", SERVICE_PATH + "/operationResults/{operation}", door.of_dps(self._operation_of_service)),
            Route("GET", SERVICE_PATH + "/skus", door.of_dps(self._skus)),
            Route("POST", SERVICE_PATH + "/listkeys", door.of_dps(self._list_keys)),
            Route("POST", SERVICE_PATH + "/keys/{key}/listkeys", door.of_dps(self._key)),
            Route("GET", GROUP_PATH + collection, door.of_dps(self._list_in_group)),
            Route("GET", SUBSCRIPTION_PATH + collection, door.of_dps(self._list)),
            Route("POST", name_check, door.of_dps(self._check_name)),
        )

    # --- reading ---

    def _get(self, request: Request) -> Response:
        return Response(200, self._answer(request, self._door.service(request)))

    def _exists(self, request: Request) -> Response:
        self._door.service(request)
        return Response(204)

    def _list_in_group(self, request: Request) -> Response:
        rows = self._store.services.in_group(self._door.group(request).name)
        return Response(200, {"value": [self._answer(request, row) for row in rows]})

    def _list(self, request: Request) -> Response:
        return Response(200, {"value": [self._answer(request, row) for row in self._store.services.all()]})

    def _skus(self, request: Request) -> Response:
        self._door.service(request)
        return Response(200, {"value": [{"name": "S1"}]})

    def _list_keys(self, request: Request) -> Response:
        return Response(200, {"value": [describe_policy(policy) for policy in self._door.service(request).policies]})

    def _key(self, request: Request) -> Response:
        name = request.parameters["key"]
        for policy in self._door.service(request).policies:
            if policy.name.lower() == name.lower():
                return Response(200, describe_policy(policy))
        raise errors.key_not_found(name)

    def _check_name(self, request: Request) -> Response:
        """Say whether a name is free. Even then `reason` is Invalid, as from the real service."""
        name = provider_body(request).get("name")
        if not isinstance(name, str):
            raise errors.service_not_understood("The name is missing.", "Send {'name': …} in the body.")
        if not _SERVICE_NAME.fullmatch(name):
            message = errors.bad_service_name(name)
            return Response(200, {"nameAvailable": False, "reason": "Invalid", "message": message.explanation})
        if self._store.services.get(name) is not None:
            message = errors.service_name_taken(name)
            return Response(200, {"nameAvailable": False, "reason": "AlreadyExists", "message": message.message})
        return Response(200, {"nameAvailable": True, "reason": "Invalid", "message": None})

    def _operation(self, request: Request) -> Response:
        return self._succeeded(request, None)

    def _operation_of_service(self, request: Request) -> Response:
        """Answer at the path that Azure used until 2023, which is still in the specification."""
        return self._succeeded(request, self._path(request))

    def _succeeded(self, request: Request, service_path: str | None) -> Response:
        operation = request.parameters["operation"]
        if not self._store.services.has_operation(operation, service_path):
            raise errors.operation_not_found(operation)
        return Response(200, {"status": "Succeeded"})

    # --- changing ---

    def _put(self, request: Request) -> Response:
        group, present = self._door.group(request), self._door.find_service(request)
        name = request.parameters["service"]
        if not _SERVICE_NAME.fullmatch(name):
            raise errors.bad_service_name(name)
        if present is None and self._store.services.get(name) is not None:
            raise errors.service_name_taken(name)
        self._check_conditions(request, present)
        sent = provider_body(request)
        location = same_location(present, read_location(sent))
        row = ServiceRow(
            id=present.id if present else 0,
            resource_group=group.name,
            name=present.name if present else name,
            id_scope=present.id_scope if present else new_id_scope(),
            etag=new_row_version(),
            location=location,
            tags=read_tags(sent.get("tags")),
            sku=read_sku(sent.get("sku")),
            **read_properties(sent.get("properties"), location, present, self._known_hubs),
        )
        if present:
            self._store.services.update(row)
        else:
            self._store.services.insert(row)
        headers = {"Azure-AsyncOperation": self._begin(request, row) + "&asyncinfo"}
        return Response(201, self._answer_put(row, sent, _CHANGING if present else _BEGUN), headers)

    def _patch(self, request: Request) -> Response:
        """Change the tags only."""
        row = self._door.service(request)
        self._check_conditions(request, row)
        tags = read_tags(provider_body(request).get("tags", row.tags))
        changed = replace(row, tags=tags, etag=new_row_version())
        self._store.services.update(changed)
        return Response(200, self._answer(request, changed))

    def _delete(self, request: Request) -> Response:
        row = self._door.service(request)
        self._check_conditions(request, row)
        self._store.services.delete(row)
        location = self._begin(request, row)
        return Response(202, None, {"Azure-AsyncOperation": location + "&asyncinfo", "Location": location})

    def _check_conditions(self, request: Request, present: ServiceRow | None) -> None:
        wanted = request.if_match()
        if present is None:
            stale = wanted is not None
        else:
            stale = wanted not in (None, "*", present.etag) or "if-none-match" in request.headers
        if stale:
            raise errors.service_changed()

    def _begin(self, request: Request, row: ServiceRow) -> str:
        """Start a long-running operation, and return its URL."""
        location = normalized(row.location)
        operation = base64.urlsafe_b64encode(f"id=os_id_{uuid4()};region={location}".encode()).decode()
        self._store.services.add_operation(operation, self._path(request), request.now.isoformat())
        path = _OPERATION.format(
            subscription=request.parameters["subscription"], location=quote(location, safe=""), operation=operation
        )
        return f"https://{request.host}{path}?api-version={request.query['api-version']}"

    def _path(self, request: Request) -> str:
        return SERVICE_PATH.format(**request.parameters)

    def _answer(self, request: Request, row: ServiceRow) -> dict[str, Any]:
        properties: dict[str, Any] = {"iotHubs": _hubs(row)}
        port = self._endpoints.ports.get(row.id)
        if port is None:  # the service has no port yet
            properties |= {"idScope": None, **row.properties, **_BEGUN}
        else:
            hosts = {
                "serviceOperationsHostName": host_and_port(request.name, port),
                "deviceProvisioningHostName": host_and_port(request.name, self._endpoints.device_port),
            }
            properties |= {**hosts, "idScope": row.id_scope, **row.properties, **_DONE}
        return {"etag": row.etag, **self._resource(row, properties)}

    def _answer_put(self, row: ServiceRow, sent: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a PUT, when the operation has just started: Azure repeats only what the client sent."""
        properties = {"idScope": None, **row.properties, **state}
        if sent["properties"].get("iotHubs") is not None:
            properties["iotHubs"] = _hubs(row)
        if sent["properties"].get("authorizationPolicies"):
            properties["authorizationPolicies"] = [describe_policy(policy) for policy in row.policies]
        etag = {} if sent.get("etag") is None else {"etag": sent["etag"]}
        return {**etag, **self._resource(row, properties)}

    def _resource(self, row: ServiceRow, properties: Mapping[str, Any]) -> dict[str, Any]:
        subscription = self._store.identity.subscription_id
        return {
            "name": row.name,
            "location": row.location,
            "properties": properties,
            "resourcegroup": row.resource_group,
            "type": SERVICE_RESOURCE_TYPE,
            "id": resource_id(subscription, row),
            "subscriptionid": subscription,
            "tags": row.tags,
            "sku": row.sku,
        }


def _hubs(row: ServiceRow) -> list[Mapping[str, Any]]:
    return [describe_hub(hub) for hub in row.iot_hubs]
