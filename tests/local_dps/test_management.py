"""The management plane, through Azure's own client, and the exact requests and answers."""

import base64
import re

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.mgmt.iothubprovisioningservices import IotDpsClient
from azure.mgmt.iothubprovisioningservices.models import (
    CertificateProperties,
    CertificateResponse,
    VerificationCodeRequest,
)

from tests.crafting import Crafted, proof, root
from tests.encodings import ENCODINGS
from tests.local_dps.assertions import (
    CERTIFICATE_FIELDS,
    GUID,
    assert_is_certificate,
    assert_provider_refuses,
)
from tests.local_dps.wire import NEWEST, LocalService, Reply, upload_body

FLAT = ("2017-11-15", "2018-01-22", "2020-01-01", "2020-03-01", "2021-10-15")
NESTED = ("2022-02-05", "2022-12-12", "2023-03-01-preview", "2025-02-01-preview", "2026-11-01")
FRESH_ETAG = base64.b64encode(b'"05006bea-0000-0700-0000-62716b4b0000"').decode()


# --- Azure's client ---------------------------------------------------------------------------------------------------


def places(dps: LocalService) -> tuple[str, str]:
    return dps.connection["resource_group"], dps.connection["provisioning_service"]


def test_azures_client_reads_the_service_and_its_keys(dps: LocalService, management: IotDpsClient) -> None:
    group, name = places(dps)
    service = management.iot_dps_resource.get(name, group)
    assert service.name == name
    assert service.properties.id_scope == dps.connection["id_scope"]
    assert service.properties.state == "Active"
    assert service.properties.provisioning_state == "Succeeded"
    assert [hub.name for hub in service.properties.iot_hubs] == dps.connection["iot_hubs"]
    (rule,) = management.iot_dps_resource.list_keys(name, group)
    assert rule.key_name == "provisioningserviceowner"
    assert f"SharedAccessKey={rule.primary_key}" in dps.connection["connection_string"]
    assert rule.rights == "ServiceConfig, DeviceConnect, EnrollmentWrite"


def test_azures_client_proves_possession_with_each_etag_handed_on(dps: LocalService, management: IotDpsClient) -> None:
    group, name = places(dps)
    uploaded, same = root(), MatchConditions.IfNotModified
    certificates = management.dps_certificate
    properties = CertificateProperties(certificate=uploaded.pem.encode())
    first = certificates.create_or_update(group, name, "ca", CertificateResponse(properties=properties))
    assert first.properties.is_verified is False
    assert first.properties.expiry == uploaded.certificate.not_valid_after_utc
    second = certificates.generate_verification_code("ca", group, name, etag=first.etag, match_condition=same)
    request = VerificationCodeRequest(certificate=proof(uploaded, second.properties.verification_code).pem.encode())
    third = certificates.verify_certificate("ca", group, name, request, etag=second.etag, match_condition=same)
    assert third.properties.is_verified is True
    assert len({first.etag, second.etag, third.etag}) == 3
    assert certificates.get("ca", group, name).etag == third.etag
    (listed,) = certificates.list(group, name).value
    assert listed.etag == third.etag
    certificates.delete(group, name, "ca", etag=third.etag, match_condition=same)
    assert certificates.list(group, name).value == []


@pytest.mark.parametrize("call", ["upload", "generate", "verify", "delete"])
def test_azures_client_says_that_the_certificate_has_changed_meanwhile(
    dps: LocalService, management: IotDpsClient, call: str
) -> None:
    group, name = places(dps)
    uploaded = root()
    stale = dps.upload("ca", uploaded.pem)["etag"]
    code = dps.generate_code("ca")["properties"]["verificationCode"]
    before, codes = dps.everything(), dps.codes()
    condition = {"etag": stale, "match_condition": MatchConditions.IfNotModified}
    certificates = management.dps_certificate
    calls = {
        "upload": lambda: certificates.create_or_update(group, name, "ca", upload_body(uploaded.pem), **condition),
        "generate": lambda: certificates.generate_verification_code("ca", group, name, **condition),
        "verify": lambda: certificates.verify_certificate(
            "ca", group, name, {"certificate": proof(uploaded, code).pem}, **condition
        ),
        "delete": lambda: certificates.delete(group, name, "ca", **condition),
    }
    with pytest.raises(ResourceModifiedError, match="Invalid ETag supplied") as refused:
        calls[call]()
    assert refused.value.status_code == 412
    assert (dps.everything(), dps.codes()) == (before, codes)


