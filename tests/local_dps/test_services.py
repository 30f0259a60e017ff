"""The provisioning service resource on the wire: its life, names, ETags, tags, linked hubs and access policies."""

import base64
import itertools
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers.local_dps import running
from tests.crafting import root
from tests.local_dps import services
from tests.local_dps.assertions import assert_provider_refuses
from tests.local_dps.wire import NEWEST, LocalService, Reply, group_body, signature

NAME = re.compile(r"(?![0-9]+$)(?!-)[a-zA-Z0-9-]{2,49}[a-zA-Z0-9]")  # of the newest specification
FRESH_ETAG = base64.b64encode(b"\0\0\0fresh").decode()


def without_etag(service: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in service.items() if name != "etag"}


# --- its life ---------------------------------------------------------------------------------------------------------


def test_a_creation_is_answered_as_an_operation_that_has_begun(dps: LocalService) -> None:
    path = services.service_path(dps, "second")
    reply = services.ask(dps, "PUT", path, services.description(location="westus", tags={"a": "b"}))
    assert reply.status == 201
    body = reply.json
    assert body["properties"]["state"] == "Activating"
    assert body["properties"]["provisioningState"] == "Accepted"
    assert body["properties"]["allocationPolicy"] == "Hashed"
    assert body["properties"]["idScope"] is None
    assert not any(name.endswith("HostName") for name in body["properties"])
    assert (body["id"], body["name"], body["type"]) == (path, "second", "Microsoft.Devices/provisioningServices")
    assert (body["location"], body["tags"]) == ("westus", {"a": "b"})
    assert body["sku"] == {"name": "S1", "tier": "Standard", "capacity": 1}
    assert body["resourcegroup"] == dps.connection["resource_group"]
    assert body["subscriptionid"] == dps.connection["subscription_id"]
    assert "etag" not in body
    assert "Retry-After" not in reply.headers
    asynchronous = reply.headers["Azure-AsyncOperation"]
    above = f"{services.subscription(dps)}/providers/Microsoft.Devices/locations/westus/provisioningserviceoperationresults/"
    found = re.search(re.escape(above) + r"([A-Za-z0-9_=-]+)\?api-version=2026-11-01&asyncinfo$", asynchronous)
    assert found
    assert re.fullmatch(rb"id=os_id_[0-9a-f-]{36};region=westus", base64.urlsafe_b64decode(found[1]))
    polled = services.poll(dps, asynchronous)
    assert (polled.status, polled.json) == (200, {"status": "Succeeded"})


def test_a_service_is_active_once_it_is_created(dps: LocalService) -> None:
    made = services.create(dps, "second")
    properties = made["properties"]
    assert (properties["state"], properties["provisioningState"]) == ("Active", "Succeeded")
    assert (properties["iotHubs"], properties["allocationPolicy"]) == ([], "Hashed")
    assert re.fullmatch(r"0ne[0-9A-F]{8}", properties["idScope"])
    assert len(base64.b64decode(made["etag"], validate=True)) == 8
    assert re.fullmatch(r"localhost:\d+", properties["serviceOperationsHostName"])
    assert properties["deviceProvisioningHostName"] == services.read(dps)["properties"]["deviceProvisioningHostName"]


def test_an_update_is_answered_as_an_operation_that_has_begun(dps: LocalService) -> None:
    before = services.read(dps)
    reply = dps.manage("PUT", "", services.description(tags={"x": "y"}, properties={"allocationPolicy": "Static"}))
    assert reply.status == 201
    properties = reply.json["properties"]
    assert (properties["state"], properties["provisioningState"]) == ("Transitioning", "Accepted")
    assert (properties["idScope"], "etag" in reply.json) == (None, False)
    assert not {"serviceOperationsHostName", "deviceProvisioningHostName", "iotHubs", "authorizationPolicies"} & {
        *properties
    }
    assert services.poll(dps, reply.headers["Azure-AsyncOperation"]).json == {"status": "Succeeded"}
    after = services.read(dps)
    assert (after["properties"]["state"], after["properties"]["provisioningState"]) == ("Active", "Succeeded")
    assert (after["tags"], after["properties"]["allocationPolicy"]) == ({"x": "y"}, "Static")
    assert after["properties"]["serviceOperationsHostName"] == before["properties"]["serviceOperationsHostName"]
    assert after["properties"]["idScope"] == before["properties"]["idScope"]


def test_the_answer_to_an_update_repeats_only_the_values_in_the_request(dps: LocalService) -> None:
    present = services.read(dps)
    reader = {"keyName": "reader", "rights": "EnrollmentRead"}
    reply = services.updated(dps, iotHubs=[services.hub()], authorizationPolicies=[reader])
    assert (reply.status, reply.json["etag"]) == (201, present["etag"])
    assert [each["name"] for each in reply.json["properties"]["iotHubs"]] == ["hub.azure-devices.net"]
    assert reply.json["properties"]["authorizationPolicies"] == list(services.rules(dps).values())
    assert services.read(dps)["etag"] != present["etag"]


