"""The provisioning service resource: its life, its keys, its linked hubs."""

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from helpers.local_dps.endpoints import Endpoints, authority
from helpers.local_dps.errors import resource_manager
from helpers.local_dps.errors import resource_provider as errors
from helpers.local_dps.management.front_door import (
    GROUP,
    SERVICE,
    SUBSCRIPTION,
    FrontDoor,
    json_object,
    read_tags,
    same_location,
    service_id,
)
from helpers.local_dps.management.hubs import describe_hub, read_hubs
from helpers.local_dps.routing import Answer, Call, Route
from helpers.local_dps.store import (
    OWNER_RIGHTS,
    AccessPolicy,
    ServiceRow,
    Store,
    new_id_scope,
    new_key,
    new_owner_policy,
    new_row_version,
)

__all__ = ["Services"]

_NAME = re.compile(r"(?![0-9]+$)(?!-)[a-zA-Z0-9-]{2,49}[a-zA-Z0-9]")
_POLICY_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+._^|~-]{1,64}")
_ALLOCATION_POLICIES = ("Hashed", "GeoLatency", "Static")
_ECHOED = (
    "publicNetworkAccess",
    "ipFilterRules",
    "enableDataResidency",
    "portalOperationsHostName",
    "disableLocalAuth",
    "minTlsVersion",
)
_PROVIDER = "/providers/Microsoft.Devices"
_BEGUN = {"state": "Activating", "provisioningState": "Accepted"}
_CHANGING = {"state": "Transitioning", "provisioningState": "Accepted"}
_DONE = {"state": "Active", "provisioningState": "Succeeded"}