@pytest.mark.parametrize("call", ["get", "generate", "verify", "delete"])
def test_azures_client_says_that_the_certificate_does_not_exist(
    dps: LocalService, management: IotDpsClient, call: str
) -> None:
    group, name = places(dps)
    any_etag = {"etag": "*", "match_condition": MatchConditions.IfPresent}
    certificates = management.dps_certificate
    calls = {
        "get": lambda: certificates.get("nothing", group, name),
        "generate": lambda: certificates.generate_verification_code("nothing", group, name, **any_etag),
        "verify": lambda: certificates.verify_certificate("nothing", group, name, {"certificate": "x"}, **any_etag),
        "delete": lambda: certificates.delete(group, name, "nothing", **any_etag),
    }
    with pytest.raises(ResourceNotFoundError) as refused:
        calls[call]()
    assert refused.value.status_code == 404


def test_azures_client_creates_only_what_is_not_there_when_told_to(dps: LocalService, management: IotDpsClient) -> None:
    group, name = places(dps)
    body, missing = upload_body(root().pem), {"match_condition": MatchConditions.IfMissing}
    management.dps_certificate.create_or_update(group, name, "ca", body, **missing)
    with pytest.raises(ResourceExistsError):
        management.dps_certificate.create_or_update(group, name, "ca", body, **missing)


def test_azures_client_gives_the_code_of_a_failed_proof(dps: LocalService, management: IotDpsClient) -> None:
    group, name = places(dps)
    dps.upload("ca", root().pem)
    dps.generate_code("ca")
    with pytest.raises(HttpResponseError, match=r"400053.*Proof-Of-Possession failed") as refused:
        management.dps_certificate.verify_certificate(
            "ca", group, name, {"certificate": root("other").pem}, etag="*", match_condition=MatchConditions.IfPresent
        )
    assert refused.value.status_code == 400


def test_azures_client_marks_a_certificate_verified_on_upload(dps: LocalService, management: IotDpsClient) -> None:
    group, name = places(dps)
    properties = CertificateProperties(certificate=root().pem.encode(), is_verified=True)
    made = management.dps_certificate.create_or_update(group, name, "ca", CertificateResponse(properties=properties))
    assert made.properties.is_verified is True
    assert management.dps_certificate.get("ca", group, name).properties.is_verified is True


# --- the wire ---------------------------------------------------------------------------------------------------------


def test_the_service_resource_has_the_fields_of_the_real_one(dps: LocalService) -> None:
    reply = dps.manage("GET")
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    body = reply.json
    assert set(body) == {
        "etag", "name", "location", "properties", "resourcegroup", "type", "id", "subscriptionid", "tags", "sku",
    }  # fmt: skip
    properties = body["properties"]
    assert set(properties) == {
        "state", "provisioningState", "iotHubs", "allocationPolicy", "serviceOperationsHostName",
        "deviceProvisioningHostName", "idScope",
    }  # fmt: skip
    assert re.fullmatch(r"0ne[0-9A-F]{8}", properties["idScope"])
    assert len(base64.b64decode(body["etag"], validate=True)) == 8
    assert (body["id"], body["type"]) == (dps.root, "Microsoft.Devices/provisioningServices")
    assert body["sku"] == {"name": "S1", "tier": "Standard", "capacity": 1}
    assert (properties["state"], properties["provisioningState"]) == ("Active", "Succeeded")
    assert properties["serviceOperationsHostName"] == dps.host


