"""azure-iot-deviceprovisioning 1.0.0b1, unmodified, sync and aio: enrollments of both kinds and registration records."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from cryptography.hazmat.primitives import hashes

from helpers.local_dps import RequestRecord
from helpers.local_dps.store import RegistrationRow, Store
from tests.clients.forms import Clients
from tests.crafting import Crafted, authority, key, name, root
from tests.local_dps.enrollments import GROUPS, INDIVIDUALS, EnrollmentKind
from tests.local_dps.wire import LocalService, signature

Document = dict[str, Any]
ALL = {"query": "SELECT *"}
GROUP = "group-with-records"
STAMPS = ("2026-01-02T03:04:05.1234567Z", "2026-01-02T03:04:06.7654321Z")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z")
GIVEN_KEYS = {"primaryKey": b64encode(b"1" * 32).decode(), "secondaryKey": b64encode(b"2" * 32).decode()}
TPM = {"endorsementKey": b64encode(b"endorsement").decode(), "storageRootKey": b64encode(b"storage root").decode()}


@pytest.fixture(params=[GROUPS, INDIVIDUALS], ids=["groups", "individuals"])
def kind(request: pytest.FixtureRequest) -> EnrollmentKind:
    return request.param


def operations(client: Any, kind: EnrollmentKind) -> Any:
    """The client's methods for that kind."""
    return client.enrollment_group if kind is GROUPS else client.enrollment


