"""Individual enrollments on the wire, and what both kinds of enrollment have in common."""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.iot.deviceprovisioning import DeviceProvisioningClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import openssl
from tests.crafting import craft, key, name, root
from tests.encodings import ENCODINGS
from tests.local_dps.assertions import assert_service_refuses
from tests.local_dps.enrollments import (
    GROUPS,
    INDIVIDUALS,
    KINDS,
    STAMPS,
    WRONG_ETAG,
    EnrollmentClient,
    EnrollmentKind,
    get,
    mechanism,
    path,
    put,
    random_key,
    symmetric,
    without,
)
from tests.local_dps.private_keys import SENT_KEYS, traces
from tests.local_dps.wire import LocalService

VERSIONS = ("2018-04-01", "2018-09-01-preview", "2018-11-01", "2019-03-31", "2021-10-01")
INFO = {
    "subjectName", "sha1Thumbprint", "sha256Thumbprint", "issuerName", "notBeforeUtc", "notAfterUtc", "serialNumber",
    "version",
}  # fmt: skip


@pytest.fixture
def line(dps: LocalService) -> Iterator[EnrollmentClient]:
    with EnrollmentClient(dps) as made:
        yield made


# --- Azure's client ---------------------------------------------------------------------------------------------------


@pytest.fixture
def client(shared_dps: LocalService, shared_line: EnrollmentClient) -> Iterator[DeviceProvisioningClient]:
    given = shared_dps.connection
    with DeviceProvisioningClient.from_connection_string(
        given["connection_string"], connection_verify=given["ca_file"]
    ) as made:
        yield made


def test_azures_client_creates_reads_changes_queries_and_deletes_an_enrollment(
    client: DeviceProvisioningClient,
) -> None:
    leaf, enrollments = craft(name("sensor-1"), key()), client.enrollment
    body = INDIVIDUALS.body("sensor-1", INDIVIDUALS.x509(leaf.pem), deviceId="kitchen")
    made = enrollments.create_or_update("sensor-1", body)
    assert made["deviceId"] == "kitchen"
    present = enrollments.get("sensor-1")
    assert without(present, "registrationState") == made
    changed = enrollments.create_or_update(
        "sensor-1", {**body, "provisioningStatus": "disabled"}, if_match=present["etag"]
    )
    assert changed["provisioningStatus"] == "disabled"
    assert list(enrollments.query({"query": "SELECT * FROM enrollments"})) == [changed]
    assert enrollments.get_attestation_mechanism("sensor-1") == changed["attestation"]
    assert enrollments.run_bulk_operation({"enrollments": [body], "mode": "delete"})["isSuccessful"] is True
    with pytest.raises(ResourceNotFoundError):
        enrollments.get("sensor-1")


def test_azures_client_gets_the_errors_of_azure_core(client: DeviceProvisioningClient) -> None:
    enrollments, body = client.enrollment, INDIVIDUALS.body("sensor-1")
    enrollments.create_or_update("sensor-1", body)
    with pytest.raises(ResourceExistsError, match=r"Enrollment already exists\."):
        enrollments.create_or_update("sensor-1", body)
    with pytest.raises(HttpResponseError) as stale:
        enrollments.delete("sensor-1", if_match=WRONG_ETAG)
    assert stale.value.status_code == 412
    enrollments.delete("sensor-1")
    with pytest.raises(ResourceNotFoundError):
        enrollments.delete("sensor-1")