def test_the_keys_are_listed_with_their_rights(dps: LocalService) -> None:
    body = dps.manage("POST", "/listkeys").json
    (rule,) = body["value"]
    assert set(rule) == {"keyName", "primaryKey", "secondaryKey", "rights"}
    assert rule["primaryKey"] != rule["secondaryKey"]
    assert all(base64.b64decode(rule[which], validate=True) for which in ("primaryKey", "secondaryKey"))
    assert rule["rights"] == "ServiceConfig, DeviceConnect, EnrollmentWrite"


def test_every_answer_about_a_certificate_is_as_the_real_service_writes_it(dps: LocalService) -> None:
    uploaded, etags = root(), []
    sent = ENCODINGS["base64 of PEM with CRLF"](uploaded.der)

    created = dps.manage("PUT", "/certificates/ca", upload_body(sent))
    assert created.status == 200
    assert created.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "etag" not in created.headers
    for answer in (created.json, dps.certificate("ca")):
        assert_is_certificate(answer, dps, "ca", uploaded)
        assert set(answer["properties"]) == CERTIFICATE_FIELDS
        assert answer["properties"]["isVerified"] is False
        assert answer["properties"]["certificate"] is None
        assert answer == created.json
    etags.append(created.json["etag"])
    listed = dps.manage("GET", "/certificates")
    assert (listed.status, listed.json) == (200, {"value": [created.json]})

    generated = dps.manage("POST", "/certificates/ca/generateVerificationCode", if_match=etags[-1])
    assert generated.status == 200
    assert_is_certificate(generated.json, dps, "ca", uploaded)
    properties = generated.json["properties"]
    assert set(properties) == CERTIFICATE_FIELDS | {"verificationCode"}
    assert re.fullmatch(r"[0-9A-F]{48}", properties["verificationCode"])
    assert properties["isVerified"] is False
    assert properties["certificate"] == sent
    etags.append(generated.json["etag"])

    good = proof(uploaded, properties["verificationCode"]).pem
    verified = dps.verify("ca", good, if_match=etags[-1])
    assert verified.status == 200
    assert_is_certificate(verified.json, dps, "ca", uploaded)
    assert set(verified.json["properties"]) == CERTIFICATE_FIELDS
    assert verified.json["properties"]["isVerified"] is True
    assert verified.json["properties"]["certificate"] is None
    assert verified.json == dps.certificate("ca")
    etags.append(verified.json["etag"])
    assert len(set(etags)) == 3

    deleted = dps.manage("DELETE", "/certificates/ca", if_match=etags[-1])
    assert (deleted.status, deleted.content) == (200, b"")
    assert_provider_refuses(dps.manage("GET", "/certificates/ca"), 404, 404001, "NotFound")
    assert dps.manage("GET", "/certificates").json == {"value": []}


def test_each_code_is_new(dps: LocalService) -> None:
    dps.upload("ca", root().pem)
    codes = {dps.generate_code("ca")["properties"]["verificationCode"] for _ in range(5)}
    assert len(codes) == 5


def test_the_first_etag_is_stale_once_a_code_was_generated(dps: LocalService) -> None:
    uploaded = root()
    first = dps.upload("ca", uploaded.pem)["etag"]
    code = dps.generate_code("ca", if_match=first)["properties"]["verificationCode"]
    reply = dps.verify("ca", proof(uploaded, code).pem, if_match=first)
    assert_provider_refuses(reply, 412, 412001, "PreconditionFailed", "Invalid ETag supplied.")
    assert reply.headers["x-ms-request-id"] in reply.json["message"]


@pytest.mark.parametrize("quote", ['"{}"', "{}"], ids=["quoted", "unquoted"])
@pytest.mark.parametrize("good", [True, False], ids=["present", "stale"])
@pytest.mark.parametrize("call", ["upload", "generate", "verify", "delete"])
def test_an_etag_is_accepted_with_and_without_quotes(dps: LocalService, call: str, good: bool, quote: str) -> None:
    uploaded = root()
    dps.upload("ca", uploaded.pem)
    generated = dps.generate_code("ca")
    if_match = quote.format(generated["etag"] if good else FRESH_ETAG)
    reply = change(dps, call, uploaded, generated["properties"]["verificationCode"], if_match)
    if good:
        assert reply.status == 200, reply.content
    else:
        assert_provider_refuses(reply, 412, 412001, "PreconditionFailed", "Invalid ETag supplied.")
        assert dps.certificate("ca")["etag"] == generated["etag"]