def test_an_update_leaves_keys_certificates_and_groups_alone(dps: LocalService) -> None:
    dps.upload("ca", root().pem)
    dps.put_group(group_body("g1", reference="ca"))
    before = dps.everything()
    keys = dps.keys()
    assert dps.manage("PUT", "", services.description()).status == 201
    after = dps.everything()
    assert (after["certificates"], after["groups"], dps.keys()) == (before["certificates"], before["groups"], keys)


def test_a_patch_changes_the_tags_and_nothing_else(dps: LocalService) -> None:
    before = services.read(dps)
    body = {"tags": {"a": "b"}, "location": "elsewhere", "sku": {"name": "S9"}, "properties": {"iotHubs": []}}
    reply = dps.manage("PATCH", "", body)
    assert reply.status == 200
    assert (reply.json["properties"]["state"], reply.json["properties"]["provisioningState"]) == ("Active", "Succeeded")
    after = services.read(dps)
    assert after == reply.json
    assert after["etag"] != before["etag"]
    assert without_etag(after) == without_etag(before) | {"tags": {"a": "b"}}


def test_a_patch_without_tags_leaves_them(dps: LocalService) -> None:
    dps.manage("PATCH", "", {"tags": {"a": "b"}})
    assert dps.manage("PATCH", "", {}).status == 200
    assert services.read(dps)["tags"] == {"a": "b"}


def test_a_deletion_is_answered_as_an_operation_that_outlives_the_service(dps: LocalService) -> None:
    path = services.service_path(dps, "second")
    services.create(dps, "second")
    reply = services.ask(dps, "DELETE", path)
    assert reply.status == 202
    assert (reply.content, reply.headers["Content-Type"]) == (b"null", "application/json; charset=utf-8")
    assert "Retry-After" not in reply.headers
    assert reply.headers["Azure-AsyncOperation"] == reply.headers["Location"] + "&asyncinfo"
    gone = services.ask(dps, "GET", path)
    assert (gone.status, gone.json["error"]["code"]) == (404, "ResourceNotFound")
    for header in ("Azure-AsyncOperation", "Location"):
        polled = services.poll(dps, reply.headers[header])
        assert (polled.status, polled.json) == (200, {"status": "Succeeded"})
    again = services.ask(dps, "DELETE", path)
    assert (again.status, again.json["error"]["code"]) == (404, "ResourceNotFound")


def test_a_service_of_a_name_that_was_deleted_is_a_new_one(dps: LocalService) -> None:
    dps.upload("ca", root().pem)
    dps.put_group(group_body("g1", reference="ca"))
    before, keys = services.read(dps), dps.keys()
    assert dps.manage("DELETE").status == 202
    after = services.create(dps, dps.connection["provisioning_service"])
    assert after["properties"]["idScope"] != before["properties"]["idScope"]
    assert dps.keys()["primaryKey"] != keys["primaryKey"]
    assert dps.manage("GET", "/certificates").json == {"value": []}


@pytest.mark.parametrize("spelling", ["operationResults", "operationresults", "OPERATIONRESULTS"])
@pytest.mark.parametrize("query", ["", "&asyncinfo", "&asyncinfo=true"])
def test_an_operation_is_found_in_any_spelling_of_its_path(shared_dps: LocalService, spelling: str, query: str) -> None:
    reply = shared_dps.manage("PUT", "", services.read(shared_dps))
    operation = urlsplit(reply.headers["Azure-AsyncOperation"]).path.rpartition("/")[2]
    path = f"{shared_dps.root}/{spelling}/{operation}?api-version={NEWEST}{query}"
    assert services.ask(shared_dps, "GET", path, version=None).json == {"status": "Succeeded"}


def test_an_operation_that_was_not_begun_on_this_service_is_not_found(dps: LocalService) -> None:
    services.create(dps, "second")
    reply = services.ask(dps, "PUT", services.service_path(dps, "second"), services.description())
    operation = urlsplit(reply.headers["Azure-AsyncOperation"]).path.rpartition("/")[2]
    for unknown in (operation, "nothing", "aWQ9"):
        assert_provider_refuses(dps.manage("GET", f"/operationResults/{unknown}"), 404, 404003, "NotFound")
    anywhere = (
        f"{services.subscription(dps)}/providers/Microsoft.Devices/locations/local/provisioningserviceoperationresults"
    )
    assert_provider_refuses(services.ask(dps, "GET", f"{anywhere}/nothing"), 404, 404003, "NotFound")