# --- X.509 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_certificate_is_described_where_it_was_sent_and_never_returned(
    shared_line: EnrollmentClient, encoding: str
) -> None:
    leaf = craft(name("sensor-1"), key())
    made = put(shared_line, INDIVIDUALS, INDIVIDUALS.body("sensor-1", INDIVIDUALS.x509(ENCODINGS[encoding](leaf.der))))
    x509_part = made["attestation"]["x509"]
    assert set(made["attestation"]) == {"type", "x509"}
    assert set(x509_part) == {"clientCertificates"}
    slots = x509_part["clientCertificates"]
    assert set(slots) == {"primary"}
    assert set(slots["primary"]) == {"info"}
    assert set(slots["primary"]["info"]) == INFO
    assert slots["primary"]["info"]["sha256Thumbprint"] == leaf.certificate.fingerprint(hashes.SHA256()).hex().upper()
    assert without(get(shared_line, INDIVIDUALS, "sensor-1"), "registrationState") == made
    assert shared_line.all(INDIVIDUALS) == [made]
    assert mechanism(shared_line, INDIVIDUALS, "sensor-1") == made["attestation"]


@KINDS
def test_a_secondary_certificate_may_come_alone(shared_line: EnrollmentClient, kind: EnrollmentKind) -> None:
    attestation = {
        "type": "x509",
        "x509": {kind.certificates: {"primary": None, "secondary": {"certificate": root().pem}}},
    }
    made = put(shared_line, kind, kind.body("i1", attestation))
    slots = made["attestation"]["x509"][kind.certificates]
    assert slots["primary"] is None
    assert slots["secondary"]["info"]["subjectName"] == "CN=Root"
    assert put(shared_line, kind, made, if_match=made["etag"])["attestation"] == made["attestation"]


@KINDS
@pytest.mark.parametrize("again", ["as it came", "with other dates", "by its thumbprint alone", "in the other place"])
def test_a_description_that_comes_back_keeps_its_certificate(
    shared_line: EnrollmentClient, kind: EnrollmentKind, again: str
) -> None:
    made = put(shared_line, kind, kind.body("i1", kind.x509(root("One").pem, root("Two").pem)))
    slots = made["attestation"]["x509"][kind.certificates]
    expected = deepcopy(slots)
    match again:
        case "with other dates":
            for slot in slots.values():
                slot["info"] |= {
                    date: slot["info"][date].replace("Z", ".000Z") for date in ("notBeforeUtc", "notAfterUtc")
                }
        case "by its thumbprint alone":
            for slot in slots.values():
                slot["info"] = {"sha256Thumbprint": slot["info"]["sha256Thumbprint"]}
        case "in the other place":
            slots["primary"], slots["secondary"] = slots["secondary"], slots["primary"]
            expected["primary"], expected["secondary"] = expected["secondary"], expected["primary"]
    changed = put(shared_line, kind, {**made, "provisioningStatus": "disabled"}, if_match=made["etag"])
    assert changed["attestation"]["x509"][kind.certificates] == expected
    assert changed["provisioningStatus"] == "disabled"


@KINDS
def test_a_description_of_another_certificate_is_refused(shared_line: EnrollmentClient, kind: EnrollmentKind) -> None:
    other = put(shared_line, kind, kind.body("i2", kind.x509(root("Two").pem)))["attestation"]
    made = put(shared_line, kind, kind.body("i1", kind.x509(root("One").pem)))
    sent = {**made, "attestation": other}
    assert_service_refuses(shared_line.call("PUT", path(kind, "i1"), sent, {"If-Match": "*"}), 400, 400000)
    assert get(shared_line, kind, "i1")["attestation"] == made["attestation"]


def test_two_certificates_are_each_described(shared_line: EnrollmentClient) -> None:
    attestation = INDIVIDUALS.x509(root("One").pem, root("Two").pem)
    slots = put(shared_line, INDIVIDUALS, INDIVIDUALS.body("i1", attestation))["attestation"]["x509"]
    named = {slot: each["info"]["subjectName"] for slot, each in slots["clientCertificates"].items()}
    assert named == {"primary": "CN=One", "secondary": "CN=Two"}


