"""The surroundings of services: resource groups, subscription, tenant, cloud; and several services side by side."""

import http.client
import json
import re
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import quote

import pytest
from azure.mgmt.iothubprovisioningservices import IotDpsClient

from tests.crafting import proof, root
from tests.local_dps import services
from tests.local_dps.assertions import assert_provider_refuses
from tests.local_dps.process import Server
from tests.local_dps.wire import NEWEST, LocalService, Reply, group_body, signature


class Neighbour(LocalService):
    """Another service of the same local DPS: managed where all are, with a service plane of its own."""

    def __init__(self, dps: LocalService, name: str, group: str | None = None) -> None:
        group = group or dps.connection["resource_group"]
        super().__init__({**dps.connection, "resource_group": group, "provisioning_service": name}, dps.state)

    def own(self) -> LocalService:
        """Return a client whose requests all go to the host name in the service resource."""
        endpoint = f"https://{self.own_host()}"
        return LocalService({**self.connection, "management_endpoint": endpoint}, self.state)

    def own_host(self) -> str:
        return services.read(self)["properties"]["serviceOperationsHostName"]

    def serve(self, *args: Any, **options: Any) -> Reply:
        return self.own().serve(*args, **options)


def put_group(dps: LocalService, name: str, **changes: Any) -> Reply:
    return services.ask(dps, "PUT", services.group_path(dps, name), {"location": "local"} | changes)


def neighbours(dps: LocalService) -> list[Neighbour]:
    """The existing service, one beside it, and two in another group."""
    assert put_group(dps, "other").status == 201
    places = [("second", None), ("third", "other"), ("fourth", "other")]
    for name, group in places:
        services.create(dps, name, group)
    return [Neighbour(dps, name, group) for name, group in [(dps.connection["provisioning_service"], None), *places]]


def signed(host: str, at: LocalService, rule: Mapping[str, str], path: str = "/enrollmentGroups/g1") -> int:
    """Return the answer to a signature for one host that is sent to another."""
    headers = {"Authorization": signature(host, rule["primaryKey"], policy=rule["keyName"])}
    return at.call("GET", f"{path}?api-version=2021-10-01", headers=headers).status


def owner(dps: LocalService) -> Mapping[str, str]:
    return services.rules(dps)["provisioningserviceowner"]


def is_silent(at: LocalService) -> bool:
    """Return whether no server listens there any more, or only one without that service."""
    try:
        return at.call("GET", "/enrollmentGroups/g1?api-version=2021-10-01").status == 404
    except OSError:
        return True


# --- several services -------------------------------------------------------------------------------------------------


def test_each_service_has_its_own_scope_host_keys_and_etag(dps: LocalService) -> None:
    found = neighbours(dps)
    described = [services.read(service) for service in found]
    assert len({each["properties"]["idScope"] for each in described}) == 4
    assert len({each["properties"]["serviceOperationsHostName"] for each in described}) == 4
    assert len({each["properties"]["deviceProvisioningHostName"] for each in described}) == 1
    assert len({each["etag"] for each in described}) == 4
    keys = [owner(service)[which] for service in found for which in ("primaryKey", "secondaryKey")]
    assert len(set(keys)) == 8


def test_each_service_answers_at_its_own_host_with_its_own_groups(dps: LocalService) -> None:
    found = neighbours(dps)
    for number, service in enumerate(found):
        made = service.put_group(group_body("g1", signing=root(f"Root {number}").pem))
        assert made["attestation"]["x509"]["signingCertificates"]["primary"]["info"]["subjectName"].endswith(
            f"Root {number}"
        )
        service.put_group(group_body(f"only-{number}", signing=root().pem))
    for number, service in enumerate(found):
        query = {"query": "SELECT * FROM enrollmentGroups"}
        listed = service.serve("POST", "/enrollmentGroups/query", query).json
        assert sorted(each["enrollmentGroupId"] for each in listed) == ["g1", f"only-{number}"]
        assert service.serve("GET", f"/enrollmentGroups/only-{(number + 1) % 4}").status == 404