def failure(kind: EnrollmentKind, id_: str, code: int, message: str) -> Document:
    """An item of a bulk that was not carried out."""
    return {kind.id_name: id_, "errorCode": code, "errorStatus": message}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder with registration records, which only devices can create."""
    state = tmp_path / "state"
    state.mkdir()
    store = Store(state / "dps.sqlite3")
    service = store.services.all()[0].id
    with store.transaction():
        for number in range(1, 6):
            store.registrations.put(record(service, f"device-{number}", GROUP))
        store.registrations.put(record(service, "device-alone", None))
    store.close()
    return state


def record(service: int, device: str, group: str | None) -> RegistrationRow:
    document = {
        "assignedHub": "local-hub-1.azure-devices.net",
        "deviceId": device,
        "status": "assigned",
        "substatus": "initialAssignment",
    }
    return RegistrationRow(service, device, group, document, f"etag-of-{device}", *STAMPS)


def described(device: str) -> Document:
    """Return the record as the service describes it."""
    document = record(0, device, None).document
    times = dict(zip(("createdDateTimeUtc", "lastUpdatedDateTimeUtc"), STAMPS, strict=True))
    return {"registrationId": device, "etag": f"etag-of-{device}", **times, **document}


def info(certificate: Crafted) -> Document:
    its = certificate.certificate
    return {
        "subjectName": its.subject.rfc4514_string(),
        "sha1Thumbprint": its.fingerprint(hashes.SHA1()).hex().upper(),
        "sha256Thumbprint": its.fingerprint(hashes.SHA256()).hex().upper(),
        "issuerName": its.issuer.rfc4514_string(),
        "notBeforeUtc": f"{its.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
        "notAfterUtc": f"{its.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
        "version": 3,
    }


def certificates_in(attestation: Mapping[str, Any], kind: EnrollmentKind) -> Document:
    """Return the descriptions of its certificates; the certificates themselves are never returned."""
    assert attestation["type"] == "x509"
    assert set(attestation["x509"]) == {kind.certificates}
    told = {}
    for slot, certificate in attestation["x509"][kind.certificates].items():
        assert set(certificate) == {"info"}
        told[slot] = {name: value for name, value in certificate["info"].items() if name != "serialNumber"}
        assert re.fullmatch(r"(?:[0-9A-F]{2})+", certificate["info"]["serialNumber"])
    return told


def reason(refused: pytest.ExceptionInfo[HttpResponseError]) -> tuple[int | None, int, str]:
    error = refused.value
    said = json.loads(error.response.text())
    assert set(said) >= {"errorCode", "trackingId", "message", "timestampUtc"}
    assert said["trackingId"] == error.response.headers["x-ms-request-id"]
    return error.status_code, said["errorCode"], said["message"]


# --- attestations ---


@pytest.mark.parametrize("encoding", ["PEM", "DER"])
@pytest.mark.parametrize("slots", [("primary",), ("primary", "secondary")], ids=["one", "two"])
def test_certificates_are_described_and_never_returned(
    clients: Clients, kind: EnrollmentKind, encoding: str, slots: tuple[str, ...]
) -> None:
    made = {"primary": root("One"), "secondary": authority(name("Two"), key(which=2))}
    sent = {slot: made[slot].pem if encoding == "PEM" else b64encode(made[slot].der).decode() for slot in slots}
    attestation = {
        "type": "x509",
        "x509": {kind.certificates: {slot: {"certificate": text} for slot, text in sent.items()}},
    }
    expected = {slot: info(made[slot]) for slot in slots}

    enrollments = operations(clients.service(), kind)
    put = enrollments.create_or_update("with-certificate", kind.body("with-certificate", attestation))
    (found,) = enrollments.query(ALL)
    answers = [put, enrollments.get("with-certificate"), found]
    mechanism = enrollments.get_attestation_mechanism("with-certificate")
    for each in (*(answer["attestation"] for answer in answers), mechanism):
        assert certificates_in(each, kind) == expected
    serial = made["primary"].certificate.serial_number
    assert int(mechanism["x509"][kind.certificates]["primary"]["info"]["serialNumber"], 16) == serial


def test_a_ca_is_referred_to_by_name(clients: Clients, dps: LocalService, kind: EnrollmentKind) -> None:
    dps.upload("my-ca", root().pem)
    attestation = {"type": "x509", "x509": {"caReferences": {"primary": "my-ca"}}}
    enrollments = operations(clients.service(), kind)
    put = enrollments.create_or_update("by-reference", kind.body("by-reference", attestation))
    expected = {"type": "x509", "x509": {"caReferences": {"primary": "my-ca", "secondary": None}}}
    (found,) = enrollments.query(ALL)
    for answer in (put, enrollments.get("by-reference"), found):
        assert answer["attestation"] == expected
    assert enrollments.get_attestation_mechanism("by-reference") == expected

    attestation["x509"] = {"caReferences": {"primary": "another-ca"}}
    with pytest.raises(HttpResponseError) as refused:
        enrollments.create_or_update("to-nothing", kind.body("to-nothing", attestation))
    assert refused.value.status_code == 400
    with pytest.raises(ResourceNotFoundError):
        enrollments.get("to-nothing")


@pytest.mark.parametrize("given", [True, False], ids=["given", "generated"])
def test_symmetric_keys_are_returned_by_a_put_and_on_request(
    clients: Clients, kind: EnrollmentKind, given: bool
) -> None:
    attestation = {"type": "symmetricKey"} | ({"symmetricKey": GIVEN_KEYS} if given else {})
    enrollments = operations(clients.service(), kind)
    put = enrollments.create_or_update("with-keys", kind.body("with-keys", attestation))["attestation"]
    assert put["type"] == "symmetricKey"
    keys = put["symmetricKey"]
    assert set(keys) == set(GIVEN_KEYS)
    if given:
        assert keys == GIVEN_KEYS
    else:
        assert len({b64decode(each, validate=True) for each in keys.values()}) == 2
    (found,) = enrollments.query(ALL)
    for answer in (enrollments.get("with-keys"), found):
        assert answer["attestation"]["type"] == "symmetricKey"
        assert not any(secret in str(answer) for secret in keys.values())
    assert enrollments.get_attestation_mechanism("with-keys") == put


def test_a_tpm_is_stored_for_an_individual_enrollment_and_refused_for_a_group(clients: Clients) -> None:
    client = clients.service()
    attestation = {"type": "tpm", "tpm": TPM}
    put = client.enrollment.create_or_update("with-tpm", INDIVIDUALS.body("with-tpm", attestation))
    (found,) = client.enrollment.query(ALL)
    for answer in (put, client.enrollment.get("with-tpm"), found):
        assert answer["attestation"] == attestation
    assert client.enrollment.get_attestation_mechanism("with-tpm") == attestation
    with pytest.raises(HttpResponseError) as refused:
        client.enrollment_group.create_or_update("with-tpm", GROUPS.body("with-tpm", attestation))
    assert refused.value.status_code == 400


# --- create, read, change, delete ---


def test_an_enrollment_comes_back_as_it_was_sent(clients: Clients, dps: LocalService, kind: EnrollmentKind) -> None:
    settings: Document = {
        "capabilities": {"iotEdge": True},
        "provisioningStatus": "disabled",
        "reprovisionPolicy": {"updateHubAssignment": True, "migrateDeviceData": False},
        "allocationPolicy": "custom",
        "iotHubs": dps.connection["iot_hubs"],
        "customAllocationDefinition": {"webhookUrl": "https://example.org/hook", "apiVersion": "2021-10-01"},
        "initialTwin": {"tags": {"site": "ä"}, "properties": {"desired": {"interval": 5}}},
    }
    if kind is INDIVIDUALS:
        settings |= {"deviceId": "name-at-the-hub", "optionalDeviceInformation": {"colour": "blue"}}
    enrollments = operations(clients.service(), kind)
    sent = kind.body("Complete", {"type": "symmetricKey"}, **settings)
    put = enrollments.create_or_update("Complete", sent)
    added = {name: put.pop(name) for name in ("etag", "createdDateTimeUtc", "lastUpdatedDateTimeUtc")}
    keys = put["attestation"].pop("symmetricKey")
    assert put == sent
    assert set(keys) == set(GIVEN_KEYS)
    assert re.fullmatch(rb'"[0-9a-f-]{36}"', b64decode(added["etag"], validate=True))
    assert TIME.fullmatch(added["createdDateTimeUtc"])
    assert added["lastUpdatedDateTimeUtc"] == added["createdDateTimeUtc"]

    unassigned = {"registrationState": {"registrationId": "Complete", "status": "unassigned"}}
    assert enrollments.get("cOMPLETE") == put | added | (unassigned if kind is INDIVIDUALS else {})
    assert list(enrollments.query(ALL)) == [put | added]


def test_null_members_are_left_out_but_for_the_status(clients: Clients, kind: EnrollmentKind) -> None:
    """The client's own samples send null members, and the real service answers like this."""
    left_out = ("capabilities", "reprovisionPolicy", "iotHubs", "iotHubHostName", "initialTwin", "deviceId")
    nulls = dict.fromkeys((*left_out, "customAllocationDefinition", "optionalDeviceInformation", "provisioningStatus"))
    keys = {"type": "symmetricKey", "symmetricKey": {"primaryKey": None, "secondaryKey": None}}
    enrollments = operations(clients.service(), kind)
    put = enrollments.create_or_update("sparse", kind.body("sparse", keys, allocationPolicy="static", **nulls))
    assert set(put) == {
        kind.id_name, "attestation", "etag", "provisioningStatus", "createdDateTimeUtc", "lastUpdatedDateTimeUtc",
        "allocationPolicy",
    }  # fmt: skip
    assert (put["provisioningStatus"], put["allocationPolicy"]) == (None, "static")
    assert all(put["attestation"]["symmetricKey"].values())
    assert enrollments.get("sparse")["provisioningStatus"] is None