@KINDS
def test_a_reference_to_a_ca_comes_back_as_it_is_and_with_nothing_else(
    shared_dps: LocalService, shared_line: EnrollmentClient, kind: EnrollmentKind
) -> None:
    for ca in ("one", "two"):
        shared_dps.upload(ca, root().pem, if_match="*")
    made = put(shared_line, kind, kind.body("i1", {"type": "x509", "x509": {"caReferences": {"primary": "one"}}}))
    assert made["attestation"] == {"type": "x509", "x509": {"caReferences": {"primary": "one", "secondary": None}}}
    both = {"type": "x509", "x509": {"caReferences": {"primary": "two", "secondary": "one"}}}
    assert put(shared_line, kind, kind.body("i1", both), if_match="*")["attestation"] == both
    assert get(shared_line, kind, "i1")["attestation"] == both
    assert mechanism(shared_line, kind, "i1") == both


def certificate_of(serial: int, subject: x509.Name, issuer: x509.Name) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer, subject, key().public_key(), serial, now - timedelta(9), now)
    return builder.sign(key(), hashes.SHA256())


def openssl_says(certificate: x509.Certificate) -> dict[str, Any]:
    options = ("-subject", "-issuer", "-serial", "-startdate", "-enddate", "-dateopt", "iso_8601")
    names = ("-nameopt", "RFC2253,-esc_msb,utf8")
    pem = certificate.public_bytes(Encoding.PEM)
    said = openssl.run("x509", "-noout", *options, *names, stdin=pem).decode()
    fields = dict(printed.split("=", 1) for printed in said.splitlines())
    prints = {
        f"{digest}Thumbprint": openssl.run("x509", "-noout", "-fingerprint", f"-{digest}", stdin=pem)
        .decode()
        .strip()
        .partition("=")[2]
        .replace(":", "")
        for digest in ("sha1", "sha256")
    }
    return prints | {
        "subjectName": fields["subject"],
        "issuerName": fields["issuer"],
        "serialNumber": fields["serial"],
        "notBeforeUtc": fields["notBefore"].replace(" ", "T"),
        "notAfterUtc": fields["notAfter"].replace(" ", "T"),
        "version": 3,
    }


@KINDS
@pytest.mark.parametrize("serial", [0x1, 0xF, 0x10, 0xABC, 0x123456, 2**159 - 1])
def test_a_certificate_is_described_as_openssl_describes_it(
    shared_line: EnrollmentClient, kind: EnrollmentKind, serial: int
) -> None:
    """A serial number is whole bytes: 0ABC, not ABC."""
    certificate = certificate_of(serial, name("Gerät, 1", organization="Conto+so"), name("Issuer"))
    body = kind.body("i1", kind.x509(certificate.public_bytes(Encoding.PEM).decode()))
    slots = put(shared_line, kind, body)["attestation"]["x509"][kind.certificates]
    assert slots["primary"]["info"] == openssl_says(certificate)


@KINDS
@pytest.mark.parametrize("sent", SENT_KEYS)
def test_a_private_key_is_refused_and_nothing_of_it_is_stored(
    shared_dps: LocalService, shared_line: EnrollmentClient, kind: EnrollmentKind, sent: str
) -> None:
    text = SENT_KEYS[sent]
    for attestation in (kind.x509(text), kind.x509(root().pem, text)):
        assert_service_refuses(shared_line.call("PUT", path(kind, "i1"), kind.body("i1", attestation)), 400, 400000)
        failed = shared_line.bulk(kind, "create", [kind.body("i1", attestation)])
        assert [error["errorCode"] for error in failed["errors"]] == [400000]
    stored = shared_dps.stored_bytes()
    assert [trace for trace in traces(text) if trace in stored] == []
    assert shared_line.all(kind) == []


# --- what is written back ---------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("slots", [1, 2])
def test_an_enrollment_that_was_read_can_be_written_back_with_a_change_and_keeps_its_certificates(
    shared_line: EnrollmentClient, kind: EnrollmentKind, slots: int
) -> None:
    """The Azure CLI's extension does this: it reads an enrollment, changes a field, and sends all of it in a PUT with `*`."""
    put(shared_line, kind, kind.body("i1", kind.x509(*[root("One").pem, root("Two").pem][:slots])))
    present = get(shared_line, kind, "i1")
    changed = put(shared_line, kind, {**present, "provisioningStatus": "disabled"}, if_match=present["etag"])
    assert changed["attestation"] == present["attestation"]
    assert changed["provisioningStatus"] == "disabled"
    assert get(shared_line, kind, "i1")["attestation"] == present["attestation"]