def test_a_key_of_one_service_is_not_valid_for_another(dps: LocalService) -> None:
    found = neighbours(dps)
    for service in found:
        service.put_group(group_body("g1", signing=root().pem))
    for one in found:
        for other in found:
            expected = 200 if one is other else 401
            assert signed(other.own_host(), other.own(), owner(one)) == expected  # the right host, the wrong key
            assert signed(one.own_host(), other.own(), owner(other)) == expected  # the right key, the wrong host
            assert signed(one.own_host(), other.own(), owner(one)) == expected  # a good signature in the wrong place


def test_one_token_is_valid_for_every_service(dps: LocalService) -> None:
    for service in neighbours(dps):
        headers = {"Authorization": f"Bearer {dps.service_token}"}
        path = "/enrollmentGroups/nothing?api-version=2021-10-01"
        assert service.own().call("GET", path, headers=headers).status == 404
        headers = {"Authorization": f"Bearer {dps.management_token}"}
        assert service.own().call("GET", path, headers=headers).status == 401


def test_one_name_in_two_services_is_two_certificates(dps: LocalService) -> None:
    one, *others = neighbours(dps)
    mine, theirs = root("Mine"), root("Theirs")
    first = one.upload("ca", mine.pem)
    for other in others:
        second = other.upload("ca", theirs.pem)
        assert first["properties"]["thumbprint"] != second["properties"]["thumbprint"]
        assert second["id"].startswith(other.root)
        code = one.generate_code("ca")["properties"]["verificationCode"]
        foreign = other.generate_code("ca")
        before = other.certificate("ca")
        assert other.verify("ca", proof(mine, code).pem).status == 400
        assert other.verify("ca", proof(theirs, code).pem).status == 400
        assert_provider_refuses(
            other.verify("ca", proof(theirs, code).pem, if_match=one.certificate("ca")["etag"]),
            412, 412001, "PreconditionFailed",
        )  # fmt: skip
        assert other.certificate("ca") == before
        proved = other.verify("ca", proof(theirs, foreign["properties"]["verificationCode"]).pem)
        assert (proved.status, proved.json["properties"]["isVerified"]) == (200, True)
        assert one.certificate("ca")["properties"]["isVerified"] is False
        assert other.manage("DELETE", "/certificates/ca", if_match="*").status == 200
        assert other.manage("GET", "/certificates").json == {"value": []}
        assert one.certificate("ca")["properties"]["thumbprint"] == first["properties"]["thumbprint"]


def test_each_service_may_have_its_25_certificates(dps: LocalService) -> None:
    services.create(dps, "second")
    second, uploaded = Neighbour(dps, "second"), root().pem
    for number in range(25):
        dps.upload(f"ca-{number}", uploaded)
    second.upload("ca", uploaded)
    assert dps.manage("PUT", "/certificates/one-more", {"properties": {"certificate": uploaded}}).status == 403


def test_a_group_refers_to_certificates_and_hubs_of_its_own_service_only(dps: LocalService) -> None:
    services.create(dps, "second", iotHubs=[services.hub("second.azure-devices.net")])
    second = Neighbour(dps, "second")
    dps.upload("ca", root().pem)
    linked = dps.connection["iot_hubs"][0]
    before = second.everything()
    for body in (
        group_body("g1", reference="ca"),
        group_body("g1", signing=root().pem, allocationPolicy="static", iotHubs=[linked]),
    ):
        dps.put_group(body)
        assert second.serve("PUT", "/enrollmentGroups/g1", body).status == 400
        assert dps.serve("DELETE", "/enrollmentGroups/g1").status == 204
    assert second.everything() == before
    own = group_body("g1", signing=root().pem, allocationPolicy="static", iotHubs=["second.azure-devices.net"])
    assert second.put_group(own)["iotHubs"] == ["second.azure-devices.net"]