def test_a_missing_service_is_not_found_by_any_call(dps: LocalService) -> None:
    path = services.service_path(dps, "nothing")
    calls = [("GET", ""), ("DELETE", ""), ("PATCH", ""), ("GET", "/skus"), ("POST", "/listkeys")]
    for method, suffix in [*calls, ("POST", "/keys/provisioningserviceowner/listkeys"), ("GET", "/certificates")]:
        reply = services.ask(dps, method, path + suffix, {"tags": {}} if method == "PATCH" else None)
        assert (reply.status, reply.json["error"]["code"]) == (404, "ResourceNotFound")


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_service_is_in_the_lists_of_its_group_and_of_the_subscription(dps: LocalService) -> None:
    assert services.ask(dps, "PUT", services.group_path(dps, "other"), {"location": "local"}).status == 201
    first, second, third = services.read(dps), services.create(dps, "second", "other"), services.create(dps, "third")

    def listed(scope: str) -> Any:
        reply = services.ask(dps, "GET", f"{scope}/providers/Microsoft.Devices/provisioningServices")
        assert reply.status == 200
        return reply.json

    assert listed(services.subscription(dps)) == {"value": [first, second, third]}
    assert listed(services.group_path(dps, dps.connection["resource_group"])) == {"value": [first, third]}
    assert listed(services.group_path(dps, "OTHER")) == {"value": [second]}


def test_there_is_one_sku(shared_dps: LocalService) -> None:
    assert shared_dps.manage("GET", "/skus").json == {"value": [{"name": "S1"}]}


@pytest.mark.parametrize("name", ["provisioningserviceowner", "ProvisioningServiceOwner", "PROVISIONINGSERVICEOWNER"])
def test_one_key_is_returned_by_its_name_in_any_case(shared_dps: LocalService, name: str) -> None:
    reply = shared_dps.manage("POST", f"/keys/{name}/listkeys")
    assert (reply.status, reply.json) == (200, shared_dps.keys())


def test_a_missing_key_is_not_found(shared_dps: LocalService) -> None:
    assert_provider_refuses(shared_dps.manage("POST", "/keys/nobody/listkeys"), 404, 404004, "NotFound")


def test_keys_are_returned_to_post_only(shared_dps: LocalService) -> None:
    for suffix in ("/listkeys", "/keys/provisioningserviceowner/listkeys"):
        assert shared_dps.manage("GET", suffix).status == 405


# --- names ------------------------------------------------------------------------------------------------------------


def check_name(dps: LocalService, body: Any) -> Reply:
    return services.ask(
        dps,
        "POST",
        f"{services.subscription(dps)}/providers/Microsoft.Devices/checkProvisioningServiceNameAvailability",
        body,
    )


def test_a_free_name_is_available_with_the_reason_that_the_real_service_gives(shared_dps: LocalService) -> None:
    reply = check_name(shared_dps, {"name": "nobody-has-this"})
    assert (reply.status, reply.json) == (200, {"nameAvailable": True, "reason": "Invalid", "message": None})


@pytest.mark.parametrize("spelled", [str.lower, str.upper])
def test_a_taken_name_is_not_available(shared_dps: LocalService, spelled: Callable[[str], str]) -> None:
    reply = check_name(shared_dps, {"name": spelled(shared_dps.connection["provisioning_service"])})
    assert reply.status == 200
    assert (reply.json["nameAvailable"], reply.json["reason"]) == (False, "AlreadyExists")
    assert reply.json["message"]


@pytest.mark.parametrize("body", [{}, {"name": None}, {"name": 5}, {"name": ["a"]}, [], "a"])
def test_a_name_check_without_a_name_is_refused(shared_dps: LocalService, body: Any) -> None:
    assert check_name(shared_dps, body).status == 400


names = st.one_of(
    st.from_regex(NAME, fullmatch=True),
    st.text("aZ09-", min_size=1, max_size=52),
    st.text("0123456789", min_size=1, max_size=52),
    st.text("aZ0-_ é²", min_size=1, max_size=6),
)


@settings(max_examples=60, deadline=None)
@example("abc").via("the shortest")
@example("ab").via("too short")
@example("a" * 50).via("the longest")
@example("a" * 51).via("too long")
@example("1" * 10).via("digits alone")
@example("-ab").via("a hyphen first")
@example("ab-").via("a hyphen last")
@example("abc\n").via("a line end")
@given(names)
def test_only_names_that_match_the_specification_are_accepted(shared_dps: LocalService, name: str) -> None:
    good = NAME.fullmatch(name) is not None
    checked = check_name(shared_dps, {"name": name}).json
    assert (checked["nameAvailable"], checked["reason"]) == (good, "Invalid")
    assert (checked["message"] is None) is good
    before = services.census(shared_dps)
    reply = services.ask(shared_dps, "PUT", services.service_path(shared_dps, name), services.description())
    if good:
        assert (reply.status, reply.json["name"]) == (201, name)
        assert services.ask(shared_dps, "DELETE", services.service_path(shared_dps, name)).status == 202
    else:
        assert_provider_refuses(reply, 400, 400005, "BadRequest")
    assert services.census(shared_dps) == before


def test_a_name_that_another_group_has_is_taken(dps: LocalService) -> None:
    services.ask(dps, "PUT", services.group_path(dps, "other"), {"location": "local"})
    before = services.census(dps)
    for name in (dps.connection["provisioning_service"], dps.connection["provisioning_service"].upper()):
        reply = services.ask(dps, "PUT", services.service_path(dps, name, "other"), services.description())
        assert_provider_refuses(reply, 409, 409001, "Conflict")
    assert services.census(dps) == before