@KINDS
def test_a_description_without_a_certificate_is_no_attestation_where_none_was(
    shared_line: EnrollmentClient, kind: EnrollmentKind
) -> None:
    put(shared_line, kind, kind.body("i1", kind.x509(root().pem)))
    described = {**get(shared_line, kind, "i1"), kind.id_name: "i2"}
    assert_service_refuses(shared_line.call("PUT", path(kind, "i2"), described), 400, 400000)


@KINDS
def test_members_that_only_the_service_writes_are_ignored(shared_line: EnrollmentClient, kind: EnrollmentKind) -> None:
    past = "2001-02-03T04:05:06.0000000Z"
    forged = {
        "etag": WRONG_ETAG,
        "createdDateTimeUtc": past,
        "lastUpdatedDateTimeUtc": past,
        "registrationState": {"registrationId": "i1", "status": "assigned", "assignedHub": "hub"},
    }
    made = put(shared_line, kind, kind.body("i1", **forged))
    assert "registrationState" not in made
    assert made["etag"] != WRONG_ETAG
    assert made["createdDateTimeUtc"] == made["lastUpdatedDateTimeUtc"] != past
    assert get(shared_line, kind, "i1").get("registrationState", {}).get("status") != "assigned"
    changed = put(shared_line, kind, kind.body("i1", **forged), if_match=made["etag"])
    assert changed["etag"] not in (made["etag"], WRONG_ETAG)
    assert changed["createdDateTimeUtc"] == made["createdDateTimeUtc"]
    assert changed["lastUpdatedDateTimeUtc"] > made["lastUpdatedDateTimeUtc"]


@KINDS
def test_a_change_replaces_the_whole_enrollment(shared_line: EnrollmentClient, kind: EnrollmentKind) -> None:
    put(shared_line, kind, kind.body("i1", kind.x509(root().pem), initialTwin={"tags": {"floor": 1}}))
    changed = put(shared_line, kind, kind.body("i1"), if_match="*")
    assert set(changed) == {kind.id_name, "attestation", "provisioningStatus"} | STAMPS
    assert set(changed["attestation"]) == {"type", "symmetricKey"}


def test_the_registration_state_is_on_a_get_only(shared_line: EnrollmentClient) -> None:
    made = put(shared_line, INDIVIDUALS, INDIVIDUALS.body("Sensor-1", INDIVIDUALS.x509(root().pem)))
    assert set(made) == {"registrationId", "attestation", "provisioningStatus"} | STAMPS
    unassigned = {"registrationId": "Sensor-1", "status": "unassigned"}
    assert get(shared_line, INDIVIDUALS, "sensor-1") == {**made, "registrationState": unassigned}
    assert shared_line.all(INDIVIDUALS) == [made]


def test_a_group_has_no_registration_state(shared_line: EnrollmentClient) -> None:
    made = put(shared_line, GROUPS, GROUPS.body("g1", GROUPS.x509(root().pem)))
    assert get(shared_line, GROUPS, "g1") == made
    assert "registrationState" not in made


def test_every_field_of_an_enrollment_is_stored(shared_dps: LocalService, shared_line: EnrollmentClient) -> None:
    more = {
        "deviceId": "d" * 128,
        "optionalDeviceInformation": {"additionalProperties": {"floor": 3, "name": "ä ☃ 𝄞", "none": None}},
        "capabilities": {"iotEdge": True},
        "provisioningStatus": "disabled",
        "reprovisionPolicy": {"updateHubAssignment": True, "migrateDeviceData": False},
        "allocationPolicy": "static",
        "iotHubs": shared_dps.connection["iot_hubs"][:1],
        "initialTwin": {"tags": {"a": [1, None]}, "properties": {"desired": {}}},
    }
    made = put(shared_line, INDIVIDUALS, INDIVIDUALS.body("i1", **more))
    assert {field: made[field] for field in more} == more
    assert without(get(shared_line, INDIVIDUALS, "i1"), "registrationState", "attestation") == without(
        made, "attestation"
    )