def test_a_change_of_one_service_leaves_the_others(dps: LocalService) -> None:
    one, *others = neighbours(dps)
    before = [services.census(other) for other in others]
    policies = [{**owner(one)}, {"keyName": "reader", "rights": "EnrollmentRead"}]
    assert (
        services.updated(
            one, iotHubs=[services.hub()], allocationPolicy="Static", authorizationPolicies=policies
        ).status
        == 201
    )
    assert one.manage("PATCH", "", {"tags": {"a": "b"}}).status == 200
    one.upload("ca", root().pem)
    one.put_group(group_body("g1", signing=root().pem))
    for other, state in zip(others, before, strict=True):
        assert other.everything() == {name: state[name] for name in ("service", "certificates", "groups")}
        assert set(services.rules(other)) == {"provisioningserviceowner"}


@pytest.mark.parametrize("deleted", [0, 1, 2, 3])
def test_a_deletion_removes_one_host_and_leaves_the_others(dps: LocalService, deleted: int) -> None:
    found = neighbours(dps)
    for service in found:
        service.upload("ca", root().pem)
        service.put_group(group_body("g1", reference="ca"))
    gone = found.pop(deleted)
    before, place, rule = [service.everything() for service in found], gone.own(), owner(gone)
    assert signed(place.host, place, rule) == 200
    assert gone.manage("DELETE").status == 202
    assert is_silent(place)
    assert [service.everything() for service in found] == before
    for service in found:
        assert signed(service.own_host(), service.own(), owner(service)) == 200
        assert signed(service.own_host(), service.own(), rule) == 401


def test_a_connection_that_is_still_open_learns_that_its_service_is_gone(dps: LocalService) -> None:
    services.create(dps, "second")
    second = Neighbour(dps, "second")
    place = second.own().address
    headers = {"Authorization": f"Bearer {dps.service_token}"}
    client = http.client.HTTPSConnection(place.hostname, place.port, context=dps.context, timeout=30)
    with closing(client):
        client.request("GET", "/enrollmentGroups/g1?api-version=2021-10-01", headers=headers)
        present = json.loads(client.getresponse().read())
        assert second.manage("DELETE").status == 202
        client.request("GET", "/enrollmentGroups/g1?api-version=2021-10-01", headers=headers)
        reply = client.getresponse()
        assert reply.status == 404
        assert json.loads(reply.read())["errorCode"] != present["errorCode"]


def test_all_services_can_be_deleted_and_new_ones_created(dps: LocalService) -> None:
    before = services.read(dps)["properties"]["idScope"]
    assert dps.manage("DELETE").status == 202
    listed = services.ask(
        dps, "GET", f"{services.subscription(dps)}/providers/Microsoft.Devices/provisioningServices"
    ).json
    assert listed == {"value": []}
    services.create(dps, "second")
    second = Neighbour(dps, "second")
    assert second.everything()["groups"] == []
    assert second.everything()["certificates"] == {"value": []}
    assert services.read(second)["properties"]["idScope"] != before
    second.put_group(group_body("g1", signing=root().pem))


def test_a_service_that_is_created_again_answers_at_the_host_that_it_reports(dps: LocalService) -> None:
    for _ in range(3):
        services.create(dps, "second")
        second = Neighbour(dps, "second")
        second.put_group(group_body("g1", signing=root().pem))
        assert second.manage("DELETE").status == 202