def test_a_change_needs_the_present_etag(
    clients: Clients, kind: EnrollmentKind, exchanges: list[RequestRecord]
) -> None:
    enrollments = operations(clients.service(), kind)
    first = enrollments.create_or_update("one", kind.body("one"))
    disabled = kind.body("one", provisioningStatus="disabled")
    with pytest.raises(ResourceExistsError) as exists:
        enrollments.create_or_update("one", disabled)
    assert reason(exists) == (409, kind.exists, f"{kind.item_type} already exists.")

    second = enrollments.create_or_update("one", disabled, if_match=first["etag"])
    assert (second["provisioningStatus"], second["createdDateTimeUtc"]) == ("disabled", first["createdDateTimeUtc"])
    assert second["etag"] != first["etag"]
    assert second["lastUpdatedDateTimeUtc"] > first["lastUpdatedDateTimeUtc"]
    for attempt in (
        lambda: enrollments.create_or_update("one", kind.body("one"), if_match=first["etag"]),
        lambda: enrollments.delete("one", if_match=first["etag"]),
    ):
        with pytest.raises(HttpResponseError) as stale:
            attempt()
        assert reason(stale)[::2] == (412, "ETag is invalid")
    assert enrollments.get("one")["etag"] == second["etag"]

    third = enrollments.create_or_update("one", kind.body("one"), if_match="*")
    assert third["provisioningStatus"] == "enabled"
    assert enrollments.delete("one", if_match=third["etag"]) is None
    for attempt in (lambda: enrollments.get("one"), lambda: enrollments.delete("one")):
        with pytest.raises(ResourceNotFoundError) as gone:
            attempt()
        assert reason(gone)[:2] == (404, kind.not_found)
    enrollments.create_or_update("one", kind.body("one"))
    assert enrollments.delete("one") is None
    assert list(enrollments.query(ALL)) == []
    assert {each.query for each in exchanges} == {"api-version=2021-10-01"}
    assert all("az-iot-dps-python/1.0.0b1" in each.headers["user-agent"] for each in exchanges)