@KINDS
def test_a_status_of_null_comes_back_null_and_a_missing_one_enabled(
    shared_line: EnrollmentClient, kind: EnrollmentKind
) -> None:
    nothing = dict.fromkeys(("provisioningStatus", "deviceId", "capabilities", "iotHubs", "optionalDeviceInformation"))
    made = put(shared_line, kind, kind.body("i1", **nothing))
    assert set(made) == {kind.id_name, "attestation", "provisioningStatus"} | STAMPS
    assert made["provisioningStatus"] is None
    assert get(shared_line, kind, "i1")["provisioningStatus"] is None
    assert put(shared_line, kind, kind.body("i2"))["provisioningStatus"] == "enabled"


# --- symmetric keys and TPM -------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("given_keys", ["both", "neither", "primary", "secondary", "none at all"])
def test_symmetric_keys_are_stored_as_given_and_missing_ones_are_generated(
    shared_line: EnrollmentClient, kind: EnrollmentKind, given_keys: str
) -> None:
    mine = random_key(), random_key()
    sent = {
        "both": symmetric(*mine),
        "neither": symmetric(),
        "primary": symmetric(primary=mine[0]),
        "secondary": symmetric(secondary=mine[1]),
        "none at all": {"type": "symmetricKey"},
    }[given_keys]
    made = put(shared_line, kind, kind.body("i1", sent))["attestation"]
    assert set(made) == {"type", "symmetricKey"}
    keys = made["symmetricKey"]
    assert set(keys) == {"primaryKey", "secondaryKey"}
    assert keys["primaryKey"] != keys["secondaryKey"]
    for slot, value in (sent.get("symmetricKey") or {}).items():
        assert keys[slot] == (value or keys[slot])
        assert len(base64.b64decode(keys[slot], validate=True)) == 64
    assert mechanism(shared_line, kind, "i1") == made
    another = put(shared_line, kind, kind.body("i2", sent))["attestation"]["symmetricKey"]
    for slot in keys:
        assert (another[slot] == keys[slot]) is bool((sent.get("symmetricKey") or {}).get(slot))


@KINDS
def test_symmetric_keys_are_returned_by_a_put_and_on_request_but_not_by_a_get(
    shared_line: EnrollmentClient, kind: EnrollmentKind
) -> None:
    sent = symmetric(random_key(), random_key())
    made = put(shared_line, kind, kind.body("i1", sent))
    assert made["attestation"] == sent
    looked = {**made, "attestation": {"type": "symmetricKey"}}
    assert without(get(shared_line, kind, "i1"), "registrationState") == looked
    assert shared_line.all(kind) == [looked]
    assert mechanism(shared_line, kind, "i1") == sent


@pytest.mark.parametrize("storage", [{}, {"storageRootKey": random_key()}], ids=["endorsement key", "both keys"])
def test_a_tpm_comes_back_as_it_was_sent(shared_line: EnrollmentClient, storage: Mapping[str, str]) -> None:
    sent = {"type": "tpm", "tpm": {"endorsementKey": random_key(), **storage}}
    made = put(shared_line, INDIVIDUALS, INDIVIDUALS.body("i1", sent))
    assert made["attestation"] == sent
    assert get(shared_line, INDIVIDUALS, "i1")["attestation"] == sent
    assert shared_line.all(INDIVIDUALS) == [made]
    assert mechanism(shared_line, INDIVIDUALS, "i1") == sent


# --- conflicts and absence --------------------------------------------------------------------------------------------


