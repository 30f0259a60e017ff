"""The service plane: enrollment groups through Azure's own client, and the exact requests and answers."""

import base64
import re
from collections.abc import Mapping
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.iot.deviceprovisioning import DeviceProvisioningClient
from cryptography.hazmat.primitives import hashes

from tests.crafting import authority, craft, key, name, root
from tests.encodings import ENCODINGS
from tests.local_dps.assertions import GUID, SEVEN_DIGITS, assert_service_refuses
from tests.local_dps.enrollments import STAMPS, WRONG_ETAG
from tests.local_dps.wire import LocalService, group_body, signature

# --- Azure's client ---------------------------------------------------------------------------------------------------


def test_azures_client_creates_reads_changes_queries_and_deletes_a_group(
    dps: LocalService, service: DeviceProvisioningClient
) -> None:
    dps.upload("ca", root().pem)
    groups = service.enrollment_group
    made = groups.create_or_update("g1", group_body("g1", reference="ca"))
    assert made["attestation"]["x509"]["caReferences"] == {"primary": "ca", "secondary": None}
    assert groups.get("g1") == made
    changed = groups.create_or_update("g1", {**made, "provisioningStatus": "disabled"}, if_match=made["etag"])
    assert changed["provisioningStatus"] == "disabled"
    assert changed["etag"] != made["etag"]
    assert list(groups.query({"query": "SELECT * FROM enrollmentGroups"})) == [changed]
    groups.delete("g1", if_match=changed["etag"])
    with pytest.raises(ResourceNotFoundError) as refused:
        groups.get("g1")
    assert refused.value.status_code == 404


def test_azures_client_gets_the_errors_of_azure_core(dps: LocalService, service: DeviceProvisioningClient) -> None:
    groups, body = service.enrollment_group, group_body("g1", signing=root().pem)
    made = groups.create_or_update("g1", body)
    with pytest.raises(ResourceExistsError) as exists:
        groups.create_or_update("g1", body)
    with pytest.raises(HttpResponseError) as stale:
        groups.create_or_update("g1", body, if_match=WRONG_ETAG)
    with pytest.raises(HttpResponseError) as stale_delete:
        groups.delete("g1", if_match=WRONG_ETAG)
    with pytest.raises(ResourceNotFoundError):
        groups.delete("g2")
    assert exists.value.status_code == 409
    assert "EnrollmentGroup already exists." in str(exists.value)
    assert stale.value.status_code == stale_delete.value.status_code == 412
    assert groups.get("g1") == made


def test_azures_client_pages_through_a_query(dps: LocalService, service: DeviceProvisioningClient) -> None:
    signing = root().pem
    made = [dps.put_group(group_body(f"group-{number}", signing=signing)) for number in range(5)]
    pages = service.enrollment_group.query({"query": "SELECT *"}, top=2).by_page()
    assert [list(page) for page in pages] == [made[:2], made[2:4], made[4:]]


# --- the wire ---------------------------------------------------------------------------------------------------------


def test_a_group_comes_back_with_what_was_sent_and_nothing_that_was_not(dps: LocalService) -> None:
    dps.upload("ca", root().pem)
    reply = dps.serve("PUT", "/enrollmentGroups/g1", group_body("g1", reference="ca"))
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert re.fullmatch(GUID, reply.headers["x-ms-request-id"])
    made = reply.json
    assert set(made) == {"enrollmentGroupId", "attestation", "provisioningStatus"} | STAMPS
    assert made["enrollmentGroupId"] == "g1"
    assert made["attestation"] == {"type": "x509", "x509": {"caReferences": {"primary": "ca", "secondary": None}}}
    assert made["provisioningStatus"] == "enabled"
    assert re.fullmatch(f'"{GUID}"', base64.b64decode(made["etag"], validate=True).decode())
    assert re.fullmatch(SEVEN_DIGITS, made["createdDateTimeUtc"])
    assert made["createdDateTimeUtc"] == made["lastUpdatedDateTimeUtc"]
    assert dps.group("g1") == made


@pytest.mark.parametrize("quote", ['"{}"', "{}"], ids=["quoted", "unquoted"])
def test_a_change_answers_200_with_a_new_etag_and_the_old_time_of_creation(dps: LocalService, quote: str) -> None:
    body = group_body("g1", signing=root().pem)
    made = dps.put_group(body)
    reply = dps.serve("PUT", "/enrollmentGroups/g1", body, if_match=quote.format(made["etag"]))
    assert reply.status == 200
    assert reply.json["etag"] != made["etag"]
    assert reply.json["createdDateTimeUtc"] == made["createdDateTimeUtc"]
    assert reply.json["lastUpdatedDateTimeUtc"] > made["lastUpdatedDateTimeUtc"]
    assert dps.group("g1") == reply.json


def test_a_star_changes_a_group_whatever_its_etag(dps: LocalService) -> None:
    body = group_body("g1", signing=root().pem)
    made = dps.put_group(body)
    assert dps.put_group(body, if_match="*")["etag"] != made["etag"]