def test_a_name_in_another_case_is_the_same_service(dps: LocalService) -> None:
    before = services.read(dps)
    reply = services.ask(dps, "PUT", dps.root.upper(), before)
    assert (reply.status, reply.json["name"], reply.json["id"]) == (201, before["name"], before["id"])
    assert without_etag(services.read(dps)) == without_etag(before)


def test_a_service_needs_its_resource_group(dps: LocalService) -> None:
    before = services.census(dps)
    reply = services.ask(dps, "PUT", services.service_path(dps, "second", "nowhere"), services.description())
    assert (reply.status, reply.json["error"]["code"]) == (404, "ResourceGroupNotFound")
    assert services.census(dps) == before


# --- what a PUT must say ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["absent", None, 5, ""])
@pytest.mark.parametrize("member", ["location", "sku", "properties"])
def test_location_sku_and_properties_are_required(shared_dps: LocalService, member: str, value: Any) -> None:
    body = services.description(**{member: value})
    if value == "absent":
        del body[member]
    before = services.census(shared_dps)
    for path in (services.service_path(shared_dps, "second"), shared_dps.root):
        assert services.ask(shared_dps, "PUT", path, body).status == 400
    assert services.census(shared_dps) == before


def test_a_service_does_not_move(dps: LocalService) -> None:
    before = services.census(dps)
    reply = dps.manage("PUT", "", services.description(location="westus"))
    assert (reply.status, reply.json["error"]["code"]) == (409, "InvalidResourceLocation")
    assert services.census(dps) == before


def test_a_location_may_be_spelled_in_another_way(dps: LocalService) -> None:
    path = services.service_path(dps, "second")
    for spelling in ("West US", "westus", "WestUS"):
        reply = services.ask(dps, "PUT", path, services.description(location=spelling))
        assert (reply.status, reply.json["location"]) == (201, "West US")


BAD: dict[str, dict[str, Any]] = {
    "sku S2": {"sku": {"name": "S2", "capacity": 1}},
    "capacity 0": {"sku": {"name": "S1", "capacity": 0}},
    "capacity of text": {"sku": {"name": "S1", "capacity": "1"}},
    "capacity true": {"sku": {"name": "S1", "capacity": True}},
    "properties a list": {"properties": []},
    "tags a list": {"tags": []},
    "tag of number": {"tags": {"a": 1}},
    "51 tags": {"tags": {f"t{number}": "" for number in range(51)}},
} | {
    kind: {"properties": properties}
    for kind, properties in {
        "allocation policy custom": {"allocationPolicy": "Custom"},
        "allocation policy of number": {"allocationPolicy": 1},
        "hubs an object": {"iotHubs": services.hub()},
        "hub of text": {"iotHubs": ["hub.azure-devices.net"]},
        "hub null": {"iotHubs": [None]},
        "hub without location": {"iotHubs": [services.hub(location=None)]},
        "hub without name": {"iotHubs": [{"location": "westus"}]},
        "hub with a key and no host": {
            "iotHubs": [{"connectionString": f"SharedAccessKey={services.HUB_KEY}", "location": "westus"}]
        },
        "hub of a host that is none": {"iotHubs": [services.hub("no host")]},
        "hub of an address": {"iotHubs": [services.hub("https://hub.azure-devices.net/")]},
        "connection string of number": {"iotHubs": [services.hub(connectionString=5)]},
        "weight 0": {"iotHubs": [services.hub(allocationWeight=0)]},
        "weight 1001": {"iotHubs": [services.hub(allocationWeight=1001)]},
        "weight -1": {"iotHubs": [services.hub(allocationWeight=-1)]},
        "weight 1.5": {"iotHubs": [services.hub(allocationWeight=1.5)]},
        "weight of text": {"iotHubs": [services.hub(allocationWeight="5")]},
        "weight true": {"iotHubs": [services.hub(allocationWeight=True)]},
        "policy applies of text": {"iotHubs": [services.hub(applyAllocationPolicy="true")]},
        "one hub twice": {"iotHubs": [services.hub(), services.hub("HUB.azure-devices.net")]},
        "51 hubs": {"iotHubs": [services.hub(f"hub-{number}.azure-devices.net") for number in range(51)]},
        "policies an object": {"authorizationPolicies": services.READER},
        "policy of text": {"authorizationPolicies": ["reader"]},
        "policy without name": {"authorizationPolicies": [{"rights": "EnrollmentRead"}]},
        "policy of a bad name": {"authorizationPolicies": [services.READER | {"keyName": "a;b"}]},
        "policy without rights": {"authorizationPolicies": [{"keyName": "reader"}]},
        "policy of no rights": {"authorizationPolicies": [services.READER | {"rights": ""}]},
        "policy of another right": {
            "authorizationPolicies": [services.READER | {"rights": "EnrollmentRead, Everything"}]
        },
        "policy with a key that is no base64": {"authorizationPolicies": [services.READER | {"primaryKey": "no key"}]},
        "policy with a short key": {"authorizationPolicies": [services.READER | {"secondaryKey": "AAAA"}]},
        "one policy twice": {"authorizationPolicies": [services.READER, services.READER | {"keyName": "Reader"}]},
    }.items()
}