def test_a_service_is_never_active_without_a_host(dps: LocalService) -> None:
    over = threading.Event()
    path = f"{services.subscription(dps)}/providers/Microsoft.Devices/provisioningServices?api-version={NEWEST}"
    headers = {"Authorization": f"Bearer {dps.management_token}"}

    def watch() -> set[tuple[str, str]]:
        seen = set()
        client = http.client.HTTPSConnection(dps.address.hostname, dps.address.port, context=dps.context, timeout=30)
        with closing(client):
            while not over.is_set():
                client.request("GET", path, headers=headers)
                for service in json.loads(client.getresponse().read())["value"]:
                    properties = service["properties"]
                    seen.add((properties["state"], properties.get("serviceOperationsHostName", "none")))
        return seen

    with ThreadPoolExecutor() as pool:
        watchers = [pool.submit(watch) for _ in range(4)]
        try:
            made = [services.create(dps, f"service-{number}") for number in range(10)]
        finally:
            over.set()
        seen = set().union(*(watcher.result() for watcher in watchers))
    assert ("Active", made[0]["properties"]["serviceOperationsHostName"]) in seen
    assert {host for state, host in seen if state == "Active" and not re.fullmatch(r"localhost:\d+", host)} == set()


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_services_come_back_after_a_restart(server: Server, how: str) -> None:
    before = server.start()
    found = neighbours(before)
    for service in found:
        service.upload("ca", root(service.connection["provisioning_service"]).pem)
        service.put_group(group_body("g1", reference="ca"))
    services.updated(found[2], iotHubs=[services.hub()], authorizationPolicies=[owner(found[2]), services.READER])
    assert found.pop(1).manage("DELETE").status == 202
    states = [(without_hosts(service.everything()), services.rules(service)) for service in found]
    assert server.stop() == 0 if how == "stop" else server.kill() is None
    after = server.start()
    again = [after_restart(after, service) for service in found]
    assert [(without_hosts(service.everything()), services.rules(service)) for service in again] == states
    for service in again:
        assert signed(service.own_host(), service.own(), owner(service)) == 200
    reader = services.rules(again[1])["reader"]
    assert signed(again[1].own_host(), again[1].own(), reader) == 200


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_service_created_later_keeps_its_port_across_starts(server: Server, how: str) -> None:
    dps = server.start()
    names = ("first-later", "second-later")
    hosts = [services.create(dps, name)["properties"]["serviceOperationsHostName"] for name in names]
    assert server.stop() == 0 if how == "stop" else server.kill() is None
    after = server.start()
    assert [Neighbour(after, name).own_host() for name in names] == hosts
    assert Neighbour(after, names[1]).serve("GET", "/enrollmentGroups/none").status == 404


def test_a_service_whose_port_is_taken_gets_another(server: Server) -> None:
    dps = server.start()
    host = services.create(dps, "later")["properties"]["serviceOperationsHostName"]
    server.stop()
    with socket.create_server(("127.0.0.1", int(host.rpartition(":")[2]))):
        service = Neighbour(server.start(), "later")
        other = service.own_host()
        assert other != host
        assert service.serve("GET", "/enrollmentGroups/none").status == 404
        server.stop()
    assert Neighbour(server.start(), "later").own_host() == other


def after_restart(dps: LocalService, service: Neighbour) -> Neighbour:
    return Neighbour(dps, service.connection["provisioning_service"], service.connection["resource_group"])