@pytest.mark.parametrize("call", ["upload", "generate", "verify", "delete"])
def test_a_star_stands_for_any_etag(dps: LocalService, call: str) -> None:
    uploaded = root()
    dps.upload("ca", uploaded.pem)
    code = dps.generate_code("ca")["properties"]["verificationCode"]
    assert change(dps, call, uploaded, code, "*").status == 200


@pytest.mark.parametrize(("call", "status"), [("upload", 412), ("generate", 400), ("verify", 400), ("delete", 400)])
def test_a_change_without_an_etag_is_refused(dps: LocalService, call: str, status: int) -> None:
    uploaded = root()
    dps.upload("ca", uploaded.pem)
    code = dps.generate_code("ca")["properties"]["verificationCode"]
    before, codes = dps.everything(), dps.codes()
    assert change(dps, call, uploaded, code, None).status == status
    assert (dps.everything(), dps.codes()) == (before, codes)


def change(dps: LocalService, call: str, uploaded: Crafted, code: str, if_match: str | None) -> Reply:
    match call:
        case "upload":
            return dps.manage("PUT", "/certificates/ca", upload_body(uploaded.pem), if_match=if_match)
        case "generate":
            return dps.manage("POST", "/certificates/ca/generateVerificationCode", if_match=if_match)
        case "verify":
            body = {"certificate": proof(uploaded, code).pem}
            return dps.manage("POST", "/certificates/ca/verify", body, if_match=if_match)
        case _:
            return dps.manage("DELETE", "/certificates/ca", if_match=if_match)


def test_an_etag_is_ignored_when_a_certificate_is_created(dps: LocalService) -> None:
    reply = dps.manage("PUT", "/certificates/ca", upload_body(root().pem), if_match=FRESH_ETAG)
    assert reply.status == 200


def test_the_same_certificate_uploaded_again_stays_unverified_and_gets_a_new_etag(dps: LocalService) -> None:
    uploaded = root()
    first = dps.upload("ca", uploaded.pem)
    again = dps.upload("ca", uploaded.pem, if_match=first["etag"])
    assert again["properties"]["isVerified"] is False
    assert again["etag"] != first["etag"]


def test_one_certificate_may_have_two_names(dps: LocalService) -> None:
    uploaded = root()
    made = [dps.upload(name, uploaded.pem) for name in ("one", "two")]
    assert made[0]["properties"]["thumbprint"] == made[1]["properties"]["thumbprint"]
    assert [each["name"] for each in dps.manage("GET", "/certificates").json["value"]] == ["one", "two"]


@pytest.mark.parametrize("version", FLAT)
def test_an_upload_has_its_fields_at_top_level_before_2022_02_05(dps: LocalService, version: str) -> None:
    fields = {"certificate": root().pem}
    nested = dps.manage("PUT", "/certificates/ca", {"properties": fields}, version=version)
    assert nested.status == 400
    flat = dps.manage("PUT", "/certificates/ca", fields, version=version)
    assert flat.status == 200, flat.content
    assert flat.json["properties"]["isVerified"] is False


@pytest.mark.parametrize("version", NESTED)
def test_an_upload_has_its_fields_under_properties_since_2022_02_05(dps: LocalService, version: str) -> None:
    fields = {"certificate": root().pem}
    assert dps.manage("PUT", "/certificates/ca", fields, version=version).status == 400
    nested = dps.manage("PUT", "/certificates/ca", {"properties": fields}, version=version)
    assert nested.status == 200, nested.content


@pytest.mark.parametrize("version", [*FLAT, *NESTED])
def test_a_proof_is_at_top_level_in_every_api_version(dps: LocalService, version: str) -> None:
    uploaded = root()
    dps.upload("ca", uploaded.pem)
    good = {"certificate": proof(uploaded, dps.generate_code("ca")["properties"]["verificationCode"]).pem}
    target = ("POST", "/certificates/ca/verify")
    assert dps.manage(*target, {"properties": good}, if_match="*", version=version).status == 400
    assert dps.manage(*target, good, if_match="*", version=version).status == 200


