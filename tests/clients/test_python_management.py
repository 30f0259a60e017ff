"""Azure's Python management client, 2.1.0 in this process and 1.1.0 in an environment of its own, both unmodified."""

import json
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core import MatchConditions
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.mgmt.iothubprovisioningservices.models import (
    CertificateProperties,
    CertificateResponse,
    IotDpsPropertiesDescription,
    IotDpsSkuInfo,
    IotHubDefinitionDescription,
    OperationInputs,
    ProvisioningServiceDescription,
    TagsResource,
    VerificationCodeRequest,
)
from cryptography.hazmat.primitives import hashes

from helpers.local_dps import RequestRecord
from helpers.systems import door
from tests.clients.forms import Clients
from tests.crafting import authority, key, name, proof, root
from tests.local_dps.wire import LocalService

ROOT = Path(__file__).parents[2]
OLDER = Path(__file__).parent / "management_1_1" / "session.py"
OLDER_PYTHON = ROOT / ".venv-management-1.1" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
PATIENCE = 60.0  # seconds; it needs about ten
IF_SAME, IF_THERE, IF_NEW = MatchConditions.IfNotModified, MatchConditions.IfPresent, MatchConditions.IfMissing
RIGHTS = {"ServiceConfig", "DeviceConnect", "EnrollmentWrite"}
HUB_KEY = "c2VjcmV0IG9mIGEgaHVi"


def place(dps: LocalService) -> tuple[str, str]:
    return dps.connection["resource_group"], dps.connection["provisioning_service"]


def description(**properties: Any) -> ProvisioningServiceDescription:
    return ProvisioningServiceDescription(
        location="westus",
        sku=IotDpsSkuInfo(name="S1", capacity=1),
        properties=IotDpsPropertiesDescription(**properties),
        tags={"made-by": "test"},
    )


def uploaded(certificate: bytes, is_verified: bool | None = None) -> CertificateResponse:
    return CertificateResponse(properties=CertificateProperties(certificate=certificate, is_verified=is_verified))


def to(exchanges: list[RequestRecord], part: str) -> list[tuple[str, int | None]]:
    return [(each.method, each.status) for each in exchanges if part.lower() in each.path.lower()]


# --- the service resource ---


def test_a_service_is_created_used_and_deleted(
    clients: Clients, dps: LocalService, exchanges: list[RequestRecord]
) -> None:
    group, first = place(dps)
    management = clients.management()
    services = management.iot_dps_resource

    made = services.begin_create_or_update(group, "made-by-sdk", description()).result()
    assert to(exchanges, "made-by-sdk") == [("PUT", 201), ("GET", 200)]
    assert to(exchanges, "/provisioningserviceoperationresults/") == [
        ("GET", 200)
    ]  # one poll, without a wait before it
    assert (made.name, made.resourcegroup, made.location, made.tags) == (
        "made-by-sdk", group, "westus", {"made-by": "test"},
    )  # fmt: skip
    assert made.id == dps.root.replace(first, "made-by-sdk")
    assert made.type == "Microsoft.Devices/provisioningServices"
    assert (made.sku.name, made.sku.tier, made.sku.capacity) == ("S1", "Standard", 1)
    state = made.properties
    assert (state.state, state.provisioning_state, state.allocation_policy) == ("Active", "Succeeded", "Hashed")
    assert state.iot_hubs == []
    assert re.fullmatch(r"0ne[0-9A-F]{8}", state.id_scope)
    assert state.id_scope != dps.connection["id_scope"]
    assert len(b64decode(made.etag)) == 8
    assert services.get("made-by-sdk", group) == made

    owner = services.list_keys_for_key_name("made-by-sdk", "provisioningserviceowner", group)
    endpoint = f"https://{state.service_operations_host_name}"
    credential = AzureNamedKeyCredential(owner.key_name, owner.secondary_key)
    assert list(clients.service(credential, endpoint).enrollment_group.query({"query": "SELECT *"})) == []
    with pytest.raises(ClientAuthenticationError):
        list(clients.service(credential).enrollment_group.query({"query": "SELECT *"}))

    before = len(exchanges)
    poller = services.begin_delete("made-by-sdk", group)
    assert poller.result() is None
    assert poller.status() == "Succeeded"
    assert to(exchanges[before:], "made-by-sdk")[:1] == [("DELETE", 202)]
    assert to(exchanges[before:], "/provisioningserviceoperationresults/")[0] == ("GET", 200)
    with pytest.raises(ResourceNotFoundError) as gone:
        services.get("made-by-sdk", group)
    assert gone.value.error.code == "ResourceNotFound"
    assert [each.name for each in services.list_by_resource_group(group)] == [first]