@pytest.mark.parametrize("kind", BAD)
def test_an_invalid_service_is_neither_created_nor_updated(shared_dps: LocalService, kind: str) -> None:
    before = services.census(shared_dps)
    for path in (services.service_path(shared_dps, "second"), shared_dps.root):
        reply = services.ask(shared_dps, "PUT", path, services.description(**BAD[kind]))
        assert reply.status == 400, reply.content
        assert services.HUB_KEY not in reply.content.decode() + str(reply.headers)
    assert services.census(shared_dps) == before


# --- ETags and tags ---------------------------------------------------------------------------------------------------

CHANGES: dict[str, Any] = {"PUT": services.description(tags={"a": "b"}), "PATCH": {"tags": {"a": "b"}}, "DELETE": None}


@pytest.mark.parametrize("form", ['"{}"', "{}", "*", ""], ids=["quoted", "unquoted", "star", "absent"])
@pytest.mark.parametrize("method", CHANGES)
def test_the_current_etag_of_a_service_is_accepted_in_each_form(dps: LocalService, method: str, form: str) -> None:
    present = services.create(dps, "second")
    reply = services.ask(
        dps,
        method,
        services.service_path(dps, "second"),
        CHANGES[method],
        if_match=form.format(present["etag"]) or None,
    )
    assert reply.status == {"PUT": 201, "PATCH": 200, "DELETE": 202}[method]


@pytest.mark.parametrize("form", ['"{}"', "{}"], ids=["quoted", "unquoted"])
@pytest.mark.parametrize("method", CHANGES)
def test_a_stale_etag_of_a_service_is_refused(dps: LocalService, method: str, form: str) -> None:
    stale = services.read(dps)["etag"]
    assert dps.manage("PATCH", "", {"tags": {}}).status == 200
    before = services.census(dps)
    for etag in (stale, FRESH_ETAG):
        reply = dps.manage(method, "", CHANGES[method], if_match=form.format(etag))
        assert_provider_refuses(reply, 412, 412001, "PreconditionFailed", "Invalid ETag supplied.")
    assert services.census(dps) == before


def test_a_missing_service_matches_no_etag(dps: LocalService) -> None:
    before = services.census(dps)
    reply = services.ask(
        dps, "PUT", services.service_path(dps, "second"), services.description(), if_match=f'"{FRESH_ETAG}"'
    )
    assert_provider_refuses(reply, 412, 412001, "PreconditionFailed")
    assert services.census(dps) == before


def test_each_change_of_a_service_gives_another_etag(dps: LocalService) -> None:
    etags = [services.read(dps)["etag"]]
    for method in ("PUT", "PATCH", "PUT", "PATCH"):
        reply = dps.manage(method, "", CHANGES[method], if_match=etags[-1])
        etags.append(services.read(dps)["etag"])
        assert method == "PUT" or reply.json["etag"] == etags[-1]
    assert len(set(etags)) == 5
    dps.upload("ca", root().pem)
    assert services.read(dps)["etag"] == etags[-1]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_fifty_tags_are_stored_and_no_more(dps: LocalService, method: str) -> None:
    tags = {f"tag {number}": f"värde {number}" for number in range(50)}
    assert dps.manage(method, "", services.description(tags=tags)).status in (200, 201)
    assert services.read(dps)["tags"] == tags
    before = services.census(dps)
    for bad in ({**tags, "one more": ""}, {"a": 1}, {"a": None}, {"a": {"b": "c"}}, ["a"], "a", 5):
        reply = dps.manage(method, "", services.description(tags=bad))
        assert (reply.status, set(reply.json)) == (400, {"error"})
    assert services.census(dps) == before


# --- linked hubs ------------------------------------------------------------------------------------------------------


def test_a_hub_is_linked_by_its_connection_string(dps: LocalService) -> None:
    assert services.updated(dps, iotHubs=[services.hub(allocationWeight=7, applyAllocationPolicy=False)]).status == 201
    (linked,) = services.read(dps)["properties"]["iotHubs"]
    assert linked["name"] == "hub.azure-devices.net"
    assert (linked["allocationWeight"], linked["applyAllocationPolicy"]) == (7, False)
    assert linked["location"] == "westus"


def test_a_hub_has_no_weight_and_takes_part_by_default(dps: LocalService) -> None:
    services.updated(dps, iotHubs=[services.hub()])
    (linked,) = services.read(dps)["properties"]["iotHubs"]
    assert ("allocationWeight" in linked, linked["applyAllocationPolicy"]) == (False, True)


def test_a_sku_shows_no_capacity_if_none_was_sent(dps: LocalService) -> None:
    assert dps.manage("PUT", "", services.description(sku={"name": "S1"})).status == 201
    assert services.read(dps)["sku"] == {"name": "S1", "tier": "Standard"}