def test_a_put_without_an_etag_does_not_change_a_group(dps: LocalService) -> None:
    body = group_body("g1", signing=root().pem)
    made = dps.put_group(body)
    reply = dps.serve("PUT", "/enrollmentGroups/g1", {**body, "provisioningStatus": "disabled"})
    assert_service_refuses(reply, 409, 409202, "EnrollmentGroup already exists.")
    assert dps.group("g1") == made


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("etag", [WRONG_ETAG, f'"{WRONG_ETAG}"', "nonsense"])
def test_a_wrong_etag_changes_nothing(dps: LocalService, method: str, etag: str) -> None:
    body = group_body("g1", signing=root().pem)
    made = dps.put_group(body)
    reply = dps.serve(method, "/enrollmentGroups/g1", body if method == "PUT" else None, if_match=etag)
    assert_service_refuses(reply, 412, reply.json["errorCode"], "ETag is invalid")
    assert dps.group("g1") == made


@pytest.mark.parametrize("if_match", [None, "*", "present"])
def test_a_deletion_answers_204_with_an_empty_body(dps: LocalService, if_match: str | None) -> None:
    made = dps.put_group(group_body("g1", signing=root().pem))
    reply = dps.serve("DELETE", "/enrollmentGroups/g1", if_match=made["etag"] if if_match == "present" else if_match)
    assert (reply.status, reply.content) == (204, b"")
    assert_service_refuses(dps.serve("GET", "/enrollmentGroups/g1"), 404, 404204)
    assert_service_refuses(dps.serve("DELETE", "/enrollmentGroups/g1"), 404, 404204)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_signing_certificate_comes_back_as_a_description_only(dps: LocalService, encoding: str) -> None:
    parent = root("Parent")
    signing = authority(name("Signing", organization="Contoso"), key(which=2), issuer=parent)
    made = dps.put_group(group_body("g1", signing=ENCODINGS[encoding](signing.der)))
    found = signing.certificate
    assert made["attestation"]["type"] == "x509"
    assert set(made["attestation"]["x509"]) == {"signingCertificates"}
    primary = made["attestation"]["x509"]["signingCertificates"]["primary"]
    assert set(primary) == {"info"}
    info = primary["info"]
    assert set(info) == {
        "subjectName", "sha1Thumbprint", "sha256Thumbprint", "issuerName", "notBeforeUtc", "notAfterUtc",
        "serialNumber", "version",
    }  # fmt: skip
    assert info["sha1Thumbprint"] == found.fingerprint(hashes.SHA1()).hex().upper()
    assert info["sha256Thumbprint"] == found.fingerprint(hashes.SHA256()).hex().upper()
    assert info["issuerName"] == "CN=Parent"
    assert "CN=Signing" in info["subjectName"]
    assert info["notBeforeUtc"] == f"{found.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}"
    assert info["notAfterUtc"] == f"{found.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    assert int(info["serialNumber"], 16) == found.serial_number
    assert info["serialNumber"] == info["serialNumber"].upper()
    assert info["version"] == 3
    assert dps.group("g1") == made


def test_a_signing_certificate_need_not_be_a_ca(dps: LocalService) -> None:
    """The service's own recordings have self-signed certificates without extensions here."""
    assert dps.put_group(group_body("g1", signing=craft(name("Leaf"), key(which=2)).pem))


def test_two_signing_certificates_are_both_described(dps: LocalService) -> None:
    body = group_body("g1", signing=root("One").pem)
    body["attestation"]["x509"]["signingCertificates"]["secondary"] = {"certificate": root("Two").pem}
    signing = dps.put_group(body)["attestation"]["x509"]["signingCertificates"]
    assert [signing[slot]["info"]["subjectName"] for slot in ("primary", "secondary")] == ["CN=One", "CN=Two"]


def test_a_group_may_refer_to_a_certificate_that_is_not_verified_yet(dps: LocalService) -> None:
    assert dps.upload("ca", root().pem)["properties"]["isVerified"] is False
    assert dps.put_group(group_body("g1", reference="ca"))


def test_every_field_of_a_group_is_stored(dps: LocalService) -> None:
    more: Mapping[str, Any] = {
        "capabilities": {"iotEdge": True},
        "provisioningStatus": "disabled",
        "reprovisionPolicy": {"updateHubAssignment": False, "migrateDeviceData": True},
        "allocationPolicy": "static",
        "iotHubs": dps.connection["iot_hubs"][:1],
        "initialTwin": {"tags": {"floor": 3}, "properties": {"desired": {"name": "ä ☃ 𝄞", "deep": [1, {"a": None}]}}},
    }
    made = dps.put_group(group_body("g1", signing=root().pem, **more))
    assert {field: made[field] for field in more} == more
    assert set(made) == {"enrollmentGroupId", "attestation", *more} | STAMPS
    assert dps.group("g1") == made