def test_linked_hubs_change_by_read_modify_write(clients: Clients, dps: LocalService) -> None:
    group, service = place(dps)
    services = clients.management().iot_dps_resource
    read = services.get(service, group)
    assert [hub.name for hub in read.properties.iot_hubs] == dps.connection["iot_hubs"]

    read.properties.iot_hubs[0].allocation_weight = 7
    read.properties.iot_hubs[1].apply_allocation_policy = False
    read.properties.iot_hubs.append(
        IotHubDefinitionDescription(
            connection_string=f"HostName=third.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey={HUB_KEY}",
            location="westus",
            allocation_weight=1000,
        )
    )
    read.properties.iot_hubs.append(
        IotHubDefinitionDescription(
            host_name="fourth.azure-devices.net", authentication_type="SystemAssigned", location="westus"
        )
    )
    changed = services.begin_create_or_update(group, service, read).result()
    hubs = changed.properties.iot_hubs
    linked = ["third.azure-devices.net", "fourth.azure-devices.net"]
    assert [hub.name for hub in hubs] == [*dps.connection["iot_hubs"], *linked]
    assert [hub.allocation_weight for hub in hubs] == [7, None, 1000, None]
    assert [hub.apply_allocation_policy for hub in hubs] == [True, False, True, True]
    assert HUB_KEY not in str(changed)
    assert HUB_KEY.encode() not in dps.stored_bytes()
    assert changed.etag != read.etag
    assert changed.properties.id_scope == dps.connection["id_scope"]
    assert (changed.location, changed.properties.provisioning_state) == (read.location, "Succeeded")

    del changed.properties.iot_hubs[0]  # the remaining hubs are sent back as they were read, with masked keys
    again = services.begin_create_or_update(group, service, changed).result()
    assert [(hub.name, hub.allocation_weight) for hub in again.properties.iot_hubs] == [
        (dps.connection["iot_hubs"][1], None),
        ("third.azure-devices.net", 1000),
        ("fourth.azure-devices.net", None),
    ]
    assert again.properties.iot_hubs[-1].authentication_type == "SystemAssigned"
    assert services.get(service, group) == again
    assert dps.serve("GET", "/enrollmentGroups/none").status == 404  # still the same service, at the same place


def test_an_update_changes_the_tags_and_nothing_else(clients: Clients, dps: LocalService) -> None:
    group, service = place(dps)
    services = clients.management().iot_dps_resource
    before = services.get(service, group).as_dict()
    changed = services.begin_update(group, service, TagsResource(tags={"stage": "prove"})).result()
    after = services.get(service, group).as_dict()
    assert changed.as_dict() == after
    assert (before.pop("tags", {}), after.pop("tags")) == ({}, {"stage": "prove"})
    assert before.pop("etag") != after.pop("etag")
    assert before == after


def test_services_are_listed_by_group_and_by_subscription(clients: Clients, dps: LocalService) -> None:
    group, first = place(dps)
    manager = dps.root.partition("/providers")[0].replace(group, "other-group")
    bearer = {"Authorization": f"Bearer {dps.management_token}"}
    assert dps.call("PUT", f"{manager}?api-version=2021-04-01", {"location": "westus"}, bearer).status == 201
    services = clients.management().iot_dps_resource
    services.begin_create_or_update("other-group", "second-dps", description(allocation_policy="Static")).result()

    assert [each.name for each in services.list_by_resource_group(group)] == [first]
    assert [each.name for each in services.list_by_resource_group("OTHER-group")] == ["second-dps"]
    everywhere = {each.name: each for each in services.list_by_subscription()}
    assert set(everywhere) == {first, "second-dps"}
    assert everywhere["second-dps"] == services.get("second-dps", "other-group")
    assert everywhere["second-dps"].properties.allocation_policy == "Static"
    with pytest.raises(ResourceNotFoundError) as missing:
        list(services.list_by_resource_group("no-such-group"))
    assert missing.value.error.code == "ResourceGroupNotFound"
    with pytest.raises(ResourceExistsError):  # a name forms a host name, so it is globally unique
        services.begin_create_or_update(group, "second-dps", description())