class Services:
    """Creation, change and deletion are long-running operations, as in Azure; here they are over when they are answered."""

    def __init__(self, store: Store, door: FrontDoor, endpoints: Endpoints) -> None:
        self._store = store
        self._door = door
        self._endpoints = endpoints
        collection = _PROVIDER + "/provisioningServices"
        name_check = SUBSCRIPTION + _PROVIDER + "/checkProvisioningServiceNameAvailability"
        self.routes = (
            Route("GET", SERVICE, door.of_dps(self._get)),
            Route("PUT", SERVICE, door.of_dps(self._put)),
            Route("PATCH", SERVICE, door.of_dps(self._patch)),
            Route("DELETE", SERVICE, door.of_dps(self._delete)),
            Route("GET", SERVICE + "/operationResults/{operation}", door.of_dps(self._operation)),
            Route("GET", SERVICE + "/skus", door.of_dps(self._skus)),
            Route("POST", SERVICE + "/listkeys", door.of_dps(self._list_keys)),
            Route("POST", SERVICE + "/keys/{key}/listkeys", door.of_dps(self._key)),
            Route("GET", GROUP + collection, door.of_dps(self._list_in_group)),
            Route("GET", SUBSCRIPTION + collection, door.of_dps(self._list)),
            Route("POST", name_check, door.of_dps(self._check_name)),
        )

    # --- reading ---

    def _get(self, call: Call) -> Answer:
        return Answer(200, self._answer(call, self._door.service(call)))

    def _list_in_group(self, call: Call) -> Answer:
        rows = self._store.services.in_group(self._door.group(call).name)
        return Answer(200, {"value": [self._answer(call, row) for row in rows]})

    def _list(self, call: Call) -> Answer:
        return Answer(200, {"value": [self._answer(call, row) for row in self._store.services.all()]})

    def _skus(self, call: Call) -> Answer:
        self._door.service(call)
        return Answer(200, {"value": [{"name": "S1"}]})

    def _list_keys(self, call: Call) -> Answer:
        return Answer(200, {"value": [_rule(policy) for policy in self._door.service(call).policies]})

    def _key(self, call: Call) -> Answer:
        name = call.parameters["key"]
        for policy in self._door.service(call).policies:
            if policy.name.lower() == name.lower():
                return Answer(200, _rule(policy))
        raise errors.key_not_found(name)

    def _check_name(self, call: Call) -> Answer:
        """`reason` is Invalid for a name that is free, too: so says the real service."""
        name = json_object(call).get("name")
        if not isinstance(name, str):
            raise errors.service_not_understood("The name is missing.", "Send {'name': …}.")
        if not _NAME.fullmatch(name):
            message = errors.bad_service_name(name)
            return Answer(200, {"nameAvailable": False, "reason": "Invalid", "message": message.explanation})
        if self._store.services.get(name) is not None:
            message = errors.service_name_taken(name)
            return Answer(200, {"nameAvailable": False, "reason": "AlreadyExists", "message": message.message})
        return Answer(200, {"nameAvailable": True, "reason": "Invalid", "message": None})

    def _operation(self, call: Call) -> Answer:
        operation = call.parameters["operation"]
        if not self._store.services.has_operation(operation, self._path(call)):
            raise errors.operation_not_found(operation)
        return Answer(200, {"status": "Succeeded"})

    # --- changing ---

    def _put(self, call: Call) -> Answer:
        group, present = self._door.group(call), self._door.find_service(call)
        name = call.parameters["service"]
        if not _NAME.fullmatch(name):
            raise errors.bad_service_name(name)
        if present is None and self._store.services.get(name) is not None:
            raise errors.service_name_taken(name)
        self._check_conditions(call, present)
        sent = json_object(call)
        row = ServiceRow(
            id=present.id if present else 0,
            resource_group=group.name,
            name=present.name if present else name,
            id_scope=present.id_scope if present else new_id_scope(),
            etag=new_row_version(),
            location=_location(sent, present),
            tags=read_tags(sent.get("tags")),
            sku=_sku(sent.get("sku")),
            **self._properties(sent.get("properties"), present),
        )
        if present:
            self._store.services.update(row)
        else:
            self._store.services.insert(row)
        return Answer(
            200 if present else 201,
            self._answer(call, row, _CHANGING),
            {"Azure-AsyncOperation": self._begin(call) + "&asyncinfo", "Retry-After": "1"},
        )

    def _patch(self, call: Call) -> Answer:
        """Tags and nothing else."""
        row = self._door.service(call)
        self._check_conditions(call, row)
        tags = read_tags(json_object(call).get("tags", row.tags))
        changed = replace(row, tags=tags, etag=new_row_version())
        self._store.services.update(changed)
        return Answer(200, self._answer(call, changed))

    def _delete(self, call: Call) -> Answer:
        row = self._door.service(call)
        self._check_conditions(call, row)
        self._store.services.delete(row)
        location = self._begin(call)
        headers = {"Azure-AsyncOperation": location + "&asyncinfo", "Location": location, "Retry-After": "1"}
        return Answer(202, None, headers)

    def _check_conditions(self, call: Call, present: ServiceRow | None) -> None:
        wanted = call.if_match()
        if present is None:
            stale = wanted is not None
        else:
            stale = wanted not in (None, "*", present.etag) or "if-none-match" in call.headers
        if stale:
            raise errors.service_changed()

    def _properties(self, sent: Any, present: ServiceRow | None) -> dict[str, Any]:
        if not isinstance(sent, dict):
            raise errors.service_not_understood("The properties are missing.", "properties is an object; {} will do.")
        allocation = sent.get("allocationPolicy")
        if allocation is None:
            allocation = "Hashed"
        if allocation not in _ALLOCATION_POLICIES:
            raise errors.service_not_understood(
                "allocationPolicy is invalid.", f"It is one of {', '.join(_ALLOCATION_POLICIES)}."
            )
        kept = {name: sent[name] for name in _ECHOED if sent.get(name) is not None}
        return {
            "properties": {"allocationPolicy": allocation, **kept},
            "policies": _policies(sent.get("authorizationPolicies"), present),
            "iot_hubs": read_hubs(sent.get("iotHubs")),
        }

    def _begin(self, call: Call) -> str:
        """The address of a new long-running operation."""
        operation = base64.b64encode(f"id=os_id_{uuid4()};region=local".encode()).decode()
        path = self._path(call)
        self._store.services.add_operation(operation, path, call.now.isoformat())
        return f"https://{call.host}{quote(path)}/operationResults/{operation}?api-version={call.query['api-version']}"

    def _path(self, call: Call) -> str:
        return SERVICE.format(**call.parameters)

    def _answer(self, call: Call, row: ServiceRow, state: Mapping[str, Any] = _DONE) -> dict[str, Any]:
        properties: dict[str, Any] = {"iotHubs": [describe_hub(hub) for hub in row.iot_hubs]}
        port = self._endpoints.ports.get(row.id)
        if port is None:  # nobody answers there yet
            properties |= {"idScope": None, **row.properties, **_BEGUN}
        else:
            hosts = {
                "serviceOperationsHostName": authority(call.name, port),
                "deviceProvisioningHostName": authority(call.name, self._endpoints.device_port),
            }
            properties |= {**hosts, "idScope": row.id_scope, **row.properties, **state}
        subscription = self._store.identity.subscription_id
        return {
            "etag": row.etag,
            "name": row.name,
            "location": row.location,
            "properties": properties,
            "resourcegroup": row.resource_group,
            "type": "Microsoft.Devices/provisioningServices",
            "id": service_id(subscription, row),
            "subscriptionid": subscription,
            "tags": row.tags,
            "sku": row.sku,
        }