def test_an_unknown_hub_cannot_be_linked(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(state, known_hubs=("Known.azure-devices.net",)) as connection:
        dps = LocalService(connection, state)
        present = services.read(dps)["properties"]["iotHubs"]  # a hub that is linked already need not be known
        assert services.updated(dps, iotHubs=[*present, services.hub("known.azure-devices.net")]).status == 201
        before = services.census(dps)
        message = (
            "Unable to find the IoThub other.azure-devices.net. Check if the hub exists and the connection information is "
            "correct."
        )
        assert_provider_refuses(
            services.updated(dps, iotHubs=[services.hub("other.azure-devices.net")]), 404, 404002, "NotFound", message
        )
        assert services.census(dps) == before


@pytest.mark.parametrize(("location", "good"), [("Brazil South", True), ("southeastasia", True), ("westus", False)])
def test_data_residency_is_supported_only_in_some_locations(dps: LocalService, location: str, good: bool) -> None:
    path = services.service_path(dps, "second")
    reply = services.ask(
        dps, "PUT", path, services.description(location=location, properties={"enableDataResidency": True})
    )
    if good:
        assert reply.status == 201
        assert services.ask(dps, "GET", path).json["properties"]["enableDataResidency"] is True
    else:
        assert_provider_refuses(reply, 400, 400309, "BadRequest")
        assert (
            services.ask(dps, "PUT", path, services.description(properties={"enableDataResidency": False})).status
            == 201
        )


@pytest.mark.parametrize("weight", [1, 2, 999, 1000])
def test_a_weight_is_stored(shared_dps: LocalService, weight: int) -> None:
    before = services.read(shared_dps)["properties"]["iotHubs"]
    assert services.updated(shared_dps, iotHubs=[services.hub(allocationWeight=weight)]).status == 201
    assert services.read(shared_dps)["properties"]["iotHubs"][0]["allocationWeight"] == weight
    assert services.updated(shared_dps, iotHubs=before).status == 201


def test_the_key_of_a_hub_is_in_no_answer_and_nowhere_in_the_state(dps: LocalService) -> None:
    answers = [services.updated(dps, iotHubs=[services.hub()])]
    answers.append(dps.manage("GET"))
    (linked,) = answers[-1].json["properties"]["iotHubs"]
    assert linked["connectionString"].startswith("HostName=hub.azure-devices.net;SharedAccessKeyName=iothubowner;")
    assert re.search(r"SharedAccessKey=\*+$", linked["connectionString"])
    answers.append(dps.manage("PATCH", "", {"tags": {"a": "b"}}))
    scopes = (services.subscription(dps), services.group_path(dps, dps.connection["resource_group"]))
    answers += [
        services.ask(dps, "GET", f"{scope}/providers/Microsoft.Devices/provisioningServices") for scope in scopes
    ]
    answers.append(dps.manage("POST", "/listkeys"))
    answers.append(
        services.ask(
            dps,
            "PUT",
            services.service_path(dps, "second"),
            services.description(properties={"iotHubs": [services.hub()]}),
        )
    )
    answers.append(services.updated(dps, iotHubs=[services.hub(), services.hub()]))  # refused
    assert [answer.status for answer in answers] == [201] + [200] * 5 + [201, 400]
    for answer in answers:
        assert services.HUB_KEY not in answer.content.decode() + str(answer.headers)
    assert services.HUB_KEY.encode() not in dps.stored_bytes()
    assert b"hub.azure-devices.net" in dps.stored_bytes()


PARTS = ("HostName=hub.azure-devices.net", "SharedAccessKeyName=service", f"SharedAccessKey={services.HUB_KEY}")


@pytest.mark.parametrize(
    "parts",
    [
        *itertools.permutations(PARTS),
        (PARTS[0], PARTS[2]),
        (*PARTS, ""),
        (*PARTS, f"SharedAccessSignature={services.HUB_KEY}"),
    ],
    ids=lambda parts: " ".join(part.partition("=")[0] for part in parts),
)
def test_the_parts_of_a_connection_string_may_come_in_any_order(
    shared_dps: LocalService, parts: tuple[str, ...]
) -> None:
    before = services.read(shared_dps)["properties"]["iotHubs"]
    assert services.updated(shared_dps, iotHubs=[services.hub(connectionString=";".join(parts))]).status == 201
    after = shared_dps.manage("GET")
    assert after.json["properties"]["iotHubs"][0]["name"] == "hub.azure-devices.net"
    assert services.HUB_KEY not in after.content.decode()
    assert services.HUB_KEY.encode() not in shared_dps.stored_bytes()
    assert services.updated(shared_dps, iotHubs=before).status == 201


def test_a_hub_may_be_linked_by_its_host_name_alone(dps: LocalService) -> None:
    by_identity = {"hostName": "hub.azure-devices.net", "authenticationType": "SystemAssigned", "location": "westus"}
    assert services.updated(dps, iotHubs=[by_identity]).status == 201
    (linked,) = services.read(dps)["properties"]["iotHubs"]
    assert linked["name"] == "hub.azure-devices.net"
    assert linked["authenticationType"] == "SystemAssigned"
    assert linked.get("connectionString") is None


def test_a_service_that_was_read_can_be_put_back_unchanged(dps: LocalService) -> None:
    by_name = {"hostName": "other.azure-devices.net", "authenticationType": "SystemAssigned", "location": "eastus"}
    properties = {
        "allocationPolicy": "GeoLatency",
        "publicNetworkAccess": "Enabled",
        "iotHubs": [services.hub(allocationWeight=3, applyAllocationPolicy=False), by_name],
    }
    body = services.description(tags={"a": "b"}, properties=properties, sku={"name": "S1", "capacity": 4})
    assert dps.manage("PUT", "", body).status == 201
    before, keys = services.read(dps), dps.manage("POST", "/listkeys").json
    assert before["properties"] == before["properties"] | {"allocationPolicy": "GeoLatency"}
    for _ in range(2):
        present = services.read(dps)
        assert dps.manage("PUT", "", present, if_match=present["etag"]).status == 201
    assert without_etag(services.read(dps)) == without_etag(before)
    assert dps.manage("POST", "/listkeys").json == keys


@pytest.mark.parametrize("linked", ["as it comes", "by connection string", "by host name"])
def test_a_service_that_was_read_can_be_put_back_without_the_read_only_name(dps: LocalService, linked: str) -> None:
    """Azure's clients drop a hub's read-only name when they send back what they read."""
    hubs = {
        "by connection string": [services.hub()],
        "by host name": [{"hostName": "hub.azure-devices.net", "location": "westus"}],
    }
    if linked in hubs:
        assert services.updated(dps, iotHubs=hubs[linked]).status == 201
    before = services.read(dps)["properties"]["iotHubs"]
    sent = [{name: value for name, value in each.items() if name != "name"} for each in before]
    reply = services.updated(dps, iotHubs=sent)
    assert reply.status == 201, reply.content
    assert services.read(dps)["properties"]["iotHubs"] == before


def test_one_hub_more_leaves_those_that_were_there(dps: LocalService) -> None:
    before = services.read(dps)["properties"]["iotHubs"]
    assert services.updated(dps, iotHubs=[*before, services.hub()]).status == 201
    after = services.read(dps)["properties"]["iotHubs"]
    assert after[:-1] == before
    assert after[-1]["name"] == "hub.azure-devices.net"
    assert services.updated(dps, iotHubs=before).status == 201
    assert services.read(dps)["properties"]["iotHubs"] == before


def test_fifty_hubs_can_be_linked_and_no_more(dps: LocalService) -> None:
    hubs = [services.hub(f"hub-{number}.azure-devices.net") for number in range(51)]
    assert services.updated(dps, iotHubs=hubs[:50]).status == 201
    before = services.census(dps)
    assert len(before["service"]["properties"]["iotHubs"]) == 50
    assert_provider_refuses(services.updated(dps, iotHubs=hubs), 400, 400006, "BadRequest")
    assert services.census(dps) == before


def test_hubs_that_are_not_in_an_update_are_unlinked(dps: LocalService) -> None:
    assert dps.manage("PUT", "", services.description(properties={})).status == 201
    assert services.read(dps)["properties"]["iotHubs"] == []


# --- access policies --------------------------------------------------------------------------------------------------

NEW_KEYS = [base64.b64encode(bytes([number]) * 64).decode() for number in (1, 2, 3)]


def with_reader(dps: LocalService, **changes: str) -> Mapping[str, str]:
    """Create a read-only policy beside the owner's, and return it as the service then describes it."""
    owner = services.rules(dps)["provisioningserviceowner"]
    reply = services.updated(dps, authorizationPolicies=[{**owner}, services.READER | changes])
    assert reply.status == 201, reply.content
    assert services.rules(dps)["provisioningserviceowner"] == owner
    return services.rules(dps)["reader"]


def signed_call(
    dps: LocalService, method: str, path: str, rule: Mapping[str, str], which: str = "primaryKey", body: Any = None
) -> int:
    authorization = signature(dps.host, rule[which], policy=rule["keyName"])
    return dps.call(method, f"{path}?api-version=2021-10-01", body, {"Authorization": authorization}).status


def test_a_policy_that_may_only_read_can_read_and_not_write(dps: LocalService) -> None:
    group = group_body("g1", signing=root().pem)
    dps.put_group(group)
    reader = with_reader(dps)
    assert (reader["rights"], reader["keyName"]) == ("EnrollmentRead", "reader")
    assert dps.manage("POST", "/keys/Reader/listkeys").json == reader
    before = dps.everything()
    for which in ("primaryKey", "secondaryKey"):
        assert signed_call(dps, "GET", "/enrollmentGroups/g1", reader, which) == 200
        assert signed_call(dps, "POST", "/enrollmentGroups/query", reader, which, {"query": "SELECT *"}) == 200
        assert (
            signed_call(dps, "PUT", "/enrollmentGroups/g2", reader, which, group_body("g2", signing=root().pem)) == 401
        )
        assert signed_call(dps, "DELETE", "/enrollmentGroups/g1", reader, which) == 401
    assert dps.everything() == before
    owner = services.rules(dps)["provisioningserviceowner"]
    assert signed_call(dps, "DELETE", "/enrollmentGroups/g1", owner) == 204


def test_the_service_resource_does_not_show_a_policy(dps: LocalService) -> None:
    reader, present = with_reader(dps), dps.manage("GET").content.decode()
    for rule in (reader, services.rules(dps)["provisioningserviceowner"]):
        assert json.dumps(rule["primaryKey"]) not in present
        assert json.dumps(rule["secondaryKey"]) not in present


def test_a_new_policy_gets_two_keys_of_its_own(dps: LocalService) -> None:
    reader, owner = with_reader(dps), services.rules(dps)["provisioningserviceowner"]
    keys = {rule[which] for rule in (reader, owner) for which in ("primaryKey", "secondaryKey")}
    assert len(keys) == 4
    assert all(len(base64.b64decode(key, validate=True)) >= 32 for key in keys)


def test_keys_stay_when_an_update_does_not_send_them(dps: LocalService) -> None:
    with_reader(dps)
    before = services.rules(dps)
    assert services.updated(dps).status == 201
    assert services.rules(dps) == before


@pytest.mark.parametrize(
    "empty", [{}, {"primaryKey": None, "secondaryKey": None}, {"primaryKey": "", "secondaryKey": ""}]
)
def test_a_policy_that_is_sent_without_its_keys_gets_new_ones(dps: LocalService, empty: dict[str, Any]) -> None:
    with_reader(dps)
    before = services.rules(dps)
    owner = {"keyName": "ProvisioningServiceOwner", "rights": before["provisioningserviceowner"]["rights"]}
    assert services.updated(dps, authorizationPolicies=[owner | empty, services.READER | empty]).status == 201
    keys = {
        rule[name]
        for each in (before, services.rules(dps))
        for rule in each.values()
        for name in ("primaryKey", "secondaryKey")
    }
    assert len(keys) == 8


def test_a_key_that_is_sent_takes_the_place_of_the_old_one(dps: LocalService) -> None:
    dps.put_group(group_body("g1", signing=root().pem))
    before = with_reader(dps)
    after = with_reader(dps, primaryKey=NEW_KEYS[0], secondaryKey=before["secondaryKey"])
    assert (after["primaryKey"], after["secondaryKey"]) == (NEW_KEYS[0], before["secondaryKey"])
    assert signed_call(dps, "GET", "/enrollmentGroups/g1", before, "primaryKey") == 401
    assert signed_call(dps, "GET", "/enrollmentGroups/g1", before, "secondaryKey") == 200
    assert signed_call(dps, "GET", "/enrollmentGroups/g1", after, "primaryKey") == 200
    with_reader(dps, primaryKey=NEW_KEYS[1], secondaryKey=NEW_KEYS[2])
    assert signed_call(dps, "GET", "/enrollmentGroups/g1", after, "primaryKey") == 401
    assert signed_call(dps, "GET", "/enrollmentGroups/g1", after, "secondaryKey") == 401


def test_changed_rights_take_effect_at_once(dps: LocalService) -> None:
    dps.put_group(group_body("g1", signing=root().pem))
    reader = with_reader(dps)
    assert signed_call(dps, "DELETE", "/enrollmentGroups/g1", reader) == 401
    keys = {name: reader[name] for name in ("primaryKey", "secondaryKey")}
    with_reader(dps, rights="EnrollmentRead, EnrollmentWrite", **keys)
    assert signed_call(dps, "DELETE", "/enrollmentGroups/g1", reader) == 204


def test_a_policy_that_an_update_leaves_out_is_no_longer_valid(dps: LocalService) -> None:
    dps.put_group(group_body("g1", signing=root().pem))
    reader = with_reader(dps)
    owner = services.rules(dps)["provisioningserviceowner"]
    assert services.updated(dps, authorizationPolicies=[owner]).status == 201
    assert set(services.rules(dps)) == {"provisioningserviceowner"}
    assert signed_call(dps, "GET", "/enrollmentGroups/g1", reader) == 401
    assert signed_call(dps, "GET", "/enrollmentGroups/g1", owner) == 200


def test_the_owners_policy_stays_when_an_update_leaves_it_out(dps: LocalService) -> None:
    owner = services.rules(dps)["provisioningserviceowner"]
    assert services.updated(dps, authorizationPolicies=[services.READER]).status == 201
    assert (set(services.rules(dps)), services.rules(dps)["provisioningserviceowner"]) == (
        {"provisioningserviceowner", "reader"},
        owner,
    )


@pytest.mark.parametrize("policies", [[], [services.READER]], ids=["none", "a reader alone"])
def test_a_start_accepts_the_existing_policies(tmp_path: Path, policies: list[Any]) -> None:
    state = tmp_path / "state"
    with running(state) as connection:
        before = LocalService(connection, state)
        assert services.updated(before, authorizationPolicies=policies).status == 201
        kept = services.rules(before)
    with running(state) as connection:
        assert services.rules(LocalService(connection, state)) == kept