# --- query ---


def test_pages_have_the_requested_size_and_continue_where_the_last_one_ended(
    clients: Clients, kind: EnrollmentKind, exchanges: list[RequestRecord]
) -> None:
    enrollments = operations(clients.service(), kind)
    ids = [f"enrollment-{number}" for number in range(1, 6)]
    for each in ids:
        enrollments.create_or_update(each, kind.body(each))
    before = len(exchanges)
    query = {"query": f"SELECT * FROM {kind.collection}"}
    pages = [[each[kind.id_name] for each in page] for page in enrollments.query(query, top=2).by_page()]
    assert pages == [ids[:2], ids[2:4], ids[4:]]
    assert [each.headers["x-ms-max-item-count"] for each in exchanges[before:]] == ["2", "2", "2"]

    whole = iter(enrollments.query(ALL, top=3).by_page())
    assert [each[kind.id_name] for each in next(whole)] == ids[:3]
    continuation = exchanges[-1]
    assert "x-ms-continuation" not in continuation.headers
    enrollments.create_or_update("enrollment-0", kind.body("enrollment-0"))  # the newest comes last
    enrollments.delete("enrollment-4")
    assert [[each[kind.id_name] for each in page] for page in whole] == [[ids[4], "enrollment-0"]]
    assert [each[kind.id_name] for each in enrollments.query(ALL)] == [*ids[:3], ids[4], "enrollment-0"]


def test_a_query_can_be_continued_later(clients: Clients, kind: EnrollmentKind, dps: LocalService) -> None:
    for each in ("a", "b", "c"):
        operations(clients.service(), kind).create_or_update(each, kind.body(each))
    reply = dps.serve("POST", f"/{kind.collection}/query", ALL, headers={"x-ms-max-item-count": "1"})
    assert reply.headers["x-ms-item-type"] == kind.item_type
    assert reply.headers["x-ms-max-item-count"] == "1"
    later = operations(clients.service(), kind).query(ALL, top=1).by_page(reply.headers["x-ms-continuation"])
    assert [[each[kind.id_name] for each in page] for page in later] == [["b"], ["c"]]
    with pytest.raises(HttpResponseError) as refused:
        list(operations(clients.service(), kind).query({"query": "DROP TABLE enrollments"}))
    assert refused.value.status_code == 400