@KINDS
def test_each_kind_has_its_own_codes_for_exists_already_and_not_found(
    shared_line: EnrollmentClient, kind: EnrollmentKind
) -> None:
    one, body = path(kind, "i1"), kind.body("i1")
    noun = kind.item_type
    for method, target in (("GET", one), ("DELETE", one), ("POST", one + "/attestationmechanism")):
        assert_service_refuses(shared_line.call(method, target), 404, kind.not_found, f"{noun} not found.")
    assert_service_refuses(shared_line.call("PUT", one, body, {"If-Match": WRONG_ETAG}), 404, kind.not_found)
    put(shared_line, kind, body)
    before = shared_line.all(kind)
    refused = shared_line.call("PUT", one, {**body, "provisioningStatus": "disabled"})
    assert_service_refuses(refused, 409, kind.exists, f"{noun} already exists.")
    assert shared_line.all(kind) == before


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("etag", [WRONG_ETAG, f'"{WRONG_ETAG}"', "nonsense", "W/*"])
def test_a_stale_etag_is_refused_and_changes_nothing(shared_line: EnrollmentClient, method: str, etag: str) -> None:
    put(shared_line, INDIVIDUALS, INDIVIDUALS.body("i1"))
    before = get(shared_line, INDIVIDUALS, "i1")
    body = INDIVIDUALS.body("i1", deviceId="another") if method == "PUT" else None
    reply = shared_line.call(method, path(INDIVIDUALS, "i1"), body, {"If-Match": etag})
    assert_service_refuses(reply, 412, reply.json["errorCode"], "ETag is invalid")
    assert get(shared_line, INDIVIDUALS, "i1") == before


@pytest.mark.parametrize("quoting", ["{}", '"{}"'], ids=["bare", "quoted"])
def test_the_present_etag_changes_and_deletes(shared_line: EnrollmentClient, quoting: str) -> None:
    made = put(shared_line, INDIVIDUALS, INDIVIDUALS.body("i1"))
    changed = put(shared_line, INDIVIDUALS, INDIVIDUALS.body("i1"), if_match=quoting.format(made["etag"]))
    assert changed["etag"] != made["etag"]
    gone = shared_line.call("DELETE", path(INDIVIDUALS, "i1"), None, {"If-Match": quoting.format(changed["etag"])})
    assert (gone.status, gone.content) == (204, b"")
    assert shared_line.all(INDIVIDUALS) == []


def test_a_group_and_an_enrollment_of_one_id_are_two_things(shared_line: EnrollmentClient) -> None:
    group = put(shared_line, GROUPS, GROUPS.body("same"))
    put(shared_line, INDIVIDUALS, INDIVIDUALS.body("same"))
    assert shared_line.call("DELETE", path(INDIVIDUALS, "same")).status == 204
    assert get(shared_line, GROUPS, "same")["etag"] == group["etag"]


# --- ids --------------------------------------------------------------------------------------------------------------


@KINDS
def test_ids_are_compared_without_case_and_keep_the_case_of_their_creation(
    shared_line: EnrollmentClient, kind: EnrollmentKind
) -> None:
    made = put(shared_line, kind, kind.body("Sensor-A"))
    assert_service_refuses(shared_line.call("PUT", path(kind, "SENSOR-a"), kind.body("sensor-A")), 409, kind.exists)
    changed = put(shared_line, kind, kind.body("SENSOR-A"), if_match=made["etag"])
    assert changed[kind.id_name] == "Sensor-A"
    assert get(shared_line, kind, "sensor-a")["etag"] == changed["etag"]
    assert shared_line.call("DELETE", path(kind, "sEnSoR-a")).status == 204
    assert shared_line.all(kind) == []


ID = re.compile(r"[a-zA-Z0-9\-._:]{0,127}[a-zA-Z0-9\-]")  # concepts-service.md
ids = st.one_of(
    st.from_regex(ID, fullmatch=True).map(lambda text: text[-128:]),
    st.text(st.sampled_from("aZ09-._:"), min_size=1, max_size=130),
    st.text(st.sampled_from("aZ0-._:/ %+~@#?&\n\0äß²٣\u212a"), min_size=1, max_size=8),
    st.text(min_size=1, max_size=5),
)


