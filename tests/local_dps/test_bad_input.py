"""Invalid input. Each request is refused with a status and a body, and changes nothing."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.crafting import craft, key, name, proof, root
from tests.local_dps.assertions import assert_provider_refuses, assert_service_refuses
from tests.local_dps.private_keys import SENT_KEYS, traces
from tests.local_dps.wire import NEWEST, LocalService, group_body, upload_body

LIMIT = 256 * 1024
NOT_OBJECTS = {
    "nothing": b"",
    "no JSON": b"certificate=abc",
    "cut off": b'{"properties": {"certificate": "abc"',
    "an array": b'[{"certificate": "abc"}]',
    "null": b"null",
    "a number": b"1",
    "endless nesting of arrays": b"[" * 100_000,
    "endless nesting of objects": b'{"a":' * 40_000,
    "endless nesting in a field": b'{"certificate": "x", "properties": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "NaN": b'{"properties": {"certificate": NaN}, "certificate": NaN}',
    "infinity": b'{"properties": {"certificate": "x"}, "certificate": "x", "more": -Infinity}',
    "a number of ten thousand digits": b'{"more": ' + b"9" * 10_000 + b"}",
    "half a surrogate pair": rb'{"properties": {"certificate": "\ud800"}, "certificate": "\ud800"}',
    "half a surrogate pair in a name": rb'{"\udfff": 1}',
    "bytes that are no text": b'{"certificate": "\xff\xfe"}',
}


@pytest.fixture
def dps(shared_dps: LocalService) -> Iterator[LocalService]:
    """A local DPS with a group, and a certificate that has a code. At the end everything must be unchanged, and the code
    still valid."""
    uploaded = root()
    shared_dps.upload("ca", uploaded.pem)
    code = shared_dps.generate_code("ca")["properties"]["verificationCode"]
    shared_dps.put_group(group_body("g1", reference="ca"))
    before, codes = shared_dps.everything(), shared_dps.codes()
    yield shared_dps
    assert shared_dps.everything() == before
    assert shared_dps.codes() == codes
    assert shared_dps.verify("ca", proof(uploaded, code).pem).status == 200
    for certificate in shared_dps.manage("GET", "/certificates").json["value"]:
        shared_dps.manage("DELETE", f"/certificates/{certificate['name']}", if_match="*")
    for group in shared_dps.everything()["groups"]:
        shared_dps.serve("DELETE", f"/enrollmentGroups/{group['enrollmentGroupId']}")


# --- bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", NOT_OBJECTS)
@pytest.mark.parametrize(("method", "suffix"), [("PUT", ""), ("POST", "/verify")])
def test_a_management_body_that_is_not_a_json_object_is_refused(
    dps: LocalService, method: str, suffix: str, kind: str
) -> None:
    reply = dps.manage(method, f"/certificates/ca{suffix}", NOT_OBJECTS[kind], if_match="*")
    assert_provider_refuses(reply, 400, 400003, "BadRequest")


@pytest.mark.parametrize("kind", NOT_OBJECTS)
@pytest.mark.parametrize(("method", "suffix"), [("PUT", "g1"), ("PUT", "g2"), ("POST", "query")])
def test_a_service_body_that_is_not_a_json_object_is_refused(
    dps: LocalService, method: str, suffix: str, kind: str
) -> None:
    reply = dps.serve(method, f"/enrollmentGroups/{suffix}", NOT_OBJECTS[kind], if_match="*")
    assert_service_refuses(reply, 400, 400000)


@pytest.mark.parametrize("plane", ["management", "service", "identity"])
def test_a_body_over_the_limit_is_refused(dps: LocalService, plane: str) -> None:
    body = b'{"certificate": "' + b"A" * LIMIT + b'"}'
    reply = {
        "management": lambda: dps.manage("PUT", "/certificates/new", body),
        "service": lambda: dps.serve("PUT", "/enrollmentGroups/new", body),
        "identity": lambda: dps.call("POST", f"/{dps.connection['tenant_id']}/oauth2/v2.0/token", body),
    }[plane]()
    assert reply.status == 413


def test_a_body_of_exactly_the_limit_is_read(dps: LocalService) -> None:
    body = json.dumps(upload_body("")).encode()
    body = body.replace(b'""', b'"' + b"A" * (LIMIT - len(body)) + b'"')
    assert len(body) == LIMIT
    assert dps.manage("PUT", "/certificates/new", body).status == 500


@pytest.mark.parametrize("certificate", [None, "", 5, True, [], {}, ["x"]])
def test_a_certificate_field_that_is_not_text_is_refused(dps: LocalService, certificate: Any) -> None:
    assert_provider_refuses(dps.manage("PUT", "/certificates/new", upload_body(certificate)), 400, 400003, "BadRequest")
    reply = dps.manage("POST", "/certificates/ca/verify", {"certificate": certificate}, if_match="*")
    assert_provider_refuses(reply, 400, 400003, "BadRequest")
    assert dps.serve("PUT", "/enrollmentGroups/new", group_body("new", signing=certificate)).status == 400


@pytest.mark.parametrize("claimed", ["true", 1, 0, [], {}])
def test_a_claim_to_be_verified_that_is_neither_true_nor_false_is_refused(dps: LocalService, claimed: Any) -> None:
    reply = dps.manage("PUT", "/certificates/new", upload_body(root().pem, isVerified=claimed))
    assert_provider_refuses(reply, 400, 400003, "BadRequest")


DER = root().der
NOT_CERTIFICATES = {
    "text": "not a certificate",
    "base64 of text": base64.b64encode(b"not a certificate").decode(),
    "base64 of nothing": " ",
    "half a DER": base64.b64encode(DER[: len(DER) // 2]).decode(),
    "DER and more": base64.b64encode(DER + b"more").decode(),
    "broken inside": base64.b64encode(DER[:40] + bytes(20) + DER[60:]).decode(),
    "empty SEQUENCE": base64.b64encode(b"\x30\x00").decode(),
    "PEM of garbage": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "PEM cut off": root().pem[:200],
    "a public key": key()
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode(),
    "text beyond ASCII": "ä☃",
    "a PEM file in base64 twice": base64.b64encode(base64.b64encode(root().pem.encode())).decode(),
    "UTF-16": base64.b64encode(root().pem.encode("utf-16")).decode(),
}  # fmt: skip


@pytest.mark.parametrize("kind", NOT_CERTIFICATES)
def test_a_text_that_is_not_a_certificate_is_answered_500_as_by_the_service(dps: LocalService, kind: str) -> None:
    text = NOT_CERTIFICATES[kind]
    reply = dps.manage("PUT", "/certificates/new", upload_body(text))
    assert_provider_refuses(reply, 500, 500019, "InternalServerError", "Internal Error")
    reply = dps.manage("POST", "/certificates/ca/verify", {"certificate": text}, if_match="*")
    assert_provider_refuses(reply, 500, 500019, "InternalServerError", "Internal Error")
    reply = dps.serve("PUT", "/enrollmentGroups/new", group_body("new", signing=text))
    assert_service_refuses(reply, 400, 400000)


def test_a_certificate_of_thousands_of_beginnings_does_not_hold_up_the_others(dps: LocalService) -> None:
    began = time.monotonic()
    assert dps.manage("PUT", "/certificates/new", upload_body("-----BEGIN CERTIFICATE-----" * 9000)).status == 500
    assert time.monotonic() - began < 10


# --- private keys -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SENT_KEYS)
def test_a_private_key_is_refused_and_nothing_of_it_is_stored(dps: LocalService, kind: str) -> None:
    text = SENT_KEYS[kind]
    reply = dps.manage("PUT", "/certificates/new", upload_body(text))
    assert_provider_refuses(reply, 400, 400004, "BadRequest")
    reply = dps.manage("POST", "/certificates/ca/verify", {"certificate": text}, if_match="*")
    assert_provider_refuses(reply, 400, 400004, "BadRequest")
    reply = dps.serve("PUT", "/enrollmentGroups/new", group_body("new", signing=text))
    assert_service_refuses(reply, 400, 400000)
    stored = dps.stored_bytes()
    assert [trace for trace in traces(text) if trace in stored] == []
    code = dps.codes()["ca"]
    assert code is not None
    assert code.encode() in stored  # check that the search can find something at all


# --- names, numbers, references ---------------------------------------------------------------------------------------

BAD_NAMES = {
    "sixty-five letters": "a" * 65,
    "a space": "a%20b",
    "a slash": "a%2fb",
    "line ends": "a%0d%0aSet-Cookie:%20x=1",
    "a line end behind": "a%0a",
    "NUL": "a%00",
    "letters beyond ASCII": "%C3%A4%E2%98%83",
    "bytes that are no text": "%ff%fe",
    "a quote": "a'%22",
    "a percent sign": "%25",
}


@pytest.mark.parametrize("kind", BAD_NAMES)
def test_a_bad_certificate_name_is_refused(dps: LocalService, kind: str) -> None:
    bad = BAD_NAMES[kind]
    reply = dps.manage("PUT", f"/certificates/{bad}", upload_body(root().pem))
    assert_provider_refuses(reply, 400, 400002, "BadRequest")
    assert "Set-Cookie" not in reply.headers
    reply = dps.manage("GET", f"/certificates/{bad}")
    assert_provider_refuses(reply, 404, 404001, "NotFound")
    assert "Set-Cookie" not in reply.headers


@pytest.mark.parametrize("good", ["a", "0", "A-b_c.9", "a" * 64])
def test_a_good_certificate_name_is_accepted(shared_dps: LocalService, good: str) -> None:
    assert shared_dps.upload(good, root().pem)["name"] == good
    assert shared_dps.manage("DELETE", f"/certificates/{good}", if_match="*").status == 200


@pytest.mark.parametrize("kind", {**BAD_NAMES, "too long": "", "a full stop behind": "", "a colon behind": ""})
def test_a_bad_group_id_is_refused(dps: LocalService, kind: str) -> None:
    more = {"too long": "a" * 129, "a full stop behind": "a.", "a colon behind": "a:", "sixty-five letters": "a" * 300}
    bad = (BAD_NAMES | more)[kind]
    reply = dps.serve("PUT", f"/enrollmentGroups/{bad}", group_body("g2", signing=root().pem))
    assert_service_refuses(reply, 400, 400000)
    assert "Set-Cookie" not in reply.headers
    reply = dps.serve("GET", f"/enrollmentGroups/{bad}")
    assert_service_refuses(reply, 404, 404204)
    assert "Set-Cookie" not in reply.headers


@pytest.mark.parametrize("good", ["a", "A-b_c.d:e9", "a-", "a" * 128])
def test_a_good_group_id_is_accepted(shared_dps: LocalService, good: str) -> None:
    assert shared_dps.put_group(group_body(good, signing=root().pem))["enrollmentGroupId"] == good
    assert shared_dps.serve("DELETE", f"/enrollmentGroups/{good}").status == 204


TWO_HUBS = ["local-hub-1.azure-devices.net", "local-hub-2.azure-devices.net"]
X509 = {"type": "x509", "x509": {"caReferences": {"primary": "ca"}}}
BAD_GROUPS: dict[str, dict[str, Any]] = {
    "no attestation": {"attestation": None},
    "attestation of text": {"attestation": "x509"},
    "empty attestation": {"attestation": {}},
    "empty x509": {"attestation": {"type": "x509", "x509": {}}},
    "null x509": {"attestation": {"type": "x509", "x509": None}},
    "no type": {"attestation": {"x509": X509["x509"]}},
    "another type": {"attestation": {**X509, "type": "tpm"}},
    "reference of null": {"attestation": {"type": "x509", "x509": {"caReferences": {"primary": None}}}},
    "reference to nothing": {"attestation": {"type": "x509", "x509": {"caReferences": {"primary": "nothing"}}}},
    "reference of no text": {"attestation": {"type": "x509", "x509": {"caReferences": {"primary": ["ca"]}}}},
    "second reference to nothing": {
        "attestation": {"type": "x509", "x509": {"caReferences": {"primary": "ca", "secondary": "nothing"}}}
    },
    "references in a list": {"attestation": {"type": "x509", "x509": {"caReferences": ["ca"]}}},
    "unknown hub": {"iotHubs": ["other.azure-devices.net"]},
    "hubs of text": {"iotHubs": "local-hub-1.azure-devices.net"},
    "hubs of no text": {"iotHubs": [1, None]},
    "another id": {"enrollmentGroupId": "g3"},
    "no id": {"enrollmentGroupId": None},
    "id of no text": {"enrollmentGroupId": ["g2"]},
    "unknown status": {"provisioningStatus": "maybe"},
    "status of no text": {"provisioningStatus": []},
    "unknown policy": {"allocationPolicy": "random"},
    "static policy with two hubs": {"allocationPolicy": "static", "iotHubs": TWO_HUBS},
    "custom policy without a definition": {"allocationPolicy": "custom"},
    "reprovision policy of text": {"reprovisionPolicy": "never"},
    "half a reprovision policy": {"reprovisionPolicy": {"updateHubAssignment": True}},
    "twin in a list": {"initialTwin": []},
    "capabilities of text": {"capabilities": "iotEdge"},
}


@pytest.mark.parametrize("kind", BAD_GROUPS)
@pytest.mark.parametrize("group", ["g1", "g2"], ids=["change", "create"])
def test_an_invalid_group_is_refused(dps: LocalService, kind: str, group: str) -> None:
    body = {"enrollmentGroupId": group, "attestation": X509} | BAD_GROUPS[kind]
    assert_service_refuses(dps.serve("PUT", f"/enrollmentGroups/{group}", body, if_match="*"), 400, 400000)


def test_a_26th_certificate_is_refused_until_one_is_deleted(shared_dps: LocalService) -> None:
    uploaded = root().pem
    for number in range(25):
        shared_dps.upload(f"ca-{number}", uploaded)
    before = shared_dps.everything()
    reply = shared_dps.manage("PUT", "/certificates/ca-25", upload_body(uploaded))
    assert 400 <= reply.status < 500
    assert_provider_refuses(reply, reply.status, reply.json["code"], reply.json["httpStatusCode"])
    assert shared_dps.everything() == before
    shared_dps.upload("ca-0", uploaded, if_match="*")
    assert shared_dps.manage("DELETE", "/certificates/ca-0", if_match="*").status == 200
    shared_dps.upload("ca-25", uploaded)
    for number in range(1, 26):
        assert shared_dps.manage("DELETE", f"/certificates/ca-{number}", if_match="*").status == 200


def test_a_101st_group_is_refused(shared_dps: LocalService) -> None:
    signing = root().pem
    for number in range(100):
        shared_dps.put_group(group_body(f"g{number}", signing=signing))
    before = shared_dps.everything()
    reply = shared_dps.serve("PUT", "/enrollmentGroups/g100", group_body("g100", signing=signing))
    assert 400 <= reply.status < 500
    assert_service_refuses(reply, reply.status, reply.json["errorCode"])
    assert shared_dps.everything() == before
    for number in range(100):
        assert shared_dps.serve("DELETE", f"/enrollmentGroups/g{number}").status == 204


# --- queries ----------------------------------------------------------------------------------------------------------


def token(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode()


@pytest.mark.parametrize(
    "value",
    [
        "garbage", "*", token(b"garbage"), token(b"[]"), token(b"{}"), token(b"1"), token(b"\xff"), b"\xff\xfe",
        token(b'{"after": "\\ud800"}'), token(b"[" * 5000),
    ],
    ids=[
        "garbage", "no base64", "no JSON", "array", "empty", "number", "no text", "bytes that are no text",
        "half a surrogate pair", "endless nesting",
    ],
)  # fmt: skip
def test_an_unknown_continuation_is_refused(dps: LocalService, value: str | bytes) -> None:
    headers = {"x-ms-continuation": value}
    reply = dps.serve("POST", "/enrollmentGroups/query", {"query": "SELECT *"}, headers=headers)
    assert_service_refuses(reply, 400, 400000)


@pytest.mark.parametrize(
    "value", ["0", "-1", "1001", "x", "", "1.5", "1e2", "+1", "²", "9" * 30, "000000001" + "9" * 30, "0000001001234"]
)
def test_an_invalid_page_size_is_refused(dps: LocalService, value: str) -> None:
    headers = {"x-ms-max-item-count": value.encode()}
    reply = dps.serve("POST", "/enrollmentGroups/query", {"query": "SELECT *"}, headers=headers)
    assert_service_refuses(reply, 400, 400000)


@pytest.mark.parametrize(
    "query",
    [
        None,
        1,
        "",
        "DELETE",
        "SELECT deviceId FROM devices",
        "SELECT * FROM enrollmentGroups WHERE 1 = 1",
        "SELECTION *",
    ],
)
def test_an_unsupported_query_is_refused(dps: LocalService, query: Any) -> None:
    assert_service_refuses(dps.serve("POST", "/enrollmentGroups/query", {"query": query}), 400, 400000)


# --- paths and methods ------------------------------------------------------------------------------------------------

Target = Callable[[LocalService], str]
MANAGEMENT_PATHS: dict[str, Target] = {
    "another service": lambda dps: dps.root[:-1] + "x",
    "below the service": lambda dps: dps.root + "/nothing",
    "below a certificate": lambda dps: dps.root + "/certificates/ca/nothing",
    "a provider that is not here": lambda dps: (
        dps.root.partition("/resourceGroups")[0] + "/providers/Microsoft.Nothing"
    ),
    "another provider": lambda dps: dps.root.replace("Microsoft.Devices", "Microsoft.Nothing"),
    "a provider that looks alike": lambda dps: dps.root.replace("Microsoft.Devices", "Microsoft-Devices"),
    "line ends": lambda dps: dps.root + "%0d%0aSet-Cookie:%20a=b",
}


@pytest.mark.parametrize("kind", MANAGEMENT_PATHS)
def test_an_unknown_path_of_the_management_plane_is_not_found(dps: LocalService, kind: str) -> None:
    headers = {"Authorization": f"Bearer {dps.management_token}"}
    reply = dps.call("GET", MANAGEMENT_PATHS[kind](dps) + f"?api-version={NEWEST}", headers=headers)
    assert (reply.status, reply.json["error"]["code"]) == (404, "ResourceNotFound")
    assert "Set-Cookie" not in reply.headers


@pytest.mark.parametrize(
    ("part", "code"), [("subscription_id", "SubscriptionNotFound"), ("resource_group", "ResourceGroupNotFound")]
)
def test_the_service_of_another_organization_is_not_found(dps: LocalService, part: str, code: str) -> None:
    headers = {"Authorization": f"Bearer {dps.management_token}"}
    path = dps.root.replace(dps.connection[part], "other")
    reply = dps.call("GET", f"{path}?api-version={NEWEST}", headers=headers)
    assert (reply.status, reply.json["error"]["code"]) == (404, code)


@pytest.mark.parametrize("path", ["/registrations", "/enrollmentGroups/g1/nothing", "/enrollmentGroups/%0d%0a/x"])
def test_an_unknown_path_of_the_service_plane_is_not_found(dps: LocalService, path: str) -> None:
    assert_service_refuses(dps.serve("GET", path), 404, 404000)


@pytest.mark.parametrize("path", ["/", "/nothing", "/a/b/c", "//", "/%00", "/%ff/oauth2/v2.0", "/..%2f..%2fetc/passwd"])
def test_any_other_path_is_not_found(dps: LocalService, path: str) -> None:
    reply = dps.call("GET", path)
    assert (reply.status, set(reply.json)) == (404, {"error", "error_description"})


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_an_unknown_method_is_not_allowed_on_any_plane(dps: LocalService, method: str) -> None:
    managed = dps.manage(method, "/certificates")
    assert (managed.status, managed.json["error"]["code"]) == (405, "MethodNotAllowed")
    assert_service_refuses(dps.serve(method, "/enrollmentGroups/g1"), 405, 405000)
    asked = dps.call(method, f"/{dps.connection['tenant_id']}/oauth2/v2.0/token")
    assert (asked.status, set(asked.json)) == (405, {"error", "error_description"})


@pytest.mark.parametrize(
    "target",
    [b"/enrollmentGroups/\xff\xfe?api-version=2021-10-01", b"/subscriptions/\xff", b"/\xff/oauth2/v2.0/token"],
)
def test_a_path_of_bytes_that_are_not_text_is_refused(dps: LocalService, target: bytes) -> None:
    lines = [b"GET " + target + b" HTTP/1.1", b"Host: " + dps.host.encode(), b"Connection: close"]
    lines.append(b"Authorization: Bearer " + dps.service_token.encode())
    reply = dps.send_bytes(b"\r\n".join([*lines, b"", b""]))
    assert 400 <= reply.status < 500


@pytest.mark.parametrize(
    "request_bytes", [b"garbage\r\n\r\n", b"\x16\x03\x01\x00\x05hello\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"]
)
def test_a_request_that_is_not_http_is_refused(dps: LocalService, request_bytes: bytes) -> None:
    assert dps.send_bytes(request_bytes).status == 400


def test_an_etag_of_bytes_that_are_not_text_is_stale(dps: LocalService) -> None:
    reply = dps.manage("DELETE", "/certificates/ca", headers={"If-Match": b"\xff\xfe"})
    assert_provider_refuses(reply, 412, 412001, "PreconditionFailed")
    assert dps.serve("DELETE", "/enrollmentGroups/g1", headers={"If-Match": b"\xff\xfe"}).status == 412


def test_a_certificate_with_a_hostile_subject_does_no_harm(shared_dps: LocalService) -> None:
    hostile = craft(name("a\r\nSet-Cookie: x=1\0'; DROP TABLE certificate; --", organization="<script>"), key(which=2))
    made = shared_dps.manage("PUT", "/certificates/hostile", upload_body(hostile.pem))
    assert made.status == 200, made.content
    shared_dps.generate_code("hostile")
    refused = shared_dps.verify(
        "hostile", craft(name("x"), key(which=3), issuer=craft(name("\r\n\0"), key(which=4))).pem
    )
    assert_provider_refuses(refused, 400, 400053, "BadRequest")
    assert "Set-Cookie" not in refused.headers
    assert shared_dps.manage("DELETE", "/certificates/hostile", if_match="*").status == 200