def _location(sent: Mapping[str, Any], present: ServiceRow | None) -> str:
    location = sent.get("location")
    if not isinstance(location, str) or not location:
        raise resource_manager.location_required()
    return same_location(present, location)


def _sku(sent: Any) -> Mapping[str, Any]:
    if not isinstance(sent, dict) or sent.get("name") != "S1":
        raise errors.service_not_understood("The sku is invalid.", "It is {'name': 'S1', 'capacity': 1}.")
    capacity = sent.get("capacity")
    if capacity is None:
        capacity = 1
    if not isinstance(capacity, int) or isinstance(capacity, bool) or not 1 <= capacity <= 1_000_000:
        raise errors.service_not_understood("The sku's capacity is invalid.", "It is a whole number from 1.")
    return {"name": "S1", "tier": "Standard", "capacity": capacity}


def _policies(sent: Any, present: ServiceRow | None) -> tuple[AccessPolicy, ...]:
    """The access policies after a PUT: those sent, or else those that were there. A missing key is made anew."""
    if sent is None or sent == []:
        return present.policies if present else (new_owner_policy(),)
    if not isinstance(sent, list) or not all(isinstance(rule, dict) for rule in sent):
        raise errors.service_not_understood("authorizationPolicies is invalid.", "It is a list of rules.")
    policies = tuple(_policy(rule) for rule in sent)
    if len({policy.name.lower() for policy in policies}) < len(policies):
        raise errors.service_not_understood("Two access policies have one name.", "Names are compared without case.")
    return policies


def _policy(rule: Mapping[str, Any]) -> AccessPolicy:
    name = rule.get("keyName")
    if not isinstance(name, str) or not _POLICY_NAME.fullmatch(name):
        raise errors.service_not_understood("An access policy's keyName is invalid.", "It has 1 to 64 characters.")
    wanted = rule.get("rights")
    rights = [right.strip() for right in wanted.split(",")] if isinstance(wanted, str) else []
    if not rights or not set(rights) <= set(OWNER_RIGHTS):
        raise errors.service_not_understood(
            f"The rights of the access policy '{name}' are invalid.",
            f"They are some of {', '.join(OWNER_RIGHTS)}, with commas between them.",
        )
    primary, secondary = (_key(rule.get(key)) or new_key() for key in ("primaryKey", "secondaryKey"))
    return AccessPolicy(name, ", ".join(rights), primary, secondary)


def _key(sent: Any) -> str | None:
    if sent is None or sent == "":
        return None
    try:
        if isinstance(sent, str) and len(base64.b64decode(sent, validate=True)) >= 16:
            return sent
    except ValueError:
        pass
    raise errors.service_not_understood("An access policy's key is invalid.", "A key is base64 of 16 bytes or more.")


def _rule(policy: AccessPolicy) -> Mapping[str, str]:
    return {
        "keyName": policy.name,
        "primaryKey": policy.primary_key,
        "secondaryKey": policy.secondary_key,
        "rights": policy.rights,
    }