def without_hosts(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ports are free ones at each start."""
    properties = {
        name: value for name, value in state["service"]["properties"].items() if not name.endswith("HostName")
    }
    return {**state, "service": {**state["service"], "properties": properties}}


# --- resource groups --------------------------------------------------------------------------------------------------


def test_a_resource_group_is_created_read_changed_and_deleted(dps: LocalService) -> None:
    path, listing = services.group_path(dps, "New-Group"), f"{services.subscription(dps)}/resourceGroups"
    (present,) = services.ask(dps, "GET", listing).json["value"]
    assert present["name"] == dps.connection["resource_group"]
    made = put_group(dps, "New-Group", location="westus", tags={"a": "b"})
    assert made.status == 201
    assert made.json == {
        "id": path,
        "name": "New-Group",
        "type": "Microsoft.Resources/resourceGroups",
        "location": "westus",
        "tags": {"a": "b"},
        "properties": {"provisioningState": "Succeeded"},
    }
    assert services.ask(dps, "GET", path).json == made.json
    assert services.ask(dps, "GET", path.upper()).json == made.json
    assert services.ask(dps, "GET", listing).json == {"value": [present, made.json]}
    there = services.ask(dps, "HEAD", path)
    assert (there.status, there.content) == (204, b"")
    changed = put_group(dps, "NEW-group", location="westus", tags={"c": "d"})
    assert (changed.status, changed.json) == (200, made.json | {"tags": {"c": "d"}})
    assert services.ask(dps, "DELETE", path).status in (200, 202)
    for method in ("GET", "DELETE"):
        reply = services.ask(dps, method, path)
        assert (reply.status, reply.json["error"]["code"]) == (404, "ResourceGroupNotFound")
    gone = services.ask(dps, "HEAD", path)
    assert (gone.status, gone.content) == (404, b"")
    assert services.ask(dps, "GET", listing).json == {"value": [present]}


def test_a_resource_group_is_deleted_with_what_is_in_it(dps: LocalService) -> None:
    found = neighbours(dps)
    for service in found:
        service.upload("ca", root().pem)
    rest, gone = found[:2], found[2:]
    before, places = [service.everything() for service in rest], [service.own() for service in gone]
    assert services.ask(dps, "DELETE", services.group_path(dps, "other")).status in (200, 202)
    assert all(is_silent(place) for place in places)
    for service in gone:
        assert services.ask(dps, "GET", service.root).json["error"]["code"] == "ResourceGroupNotFound"
    assert put_group(dps, "other").status == 201
    assert services.ask(dps, "GET", gone[0].root).json["error"]["code"] == "ResourceNotFound"
    assert [service.everything() for service in rest] == before
    services.create(dps, "third", "other")
    assert Neighbour(dps, "third", "other").manage("GET", "/certificates").json == {"value": []}


@pytest.mark.parametrize("name", ["a", "a" * 90, "(a)", "a.b-c_d", "1", "Größe"])
def test_a_service_can_be_created_in_a_group_with_any_valid_name(dps: LocalService, name: str) -> None:
    made = put_group(dps, name)
    assert (made.status, made.json["name"]) == (201, name)
    reply = services.ask(dps, "PUT", services.service_path(dps, "second", name), services.description())
    assert reply.status == 201
    url = reply.headers["Azure-AsyncOperation"]
    assert url.isascii()
    assert services.poll(dps, url).json == {"status": "Succeeded"}


@pytest.mark.parametrize("name", ["a" * 91, "a.", "a b", "a%b", "a/b", "a:b", "a\n", "<a>"])
def test_a_bad_name_of_a_resource_group_is_refused(shared_dps: LocalService, name: str) -> None:
    before = services.census(shared_dps)
    assert put_group(shared_dps, name).status == 400
    assert services.census(shared_dps) == before


@pytest.mark.parametrize(
    "body",
    [
        {}, {"location": None}, {"location": ""}, {"location": 5}, [], "local", None, b"{",
        {"location": "local", "tags": []}, {"location": "local", "tags": {"a": 1}},
        {"location": "local", "tags": {f"t{number}": "" for number in range(51)}},
    ],
    ids=str,
)  # fmt: skip
def test_an_invalid_resource_group_is_neither_created_nor_changed(shared_dps: LocalService, body: Any) -> None:
    before = services.census(shared_dps)
    for name in ("new", shared_dps.connection["resource_group"]):
        assert services.ask(shared_dps, "PUT", services.group_path(shared_dps, name), body).status == 400
    assert services.census(shared_dps) == before


def test_a_resource_group_does_not_move(dps: LocalService) -> None:
    before = services.census(dps)
    reply = put_group(dps, dps.connection["resource_group"], location="westus")
    assert reply.status == 409
    assert services.census(dps) == before


def test_the_location_of_a_resource_group_may_be_spelled_in_another_way(dps: LocalService) -> None:
    for spelling, status in (("West US", 201), ("westus", 200), ("WestUS", 200)):
        assert put_group(dps, "new", location=spelling).status == status


# --- subscription, tenant, cloud --------------------------------------------------------------------------------------


def test_there_is_one_subscription_of_one_tenant(shared_dps: LocalService) -> None:
    known, tenant = shared_dps.connection["subscription_id"], shared_dps.connection["tenant_id"]
    one = services.ask(shared_dps, "GET", services.subscription(shared_dps))
    assert one.status == 200
    assert services.ask(shared_dps, "GET", "/subscriptions").json == {"value": [one.json]}
    assert (one.json["id"], one.json["subscriptionId"]) == (f"/subscriptions/{known}", known)
    assert (one.json["tenantId"], one.json["state"]) == (tenant, "Enabled")
    assert services.ask(shared_dps, "GET", services.subscription(shared_dps).upper()).json == one.json
    (described,) = services.ask(shared_dps, "GET", "/tenants").json["value"]
    assert (described["id"], described["tenantId"]) == (f"/tenants/{tenant}", tenant)


UNKNOWN = "/subscriptions/00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/resourceGroups"),
        ("PUT", "/resourceGroups/new"),
        ("GET", "/providers/Microsoft.Devices/provisioningServices"),
        ("POST", "/providers/Microsoft.Devices/checkProvisioningServiceNameAvailability"),
        ("PUT", "/resourceGroups/{group}/providers/Microsoft.Devices/provisioningServices/second"),
        ("DELETE", "/resourceGroups/{group}/providers/Microsoft.Devices/provisioningServices/{service}"),
    ],
)
def test_another_subscription_has_nothing(shared_dps: LocalService, method: str, path: str) -> None:
    given = shared_dps.connection
    before = services.census(shared_dps)
    target = UNKNOWN + path.format(group=given["resource_group"], service=given["provisioning_service"])
    reply = services.ask(shared_dps, method, target, services.description(name="second") if method != "GET" else None)
    assert (reply.status, reply.json["error"]["code"]) == (404, "SubscriptionNotFound")
    assert services.census(shared_dps) == before


def test_the_cloud_describes_itself_without_a_token(shared_dps: LocalService) -> None:
    for path in ("/metadata/endpoints?api-version=2022-09-01", "/metadata/endpoints", "/METADATA/Endpoints"):
        reply = shared_dps.call("GET", path)
        assert reply.status == 200
        described = reply.json
        assert described["resourceManager"] == shared_dps.connection["management_endpoint"]
        assert described["authentication"]["loginEndpoint"] == shared_dps.connection["authority"]
        assert described["authentication"]["tenant"] == shared_dps.connection["tenant_id"]
        assert "https://management.azure.com/" in described["authentication"]["audiences"]


def test_the_cloud_describes_itself_to_old_clients_in_their_form(shared_dps: LocalService) -> None:
    given = shared_dps.connection
    reply = shared_dps.call("GET", "/metadata/endpoints?api-version=2015-01-01")
    here = given["management_endpoint"]
    assert (reply.status, reply.json) == (
        200,
        {
            "galleryEndpoint": here,
            "graphEndpoint": here,
            "portalEndpoint": here,
            "authentication": {"loginEndpoint": given["authority"], "audiences": ["https://management.azure.com/"]},
        },
    )


# --- what `az resource` asks ------------------------------------------------------------------------------------------


def test_a_path_with_two_slashes_is_read_as_one_with_one(dps: LocalService) -> None:
    for path in (f"/{dps.root}", dps.root.replace("/providers", "//providers"), dps.root.replace("/", "///")):
        assert services.ask(dps, "GET", path).json == services.read(dps)


def test_the_provider_names_its_types_and_their_versions(shared_dps: LocalService) -> None:
    described = services.ask(shared_dps, "GET", f"{services.subscription(shared_dps)}/providers/Microsoft.Devices").json
    assert (described["namespace"], described["registrationState"]) == ("Microsoft.Devices", "Registered")
    types = {each["resourceType"]: each["apiVersions"] for each in described["resourceTypes"]}
    assert set(types) == {"ProvisioningServices", "ProvisioningServices/certificates"}
    for versions in types.values():
        for version in versions:
            assert shared_dps.manage("GET", "/certificates", version=version).status == 200
        assert NEWEST in versions


def test_azures_client_lists_the_operations_of_the_provider(management: IotDpsClient) -> None:
    names = [each.name for each in management.operations.list()]
    assert "Microsoft.Devices/provisioningServices/certificates/verify/action" in names
    assert len(names) == len(set(names))


def test_a_head_request_says_whether_a_resource_exists(dps: LocalService) -> None:
    dps.upload("ca", root().pem)
    there = (dps.root, f"{dps.root}/certificates/ca")
    for path, status in ((each + end, 404 if end else 204) for each in there for end in ("", "x")):
        reply = services.ask(dps, "HEAD", path)
        assert (reply.status, reply.content) == (status, b"")


def test_a_patch_of_a_group_changes_its_tags_and_nothing_else(dps: LocalService) -> None:
    path = services.group_path(dps, dps.connection["resource_group"])
    before = services.ask(dps, "GET", path).json
    changed = services.ask(dps, "PATCH", path, {"tags": {"a": "b"}, "location": "elsewhere"})
    assert (changed.status, changed.json) == (200, {**before, "tags": {"a": "b"}})
    assert services.ask(dps, "PATCH", path, {}).json == changed.json
    assert services.ask(dps, "PATCH", path, {"tags": ["a"]}).status == 400
    assert services.ask(dps, "PATCH", services.group_path(dps, "nothing"), {"tags": {}}).status == 404
    assert services.ask(dps, "GET", path).json == changed.json


def test_a_resource_group_has_the_name_of_its_location(dps: LocalService) -> None:
    made = services.ask(dps, "PUT", services.group_path(dps, "other"), {"location": "West US"})
    assert (made.status, made.json["location"]) == (201, "westus")
    assert (
        services.ask(dps, "PUT", services.group_path(dps, "other"), {"location": "West US"}).json["location"]
        == "westus"
    )


FILTERS = {
    "": {"local-dps", "second", "third"},
    "resourceGroup eq 'OTHER'": {"third"},
    "resourceType eq 'Microsoft.Devices/ProvisioningServices'": {"local-dps", "second", "third"},
    "resourceType eq 'Microsoft.Compute/virtualMachines'": set(),
    "name eq 'second'": {"second"},
    "location eq 'westus' and resourcegroup eq 'local-group'": {"second"},
    " name  EQ  'second'  AND  name eq 'second' ": {"second"},
}


@pytest.mark.parametrize("wanted", FILTERS)
def test_resources_are_listed_by_a_filter(dps: LocalService, wanted: str) -> None:
    assert put_group(dps, "other").status == 201
    assert (
        services.ask(
            dps, "PUT", services.service_path(dps, "second"), services.description(location="West US", tags={"a": "b"})
        ).status
        == 201
    )
    services.create(dps, "third", "other")
    query = f"?api-version={NEWEST}&$filter={quote(wanted)}"
    listed = services.ask(dps, "GET", f"{services.subscription(dps)}/resources{query}", version=None).json["value"]
    assert {each["name"] for each in listed} == FILTERS[wanted]
    in_group = services.ask(
        dps, "GET", f"{services.group_path(dps, 'local-group')}/resources{query}", version=None
    ).json["value"]
    assert {each["name"] for each in in_group} == FILTERS[wanted] - {"third"}
    for each in listed:
        service = services.ask(dps, "GET", each["id"]).json
        assert each == {name: service[name] for name in ("id", "name", "type", "sku", "location", "tags")}


@pytest.mark.parametrize("wanted", ["tagName eq 'a'", "name ne 'a'", "name eq a", "name eq 'a' or name eq 'b'", "x"])
def test_an_unsupported_filter_is_refused(shared_dps: LocalService, wanted: str) -> None:
    path = f"{services.subscription(shared_dps)}/resources?api-version={NEWEST}&$filter={quote(wanted)}"
    reply = services.ask(shared_dps, "GET", path, version=None)
    assert (reply.status, reply.json["error"]["code"]) == (400, "InvalidRequestContent")
    assert "resourceType" in reply.headers["x-local-dps-explanation"]


CALLS = [
    ("GET", "/subscriptions"),
    ("GET", "/tenants"),
    ("GET", "{subscription}"),
    ("GET", "{subscription}/resourceGroups"),
    ("GET", "{group}"),
    ("HEAD", "{group}"),
    ("PUT", "{group}"),
    ("PUT", "{subscription}/resourceGroups/new"),
    ("DELETE", "{group}"),
    ("PATCH", "{group}"),
    ("GET", "{group}/resources"),
    ("GET", "{subscription}/resources"),
    ("GET", "{subscription}/providers/Microsoft.Devices"),
    ("GET", "/providers/Microsoft.Devices/operations"),
    ("HEAD", "{service}"),
    ("GET", "{subscription}/providers/Microsoft.Devices/provisioningServices"),
    ("GET", "{group}/providers/Microsoft.Devices/provisioningServices"),
    ("POST", "{subscription}/providers/Microsoft.Devices/checkProvisioningServiceNameAvailability"),
    ("GET", "{service}"),
    ("PUT", "{service}"),
    ("PUT", "{group}/providers/Microsoft.Devices/provisioningServices/new"),
    ("PATCH", "{service}"),
    ("DELETE", "{service}"),
    ("GET", "{service}/skus"),
    ("POST", "{service}/keys/provisioningserviceowner/listkeys"),
    ("GET", "{service}/operationResults/any"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_everything_else_needs_a_token_for_management(shared_dps: LocalService, method: str, path: str) -> None:
    places = {"subscription": services.subscription(shared_dps), "service": shared_dps.root}
    places["group"] = services.group_path(shared_dps, shared_dps.connection["resource_group"])
    of_the_service_plane = (
        f"Bearer {shared_dps.service_token}",
        signature(shared_dps.host, owner(shared_dps)["primaryKey"]),
    )
    before = services.census(shared_dps)
    body = services.description(name="new") if method in ("PUT", "POST", "PATCH") else None
    for headers in ({}, *({"Authorization": each} for each in of_the_service_plane)):
        reply = shared_dps.call(method, f"{path.format(**places)}?api-version={NEWEST}", body, headers)
        assert reply.status == 401
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")
        if method != "HEAD":
            assert reply.json["error"]["code"] == "InvalidAuthenticationToken"
    assert services.census(shared_dps) == before


@pytest.mark.parametrize("version", ["2016-06-01", "2020-10-01", "2022-12-01", "2019-05-10-preview"])
@pytest.mark.parametrize("path", ["/subscriptions", "/tenants", "{subscription}", "{subscription}/resourceGroups"])
def test_resource_manager_takes_any_date_for_its_own_calls(shared_dps: LocalService, path: str, version: str) -> None:
    path = path.format(subscription=services.subscription(shared_dps))
    assert services.ask(shared_dps, "GET", path, version=version).status == 200


@pytest.mark.parametrize(
    ("version", "code"), [(None, "MissingApiVersionParameter"), ("newest", "InvalidApiVersionParameter")]
)
@pytest.mark.parametrize("path", ["/subscriptions", "/tenants", "{subscription}", "{subscription}/resourceGroups"])
def test_resource_manager_needs_a_date_for_its_own_calls(
    shared_dps: LocalService, path: str, version: str | None, code: str
) -> None:
    reply = services.ask(
        shared_dps, "GET", path.format(subscription=services.subscription(shared_dps)), version=version
    )
    assert (reply.status, reply.json["error"]["code"]) == (400, code)