def test_keys_are_listed_and_returned_by_name(clients: Clients, dps: LocalService) -> None:
    group, service = place(dps)
    services = clients.management().iot_dps_resource
    (owner,) = services.list_keys(service, group)
    assert owner.key_name == "provisioningserviceowner"
    assert set(owner.rights.split(", ")) == RIGHTS
    assert len({len(b64decode(each)) for each in (owner.primary_key, owner.secondary_key)}) == 1
    assert owner.primary_key != owner.secondary_key
    assert dps.connection["connection_string"].endswith(f";SharedAccessKey={owner.primary_key}")
    assert services.list_keys_for_key_name(service, owner.key_name, group) == owner
    with pytest.raises(ResourceNotFoundError):
        services.list_keys_for_key_name(service, "nobody", group)


def test_skus_and_available_names_are_returned(clients: Clients, dps: LocalService) -> None:
    group, service = place(dps)
    services = clients.management().iot_dps_resource
    assert [sku.name for sku in services.list_valid_skus(service, group)] == ["S1"]

    def check(wanted: str) -> tuple[bool, str]:
        answer = services.check_provisioning_service_name_availability(OperationInputs(name=wanted))
        return answer.name_available, answer.reason

    assert check("a-free-name") == (True, "Invalid")  # the real service gives that reason for a free name, too
    assert check(service.upper()) == (False, "AlreadyExists")
    assert check("-") == (False, "Invalid")


def test_the_result_of_an_operation_can_be_asked_for(clients: Clients, dps: LocalService) -> None:
    group, service = dps.connection["resource_group"], "asked-for"
    services = clients.management().iot_dps_resource
    answers: list[Mapping[str, str]] = []
    services.begin_create_or_update(
        group,
        service,
        description(),
        polling=False,
        raw_response_hook=lambda response: answers.append(response.http_response.headers),
    ).result()
    monitor = urlsplit(answers[-1]["Azure-AsyncOperation"])
    operation = monitor.path.rpartition("/")[2]
    assert monitor.netloc == dps.host
    assert services.get_operation_result(operation, group, service, asyncinfo="true").status == "Succeeded"
    with pytest.raises(ResourceNotFoundError):
        services.get_operation_result("bm90aGluZw==", group, service, asyncinfo="true")


# --- certificates ---


@pytest.mark.parametrize("encoding", ["PEM", "DER"])
def test_possession_is_proved_with_each_etag_handed_on(
    clients: Clients, dps: LocalService, exchanges: list[RequestRecord], encoding: str
) -> None:
    group, service = place(dps)
    certificates = clients.management().dps_certificate
    ca = root("Root of the SDK")
    content = ca.der if encoding == "DER" else ca.pem.encode()

    made = certificates.create_or_update(group, service, "ca", uploaded(content))
    assert made.id == f"{dps.root}/certificates/ca"
    assert (made.name, made.type) == ("ca", "Microsoft.Devices/provisioningServices/Certificates")
    told = made.properties
    assert (told.is_verified, told.certificate) == (False, None)
    assert told.thumbprint == ca.certificate.fingerprint(hashes.SHA1()).hex().upper()
    assert told.expiry == ca.certificate.not_valid_after_utc
    assert abs(told.updated - datetime.now(UTC)) < timedelta(minutes=1)

    coded = certificates.generate_verification_code("ca", group, service, etag=made.etag, match_condition=IF_SAME)
    code = coded.properties.verification_code
    assert re.fullmatch(r"[0-9A-F]{48}", code)
    assert (coded.properties.is_verified, coded.properties.certificate) == (False, content)
    with pytest.raises(HttpResponseError) as refused:
        certificates.verify_certificate(
            "ca", group, service, VerificationCodeRequest(certificate=proof(ca, "0" * 48).pem),
            etag=coded.etag, match_condition=IF_SAME,
        )  # fmt: skip
    assert refused.value.status_code == 400
    assert "(400053) Proof-Of-Possession failed." in refused.value.message

    verified = certificates.verify_certificate(
        "ca", group, service, VerificationCodeRequest(certificate=proof(ca, code).pem),
        etag=coded.etag, match_condition=IF_SAME,
    )  # fmt: skip
    assert (verified.properties.is_verified, verified.properties.certificate) == (True, None)
    assert len({made.etag, coded.etag, verified.etag}) == 3
    assert certificates.get("ca", group, service) == verified
    assert certificates.list(group, service).value == [verified]
    conditions = [each.headers.get("if-match") for each in exchanges if "/certificates/ca" in each.path]
    assert conditions == [None, *(f'"{each.etag}"' for each in (made, coded, coded)), None]

    certificates.delete(group, service, "ca", etag=verified.etag, match_condition=IF_SAME)
    assert certificates.list(group, service).value == []
    with pytest.raises(ResourceNotFoundError) as gone:
        certificates.get("ca", group, service)
    assert gone.value.status_code == 404