@KINDS
@settings(max_examples=60, deadline=None)
@example("a" * 128).via("the longest")
@example("a" * 129).via("too long")
@example("a:").via("a colon at the end")
@example("-").via("a hyphen alone")
@example("a\n").via("a line end behind")
@example("\u0661").via("a digit of another script")
@example("\u212a").via("a letter whose lower case is in ASCII")
@given(enrollment=ids)
def test_ids_are_those_of_the_documentation_and_no_others(
    shared_dps: LocalService, kind: EnrollmentKind, enrollment: str
) -> None:
    good = ID.fullmatch(enrollment) is not None
    with EnrollmentClient(shared_dps) as line:
        reply = line.call("PUT", path(kind, enrollment), kind.body(enrollment))
        assert (reply.status == 200) is good, reply.content
        assert good or 400 <= reply.status < 500
        assert [each[kind.id_name] for each in line.all(kind)] == ([enrollment] if good else [])
        if good:
            assert line.call("DELETE", path(kind, enrollment)).status == 204


# --- what makes no sense ----------------------------------------------------------------------------------------------


def both_attestations(kind: EnrollmentKind) -> dict[str, Any]:
    given = kind.x509(root().pem)
    return {"type": "x509", "x509": {**given["x509"], "caReferences": {"primary": "ca"}}}


def reference(primary: Any, secondary: Any = None) -> dict[str, Any]:
    return {"type": "x509", "x509": {"caReferences": {"primary": primary, "secondary": secondary}}}


BAD_ATTESTATIONS: dict[str, Callable[[EnrollmentKind], Any]] = {
    "none": lambda kind: None,
    "empty": lambda kind: {},
    "text": lambda kind: "x509",
    "type none": lambda kind: {"type": "none"},
    "type in another case": lambda kind: {"type": "X509", "x509": kind.x509(root().pem)["x509"]},
    "type of no text": lambda kind: {"type": ["x509"]},
    "no type": lambda kind: {"x509": kind.x509(root().pem)["x509"]},
    "x509 of nothing": lambda kind: {"type": "x509"},
    "empty x509": lambda kind: {"type": "x509", "x509": {}},
    "certificate and reference": both_attestations,
    "certificates of the other kind": lambda kind: (GROUPS if kind is INDIVIDUALS else INDIVIDUALS).x509(root().pem),
    "no certificate in either place": lambda kind: {
        "type": "x509",
        "x509": {kind.certificates: {"primary": None, "secondary": None}},
    },
    "certificate of no text": lambda kind: {"type": "x509", "x509": {kind.certificates: {"primary": {"certificate": 1}}}},
    "no certificate in its place": lambda kind: kind.x509("not a certificate"),
    "unknown reference": lambda kind: reference("nothing"),
    "unknown secondary reference": lambda kind: reference("ca", "nothing"),
    "secondary reference alone": lambda kind: reference(None, "ca"),
    "symmetric keys in a list": lambda kind: {"type": "symmetricKey", "symmetricKey": []},
    "key that is no base64": lambda kind: symmetric("not base64!"),
    "key beyond ASCII": lambda kind: symmetric(random_key(), "ä"),
    "key that is no text": lambda kind: {"type": "symmetricKey", "symmetricKey": {"primaryKey": 5}},
    "tpm without a key": lambda kind: {"type": "tpm", "tpm": {}},
    "tpm of nothing": lambda kind: {"type": "tpm"},
    "tpm with a key that is no base64": lambda kind: {"type": "tpm", "tpm": {"endorsementKey": "*"}},
}  # fmt: skip
BAD_DEVICES: dict[str, Mapping[str, Any]] = {
    "device of no letters": {"deviceId": ""},
    "device of 129 letters": {"deviceId": "d" * 129},
    "device of no text": {"deviceId": 7},
    "information in a list": {"optionalDeviceInformation": []},
    "hub that is not linked": {"iotHubHostName": "other.azure-devices.net"},
    "status unknown": {"provisioningStatus": "Enabled?"},
    "another id": {"registrationId": "i2"},
    "no id": {"registrationId": None},
}