# --- bulk ---


def test_each_bulk_change_succeeds_or_fails_independently(clients: Clients, kind: EnrollmentKind) -> None:
    enrollments = operations(clients.service(), kind)

    def run(mode: str, *items: Document) -> tuple[bool, list[Document]]:
        answer = enrollments.run_bulk_operation({kind.collection: list(items), "mode": mode})
        assert set(answer) == {"isSuccessful", "errors"}
        return answer["isSuccessful"], answer["errors"]

    def status(id_: str) -> str:
        return enrollments.get(id_)["provisioningStatus"]

    already = f"{kind.item_type} already exists."
    assert run("create", kind.body("a"), kind.body("b")) == (True, [])
    assert run("create", kind.body("b"), kind.body("c")) == (False, [failure(kind, "b", kind.exists, already)])
    assert [each[kind.id_name] for each in enrollments.query(ALL)] == ["a", "b", "c"]

    disabled = {"provisioningStatus": "disabled"}
    # The real service treats an update without an ETag as a creation.
    assert run("update", kind.body("a", **disabled)) == (False, [failure(kind, "a", kind.exists, already)])
    assert status("a") == "enabled"
    etag = enrollments.get("a")["etag"]
    assert run("update", kind.body("a", etag=etag, **disabled)) == (True, [])
    assert status("a") == "disabled"

    fresh = enrollments.get("b")["etag"]
    (error,) = run("updateIfMatchETag", kind.body("a", etag=etag), kind.body("b", etag=fresh, **disabled))[1]
    assert error[kind.id_name] == "a"
    assert (error["errorCode"] // 1000, error["errorStatus"]) == (412, "ETag is invalid")
    assert (status("a"), status("b")) == ("disabled", "disabled")

    successful, (missing,) = run("delete", kind.body("a"), kind.body("nobody"), kind.body("c"))
    assert (successful, missing[kind.id_name], missing["errorCode"]) == (False, "nobody", kind.not_found)
    assert [each[kind.id_name] for each in enrollments.query(ALL)] == ["b"]


# --- registration records ---


def test_records_of_a_group_are_read_and_deleted(clients: Clients, exchanges: list[RequestRecord]) -> None:
    client = clients.service()
    client.enrollment_group.create_or_update(GROUP, GROUPS.body(GROUP))
    records = client.device_registration_state
    devices = [f"device-{number}" for number in range(1, 6)]
    assert list(records.query(GROUP)) == [described(each) for each in devices]
    before = len(exchanges)
    pages = [[each["registrationId"] for each in page] for page in records.query(GROUP, top=2).by_page()]
    assert pages == [devices[:2], devices[2:4], devices[4:]]
    assert [each.headers["x-ms-max-item-count"] for each in exchanges[before:]] == ["2", "2", "2"]

    assert records.get("DEVICE-3") == described("device-3")
    with pytest.raises(HttpResponseError) as stale:
        records.delete("device-3", if_match="another")
    assert reason(stale)[::2] == (412, "ETag is invalid")
    assert records.delete("device-3", if_match="etag-of-device-3") is None
    assert records.delete("device-4") is None
    with pytest.raises(ResourceNotFoundError) as gone:
        records.get("device-3")
    assert reason(gone)[0] == 404
    assert [each["registrationId"] for each in records.query(GROUP)] == ["device-1", "device-2", "device-5"]


def test_a_missing_group_has_no_records(clients: Clients) -> None:
    with pytest.raises(ResourceNotFoundError) as refused:
        list(clients.service().device_registration_state.query("nobody"))
    assert reason(refused)[:2] == (404, GROUPS.not_found)


def test_an_individual_enrollment_shows_its_registration(clients: Clients) -> None:
    client = clients.service()
    client.enrollment.create_or_update("device-alone", INDIVIDUALS.body("device-alone"))
    assert client.enrollment.get("device-alone")["registrationState"] == described("device-alone")
    client.device_registration_state.delete("device-alone")
    unassigned = {"registrationId": "device-alone", "status": "unassigned"}
    assert client.enrollment.get("device-alone")["registrationState"] == unassigned


# --- credentials ---

Opener = Callable[[Clients, LocalService], Any]
OPENERS: dict[str, Opener] = {
    "connection string": lambda clients, dps: clients.service(),
    "primary key": lambda clients, dps: clients.service(named_key(dps, "primaryKey")),
    "secondary key, endpoint without a scheme": lambda clients, dps: clients.service(
        named_key(dps, "secondaryKey"), dps.host
    ),
    "signature": lambda clients, dps: clients.service(
        AzureSasCredential(signature(dps.host, dps.keys()["primaryKey"]))
    ),
    "token": lambda clients, dps: clients.service(clients.credential()),
}
BAD_OPENERS: dict[str, Opener] = {
    "another key": lambda clients, dps: clients.service(
        AzureNamedKeyCredential("provisioningserviceowner", GIVEN_KEYS["primaryKey"])
    ),
    "another policy": lambda clients, dps: clients.service(AzureNamedKeyCredential("nobody", dps.keys()["primaryKey"])),
    "an expired signature": lambda clients, dps: clients.service(
        AzureSasCredential(signature(dps.host, dps.keys()["primaryKey"], expires=1))
    ),
    "a signature for another host": lambda clients, dps: clients.service(
        AzureSasCredential(signature("another.azure-devices-provisioning.net", dps.keys()["primaryKey"]))
    ),
}


def named_key(dps: LocalService, which: str) -> AzureNamedKeyCredential:
    return AzureNamedKeyCredential(dps.keys()["keyName"], dps.keys()[which])


@pytest.mark.parametrize("opener", OPENERS.values(), ids=list(OPENERS))
def test_the_service_accepts_each_credential(clients: Clients, dps: LocalService, opener: Opener) -> None:
    client = opener(clients, dps)
    made = client.enrollment_group.create_or_update("opened", GROUPS.body("opened"))
    assert dps.group("opened")["etag"] == made["etag"]
    client.enrollment_group.delete("opened", if_match=made["etag"])
    assert list(client.enrollment_group.query(ALL)) == []


@pytest.mark.parametrize("opener", BAD_OPENERS.values(), ids=list(BAD_OPENERS))
def test_a_bad_credential_is_refused(clients: Clients, dps: LocalService, opener: Opener) -> None:
    with pytest.raises(ClientAuthenticationError) as refused:
        opener(clients, dps).enrollment_group.create_or_update("opened", GROUPS.body("opened"))
    assert reason(refused) == (401, 401000, "Unauthorized")
    assert dps.serve("POST", "/enrollmentGroups/query", ALL).json == []


def test_a_key_that_may_read_cannot_write(clients: Clients, dps: LocalService, kind: EnrollmentKind) -> None:
    service = dict(dps.manage("GET").json)
    service["properties"]["authorizationPolicies"] = [{"keyName": "reader", "rights": "EnrollmentRead"}]
    assert dps.manage("PUT", "", service).status == 201
    key = dps.manage("POST", "/keys/reader/listkeys").json
    reader = operations(clients.service(AzureNamedKeyCredential(key["keyName"], key["primaryKey"])), kind)
    assert list(reader.query(ALL)) == []
    with pytest.raises(ClientAuthenticationError) as refused:
        reader.create_or_update("one", kind.body("one"))
    assert reason(refused) == (401, 401000, "Unauthorized")
    assert list(reader.query(ALL)) == []