def test_a_certificate_can_be_verified_on_upload(clients: Clients, dps: LocalService) -> None:
    group, service = place(dps)
    certificates = clients.management().dps_certificate
    made = certificates.create_or_update(group, service, "ca", uploaded(root().pem.encode(), is_verified=True))
    assert made.properties.is_verified is True
    claimed = certificates.create_or_update(
        group, service, "ca", uploaded(root().pem.encode(), is_verified=False), etag=made.etag, match_condition=IF_SAME
    )
    assert claimed.properties.is_verified is False
    assert certificates.get("ca", group, service).properties.is_verified is False


def test_a_stale_etag_changes_nothing(clients: Clients, dps: LocalService) -> None:
    group, service = place(dps)
    certificates = clients.management().dps_certificate
    made = certificates.create_or_update(group, service, "ca", uploaded(root().der))
    present = certificates.generate_verification_code("ca", group, service, etag=made.etag, match_condition=IF_SAME)
    stale: Mapping[str, Any] = {"etag": made.etag, "match_condition": IF_SAME}
    request = VerificationCodeRequest(certificate=proof(root(), present.properties.verification_code).pem)
    attempts = [
        lambda: certificates.create_or_update(group, service, "ca", uploaded(root().der, is_verified=True), **stale),
        lambda: certificates.generate_verification_code("ca", group, service, **stale),
        lambda: certificates.verify_certificate("ca", group, service, request, **stale),
        lambda: certificates.delete(group, service, "ca", **stale),
    ]
    for attempt in attempts:
        with pytest.raises(ResourceModifiedError) as refused:
            attempt()
        assert "(412001) Invalid ETag supplied." in str(refused.value)
    left = certificates.get("ca", group, service)
    assert (left.etag, left.properties.is_verified) == (present.etag, False)
    # The code is still valid: no attempt has used it up.
    assert certificates.verify_certificate(
        "ca", group, service, request, etag=present.etag, match_condition=IF_SAME
    ).properties.is_verified


def test_if_present_takes_any_etag_and_if_missing_only_a_new_name(
    clients: Clients, dps: LocalService, exchanges: list[RequestRecord]
) -> None:
    group, service = place(dps)
    certificates = clients.management().dps_certificate
    another = authority(name("Another root"), key(which=1))
    made = certificates.create_or_update(group, service, "ca", uploaded(root().der), etag="*", match_condition=IF_NEW)
    with pytest.raises(ResourceExistsError):
        certificates.create_or_update(group, service, "ca", uploaded(another.der), etag="*", match_condition=IF_NEW)
    with pytest.raises(HttpResponseError) as unconditional:
        certificates.create_or_update(group, service, "ca", uploaded(another.der))
    assert unconditional.value.status_code == 412
    assert certificates.get("ca", group, service) == made

    present: Mapping[str, Any] = {"etag": "*", "match_condition": IF_THERE}
    replaced = certificates.create_or_update(group, service, "ca", uploaded(another.der), **present)
    assert replaced.properties.thumbprint == another.certificate.fingerprint(hashes.SHA1()).hex().upper()
    coded = certificates.generate_verification_code("ca", group, service, **present)
    request = VerificationCodeRequest(certificate=proof(another, coded.properties.verification_code).pem)
    assert certificates.verify_certificate("ca", group, service, request, **present).properties.is_verified
    certificates.delete(group, service, "ca", **present)
    with pytest.raises(ResourceNotFoundError):
        certificates.delete(group, service, "ca", **present)
    sent = {each.headers.get("if-match") for each in exchanges if "/certificates/ca" in each.path}
    assert sent == {None, "*"}