@KINDS
@pytest.mark.parametrize("bad", BAD_ATTESTATIONS)
def test_an_invalid_attestation_is_refused(
    shared_dps: LocalService, shared_line: EnrollmentClient, kind: EnrollmentKind, bad: str
) -> None:
    shared_dps.upload("ca", root().pem, if_match="*")
    put(shared_line, kind, kind.body("i1"))
    before = shared_line.all(kind)
    for enrollment in ("i1", "i2"):
        body = {kind.id_name: enrollment, "attestation": BAD_ATTESTATIONS[bad](kind)}
        assert_service_refuses(shared_line.call("PUT", path(kind, enrollment), body, {"If-Match": "*"}), 400, 400000)
    assert shared_line.all(kind) == before


def test_a_group_takes_no_tpm(shared_line: EnrollmentClient) -> None:
    body = GROUPS.body("g1", {"type": "tpm", "tpm": {"endorsementKey": random_key()}})
    assert_service_refuses(shared_line.call("PUT", "/enrollmentGroups/g1", body), 400, 400000)


@pytest.mark.parametrize("bad", BAD_DEVICES)
def test_an_invalid_enrollment_is_refused(shared_line: EnrollmentClient, bad: str) -> None:
    made = put(shared_line, INDIVIDUALS, INDIVIDUALS.body("i1"))
    body = INDIVIDUALS.body("i1") | BAD_DEVICES[bad]
    assert_service_refuses(shared_line.call("PUT", "/enrollments/i1", body, {"If-Match": "*"}), 400, 400000)
    assert get(shared_line, INDIVIDUALS, "i1")["etag"] == made["etag"]


# --- api-versions -----------------------------------------------------------------------------------------------------


def calls(kind: EnrollmentKind) -> list[tuple[str, str, Any, int]]:
    """Return every request: method, path, body, and the status if i1 exists."""
    all_, one = f"/{kind.collection}", f"/{kind.collection}/i1"
    return [
        ("GET", one, None, 200),
        ("PUT", one, kind.body("i1"), 200),
        ("POST", one + "/attestationmechanism", None, 200),
        ("POST", all_ + "/query", {"query": "*"}, 200),
        ("POST", all_, {"mode": "create", kind.collection: [kind.body("i2")]}, 200),
        ("GET", "/registrations/i1", None, 404),
        ("DELETE", "/registrations/i1", None, 404),
        ("POST", "/registrations/i1/query", None, 200 if kind is GROUPS else 404),
        ("DELETE", one, None, 204),
    ]


@KINDS
@pytest.mark.parametrize("version", VERSIONS)
def test_every_call_is_served_at_every_api_version(
    shared_dps: LocalService, shared_line: EnrollmentClient, kind: EnrollmentKind, version: str
) -> None:
    put(shared_line, kind, kind.body("i1"))
    headers = {"Authorization": f"Bearer {shared_dps.service_token}", "If-Match": "*"}
    for method, target, body, status in calls(kind):
        reply = shared_dps.call(method, f"{target}?API-Version={version}", body, headers)
        assert reply.status == status, (method, target, reply.content)


@KINDS
@pytest.mark.parametrize("query", ["", "?", "?api-version=", "?api-version=2021-10-02", "?version=2021-10-01"])
def test_no_call_is_served_without_a_known_api_version(
    shared_dps: LocalService, shared_line: EnrollmentClient, kind: EnrollmentKind, query: str
) -> None:
    put(shared_line, kind, kind.body("i1"))
    before = shared_line.all(kind)
    headers = {"Authorization": f"Bearer {shared_dps.service_token}", "If-Match": "*"}
    for method, target, body, _ in calls(kind):
        assert_service_refuses(shared_dps.call(method, target + query, body, headers), 400, 400000)
    assert shared_line.all(kind) == before