@pytest.mark.parametrize("version", ["2020-03-01", "2021-10-15", "2022-02-05", NEWEST])
@pytest.mark.parametrize("claimed", [True, False, None])
def test_a_certificate_is_verified_on_upload_if_the_upload_claims_it(
    dps: LocalService, version: str, claimed: bool | None
) -> None:
    fields = {"certificate": root().pem, "isVerified": claimed}
    body = fields if version in FLAT else {"properties": fields}
    made = dps.manage("PUT", "/certificates/ca", body, version=version).json
    assert made["properties"]["isVerified"] is bool(claimed)
    assert dps.certificate("ca") == made


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("kind", ["P-256", "RSA-2048"])
def test_a_certificate_and_its_proof_may_come_in_each_encoding(dps: LocalService, kind: str, encoding: str) -> None:
    uploaded = root(kind=kind)
    sent = ENCODINGS[encoding](uploaded.der)
    assert_is_certificate(dps.upload("ca", sent), dps, "ca", uploaded)
    generated = dps.generate_code("ca")["properties"]
    assert generated["certificate"] == sent
    good = proof(uploaded, generated["verificationCode"])
    assert dps.verify("ca", ENCODINGS[encoding](good.der)).status == 200


def test_paths_are_compared_without_case(dps: LocalService) -> None:
    made = dps.upload("My-CA", root().pem)
    headers = {"Authorization": f"Bearer {dps.management_token}", "If-Match": "*"}

    def call(method: str, path: str) -> Reply:
        return dps.call(method, f"{path}?API-Version={NEWEST}", headers=headers)

    upper, lower = dps.root.upper(), dps.root.lower()
    assert call("GET", f"{upper}/CERTIFICATES/MY-CA").json == made
    assert call("GET", f"{lower}/certificates/my-ca").json == made
    assert call("POST", f"{upper}/LISTKEYS").status == 200
    generated = call("POST", f"{lower}/certificates/my-ca/generateverificationcode")
    assert (generated.status, generated.json["name"]) == (200, "My-CA")
    assert dps.upload("MY-CA", root().pem, if_match="*")["name"] == "My-CA"
    assert call("DELETE", f"{upper}/CERTIFICATES/my-ca").status == 200


@pytest.mark.parametrize(
    ("query", "code"), [("", "MissingApiVersionParameter"), ("?api-version=2019-99-99", "InvalidApiVersionParameter")]
)
def test_a_call_without_a_known_api_version_is_refused(dps: LocalService, query: str, code: str) -> None:
    reply = dps.call("GET", dps.root + query, headers={"Authorization": f"Bearer {dps.management_token}"})
    assert (reply.status, reply.json["error"]["code"]) == (400, code)


def test_a_missing_certificate_is_refused_in_the_resource_providers_words(dps: LocalService) -> None:
    assert_provider_refuses(dps.manage("GET", "/certificates/nothing"), 404, 404001, "NotFound")


def test_optional_query_parameters_of_the_older_clients_are_ignored(dps: LocalService) -> None:
    dps.upload("ca", root().pem)
    target = f"{dps.root}/certificates/ca/generateVerificationCode?api-version={NEWEST}&certificate.name=other"
    headers = {"Authorization": f"Bearer {dps.management_token}", "If-Match": "*"}
    assert dps.call("POST", f"{target}&certificate.isVerified=true&certificate.nonce=x", headers=headers).status == 200


def test_every_answer_of_this_plane_can_be_correlated(dps: LocalService) -> None:
    for reply in (dps.manage("GET", "/certificates"), dps.manage("GET", "/certificates/none")):
        assert re.fullmatch(GUID, reply.headers["x-ms-correlation-request-id"])
    assert "x-ms-correlation-request-id" not in dps.serve("GET", "/enrollmentGroups/none").headers