# --- 1.1.0 ---


def run_older(dps: LocalService) -> Mapping[str, Any]:
    """Return the results of a sync and an aio session of 1.1.0. The connection contains a secret, so it is passed on stdin."""
    assert OLDER_PYTHON.is_file(), f"{OLDER_PYTHON.parents[1].name} is not there: {door('test')} installs it."
    result = subprocess.run(
        [OLDER_PYTHON, OLDER],
        input=json.dumps(dict(dps.connection)), capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_the_older_client_does_the_same_with_its_own_api_version(
    dps: LocalService, exchanges: list[RequestRecord]
) -> None:
    seen = run_older(dps)
    assert seen["version"] == "1.1.0"
    for form, weights in (("sync", [1, None]), ("aio", [2, None])):
        assert_older_certificates(seen[form]["certificates"], dps)
        assert_older_services(seen[form]["services"], dps, weights)

    by_older = [each for each in exchanges if "/Microsoft.Devices/" in each.path]
    assert {each.query.split("&")[0] for each in by_older} == {"api-version=2021-10-15"}
    agent = r"azsdk-python-mgmt-iothubprovisioningservices/1\.1\.0 "
    assert all(re.match(agent, each.headers["user-agent"]) for each in by_older)
    uploads = [json.loads(each.body) for each in by_older if each.method == "PUT" and "/certificates/" in each.path]
    assert {frozenset(body) for body in uploads} == {
        frozenset(["certificate"]),
        frozenset(["certificate", "isVerified"]),
    }
    etags = {each.headers["if-match"] for each in by_older if "if-match" in each.headers}
    assert not any('"' in etag for etag in etags)  # this client sends them bare


def assert_older_certificates(seen: Mapping[str, Any], dps: LocalService) -> None:
    created, coded, verified, again = (seen[step] for step in ("created", "coded", "verified", "again"))
    assert created["id"] == f"{dps.root}/certificates/older-ca"
    assert seen["read"] == created
    assert re.fullmatch(r"[0-9A-F]{48}", coded["properties"]["verification_code"])
    assert seen["echoed"] is True
    answers = [created, coded, verified, again]
    assert [each["properties"]["is_verified"] for each in answers] == [False, False, True, True]
    assert len({each["etag"] for each in answers}) == 4
    assert seen["listed"] == [verified]
    assert seen["claimed"]["properties"]["is_verified"] is True
    refusals = {
        "stale": (412, 412001),
        "unproved": (400, 400053),
        "unconditional": (412, 412001),
        "gone": (404, 404001),
    }
    for step, (status, code) in refusals.items():
        assert seen[step]["status"] == status
        assert seen[step]["message"].startswith(f"({code}) ")
    assert seen["gone"]["kind"] == "ResourceNotFoundError"
    assert seen["left"] == []


def assert_older_services(seen: Mapping[str, Any], dps: LocalService, weights: list[int]) -> None:
    first = place(dps)[1]
    made = seen["made"]
    assert made["id"] == dps.root.replace(first, "older-dps")
    assert (made["properties"]["state"], made["properties"]["provisioning_state"]) == ("Active", "Succeeded")
    (hub,) = seen["hubs"]
    assert (hub["name"], hub["allocation_weight"]) == ("hub.azure-devices.net", 6)
    assert hub["connection_string"].endswith(";SharedAccessKey=****")
    assert seen["tags"] == {"by": "1.1.0"}
    assert sorted(seen["in_group"]) == sorted(seen["everywhere"]) == [first, "older-dps"]
    assert (seen["skus"], seen["keys"], seen["key"]) == (
        ["S1"],
        ["provisioningserviceowner"],
        "provisioningserviceowner",
    )
    assert (seen["taken"]["name_available"], seen["free"]["name_available"]) == (False, True)
    assert (seen["gone"]["kind"], seen["gone"]["status"]) == ("ResourceNotFoundError", 404)
    assert (seen["changed"], seen["weights"]) == ({"kind": None}, weights)