def test_null_fields_are_left_out_except_the_status_which_is_returned_as_null(dps: LocalService) -> None:
    nothing = dict.fromkeys(("provisioningStatus", "reprovisionPolicy", "allocationPolicy", "iotHubs", "initialTwin"))
    made = dps.put_group(group_body("g1", signing=root().pem, **nothing))
    assert set(made) == {"enrollmentGroupId", "attestation", "provisioningStatus"} | STAMPS
    assert made["provisioningStatus"] is None


def test_ids_are_compared_without_case(dps: LocalService) -> None:
    made = dps.put_group(group_body("My-Group", signing=root().pem))
    assert dps.group("MY-GROUP") == made
    assert dps.serve("GET", "/ENROLLMENTGROUPS/my-group").json == made
    assert_service_refuses(
        dps.serve("PUT", "/enrollmentGroups/my-group", group_body("my-group", signing="x")), 409, 409202
    )
    assert dps.serve("DELETE", "/enrollmentgroups/MY-group").status == 204


@pytest.mark.parametrize("size", [1, 2, 3, 4, 1000])
def test_a_query_is_answered_in_pages(dps: LocalService, size: int) -> None:
    signing = root().pem
    made = [dps.put_group(group_body(f"Group-{letter}", signing=signing)) for letter in "ABC"]
    got, token, calls = [], None, 0
    while calls == 0 or token:
        headers = {"x-ms-max-item-count": str(size)} | ({"x-ms-continuation": token} if token else {})
        page = dps.serve(
            "POST", "/enrollmentGroups/query", {"query": "select * from enrollmentgroups"}, headers=headers
        )
        assert page.status == 200
        assert page.headers["x-ms-item-type"] == "EnrollmentGroup"
        assert page.headers["x-ms-max-item-count"] == str(size)
        assert len(page.json) <= size
        got += page.json
        token, calls = page.headers.get("x-ms-continuation"), calls + 1
    assert got == made
    assert calls == -(-len(made) // size)


@pytest.mark.parametrize("version", ["2018-04-01", "2019-03-31", "2021-10-01"])
def test_the_api_versions_of_older_clients_are_served(dps: LocalService, version: str) -> None:
    headers = {"Authorization": f"Bearer {dps.service_token}"}
    assert_service_refuses(dps.call("GET", f"/enrollmentGroups/g1?api-version={version}", headers=headers), 404, 404204)


@pytest.mark.parametrize("query", ["", "?api-version=1999-01-01"])
def test_a_call_without_a_known_api_version_is_refused(dps: LocalService, query: str) -> None:
    headers = {"Authorization": f"Bearer {dps.service_token}"}
    reply = dps.call("GET", f"/enrollmentGroups/g1{query}", headers=headers)
    assert_service_refuses(reply, 400, reply.json["errorCode"])


def test_a_signature_may_be_for_a_part_of_the_service(dps: LocalService) -> None:
    """Scopes are matched by whole segments, from the first one on, says the documentation on access control."""
    dps.put_group(group_body("g1", signing=root().pem))
    secret = dps.keys()["primaryKey"]

    def get(resource: str) -> int:
        headers = {"Authorization": signature(f"{dps.host}/{resource}", secret)}
        return dps.serve("GET", "/enrollmentGroups/g1", headers=headers).status

    assert get("enrollments") == 401
    assert get("enrollmentGroups/g") == 401
    assert get("enrollmentGroups") == 200


@pytest.mark.parametrize(
    "query",
    [
        "*",
        "SELECT *",
        "select  *  from enrollmentGroups",
        "SELECT * FROM enrollments",
        "{'additional_properties': {}, 'query': 'SELECT *'}",
    ],
)
@pytest.mark.parametrize("collection", ["enrollmentGroups", "enrollments"])
def test_a_query_for_everything_is_read_tolerantly(dps: LocalService, query: str, collection: str) -> None:
    """The last is what Azure CLI's extension azure-iot really sends."""
    dps.put_group(group_body("pumps", signing=root().pem))
    reply = dps.serve("POST", f"/{collection}/query", {"query": query})
    assert reply.status == 200, reply.content
    assert [each["enrollmentGroupId"] for each in reply.json] == (["pumps"] if collection == "enrollmentGroups" else [])


ISSUANCE = ("namespaceName", "certificateAuthorityName", "certificatePolicyName", "credentialPolicyName")


@pytest.mark.parametrize("field", ISSUANCE)
def test_an_enrollment_that_asks_for_issued_certificates_is_refused(dps: LocalService, field: str) -> None:
    """As by a service without a Device Registry namespace; Azure CLI sends null to clear them."""
    body = group_body("pumps", signing=root().pem)
    refused = dps.serve("PUT", "/enrollmentGroups/pumps", {**body, field: "plant"})
    assert_service_refuses(
        refused, 400, 400004, "A Device Registry Namespace is required to be set on this DPS instance"
    )
    assert dps.serve("PUT", "/enrollmentGroups/pumps", {**body, field: None}).status == 200
