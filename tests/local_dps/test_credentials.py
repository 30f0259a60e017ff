"""The accepted credentials, and the refusals for all others."""

import base64
import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import pytest
from azure.core.credentials import AccessToken, AzureNamedKeyCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.iot.deviceprovisioning import DeviceProvisioningClient
from azure.mgmt.iothubprovisioningservices import IotDpsClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.crafting import root
from tests.local_dps.assertions import assert_service_refuses
from tests.local_dps.credentials import client_secret_credential
from tests.local_dps.wire import LocalService, Reply, group_body, signature

OTHER_KEY = base64.b64encode(bytes(64)).decode()
MANAGEMENT, SERVICE = "https://management.azure.com", "https://azure-devices-provisioning.net"


def claims(dps: LocalService, audience: str, **changes: Any) -> dict[str, Any]:
    tenant, now = dps.connection["tenant_id"], int(time.time())
    good = {"aud": audience, "iss": f"https://sts.windows.net/{tenant}/", "tid": tenant, "iat": now, "nbf": now - 60}
    return good | {"exp": now + 600} | changes


def signed(dps: LocalService, audience: str, **changes: Any) -> str:
    """Return a token that is signed with the service's own key."""
    return jwt.encode(claims(dps, audience, **changes), dps.token_key(), algorithm="HS256")


def tampered(token: str) -> str:
    head, body, seal = token.split(".")
    content = json.loads(base64.urlsafe_b64decode(body + "=="))
    content["exp"] += 1_000_000
    return ".".join([head, base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("="), seal])


BAD_TOKENS: dict[str, Callable[[LocalService, str], str | bytes | None]] = {
    "no header": lambda _dps, _audience: None,
    "empty": lambda _dps, _audience: "",
    "scheme alone": lambda _dps, _audience: "Bearer",
    "garbage": lambda _dps, _audience: "Bearer garbage",
    "three parts of garbage": lambda _dps, _audience: "Bearer a.b.c",
    "bytes that are no text": lambda _dps, _audience: b"Bearer \xff\xfe.\x80.\xff",
    "another scheme": lambda dps, audience: f"Basic {signed(dps, audience)}",
    "another key": lambda dps, audience: "Bearer " + jwt.encode(claims(dps, audience), "0" * 32, algorithm="HS256"),
    "alg none": lambda dps, audience: "Bearer " + jwt.encode(claims(dps, audience), None, algorithm="none"),
    "tampered with": lambda dps, audience: "Bearer " + tampered(signed(dps, audience)),
    "expired": lambda dps, audience: "Bearer " + signed(dps, audience, exp=int(time.time()) - 1),
    "not valid yet": lambda dps, audience: "Bearer " + signed(dps, audience, nbf=int(time.time()) + 600),
    "issued in the future": lambda dps, audience: "Bearer " + signed(dps, audience, iat=int(time.time()) + 600),
    "for the other plane": lambda dps, audience: (
        "Bearer " + signed(dps, SERVICE if audience == MANAGEMENT else MANAGEMENT)
    ),
    "for nobody": lambda dps, _audience: "Bearer " + signed(dps, "https://graph.microsoft.com"),
    "client secret": lambda dps, _audience: f"Bearer {dps.connection['client_secret']}",
}  # fmt: skip


def call_with(dps: LocalService, plane: str, method: str, suffix: str, header: str | bytes | None, body: Any) -> Reply:
    headers = {} if header is None else {"Authorization": header}
    if plane == MANAGEMENT:
        return dps.call(method, f"{dps.root}{suffix}?api-version=2026-11-01", body, headers)
    return dps.call(method, f"/enrollmentGroups{suffix}?api-version=2021-10-01", body, headers)


def assert_manager_refuses(reply: Reply) -> None:
    """Check the error body of Azure Resource Manager, whose form differs from the resource provider's."""
    assert reply.status == 401, reply.content
    assert set(reply.json) == {"error"}
    assert set(reply.json["error"]) == {"code", "message"}
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("token", BAD_TOKENS)
@pytest.mark.parametrize("suffix", ["", "/certificates", "/certificates/ca"])
def test_a_management_call_with_a_bad_token_is_refused(shared_dps: LocalService, suffix: str, token: str) -> None:
    header = BAD_TOKENS[token](shared_dps, MANAGEMENT)
    assert_manager_refuses(call_with(shared_dps, MANAGEMENT, "GET", suffix, header, None))


@pytest.mark.parametrize("token", BAD_TOKENS)
def test_a_service_call_with_a_bad_token_is_refused(shared_dps: LocalService, token: str) -> None:
    reply = call_with(shared_dps, SERVICE, "GET", "/g1", BAD_TOKENS[token](shared_dps, SERVICE), None)
    assert_service_refuses(reply, 401, 401000, "Unauthorized")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def test_tokens_made_as_the_bad_ones_but_right_are_accepted(shared_dps: LocalService) -> None:
    header = f"Bearer {signed(shared_dps, MANAGEMENT)}"
    assert call_with(shared_dps, MANAGEMENT, "GET", "", header, None).status == 200
    header = f"bearer {signed(shared_dps, SERVICE)}"
    assert call_with(shared_dps, SERVICE, "GET", "/g1", header, None).status == 404


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_a_token_outlives_a_clock_that_is_set_back(shared_dps: LocalService, name: str) -> None:
    token = signed(shared_dps, MANAGEMENT, **{name: int(time.time()) + 200})
    assert call_with(shared_dps, MANAGEMENT, "GET", "", f"Bearer {token}", None).status == 200


@pytest.mark.parametrize(
    ("name", "seconds", "status"),
    [
        ("nbf", 200, 200),
        ("iat", 200, 200),
        ("exp", -200, 200),
        ("nbf", 400, 401),
        ("iat", 400, 401),
        ("exp", -400, 401),
    ],
)
def test_a_client_assertion_may_be_five_minutes_off(
    shared_dps: LocalService, name: str, seconds: int, status: int
) -> None:
    given = shared_dps.connection
    pem = Path(given["client_certificate_file"]).read_bytes()
    certificate, now = x509.load_pem_x509_certificate(pem), int(time.time())
    thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")
    said = {
        "aud": f"{given['authority']}/{given['tenant_id']}/oauth2/v2.0/token",
        "iat": now,
        "nbf": now,
        "exp": now + 60,
    }
    said |= {"iss": given["client_id"], "sub": given["client_id"], "jti": "1", name: now + seconds}
    key = serialization.load_pem_private_key(pem, None)
    assertion = jwt.encode(said, key, algorithm="PS256", headers={"x5t#S256": thumbprint})  # type: ignore[arg-type]
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert shared_dps.ask_for_token(client_assertion_type=kind, client_assertion=assertion).status == status


@pytest.mark.parametrize(
    ("method", "suffix"),
    [
        ("POST", "/listkeys"),
        ("PUT", "/certificates/new"),
        ("DELETE", "/certificates/ca"),
        ("POST", "/certificates/ca/generateVerificationCode"),
        ("POST", "/certificates/ca/verify"),
    ],
)
def test_no_management_call_changes_or_returns_anything_without_a_token(
    dps: LocalService, method: str, suffix: str
) -> None:
    dps.upload("ca", root().pem)
    before, codes = dps.everything(), dps.codes()
    body = {"properties": {"certificate": root().pem}} if method == "PUT" else {"certificate": root().pem}
    target = f"{dps.root}{suffix}?api-version=2026-11-01"
    reply = dps.call(method, target, body, {"If-Match": "*"})
    assert_manager_refuses(reply)
    assert (dps.everything(), dps.codes()) == (before, codes)


@pytest.mark.parametrize(("method", "suffix"), [("PUT", "/g1"), ("DELETE", "/g1"), ("POST", "/query"), ("GET", "/g1")])
def test_no_service_call_changes_or_returns_anything_without_a_credential(
    dps: LocalService, method: str, suffix: str
) -> None:
    body = group_body("g1", signing=root().pem)
    dps.put_group(body)
    before = dps.everything()
    sent = {"PUT": {**body, "provisioningStatus": "disabled"}, "POST": {"query": "SELECT *"}}.get(method)
    reply = dps.call(method, f"/enrollmentGroups{suffix}?api-version=2021-10-01", sent, {"If-Match": "*"})
    assert_service_refuses(reply, 401, 401000, "Unauthorized")
    assert dps.everything() == before


# --- shared access signatures -----------------------------------------------------------------------------------------


def changed(made: str, pattern: str, replacement: str) -> str:
    result = re.sub(pattern, replacement, made)
    assert result != made
    return result


GOOD_SIGNATURES: dict[str, Callable[[LocalService, Mapping[str, str]], str]] = {
    "primary key": lambda dps, keys: signature(dps.host, keys["primaryKey"]),
    "secondary key": lambda dps, keys: signature(dps.host, keys["secondaryKey"]),
    "with https": lambda dps, keys: signature(f"https://{dps.host}", keys["primaryKey"]),
    "with https and slash": lambda dps, keys: signature(f"https://{dps.host}/", keys["primaryKey"]),
    "upper-case host": lambda dps, keys: signature(dps.host.upper(), keys["primaryKey"]),
    "another order": lambda dps, keys: signature(dps.host, keys["primaryKey"], order="skn se sig sr"),
    "order of the C SDK": lambda dps, keys: signature(dps.host, keys["primaryKey"], order="sr sig se skn"),
    "lower-case escapes": lambda dps, keys: signature(dps.host, keys["primaryKey"], lower_escapes=True),
    "lower-case scheme": lambda dps, keys: changed(
        signature(dps.host, keys["primaryKey"]), "^SharedAccessSignature", "sharedaccesssignature"
    ),
}  # fmt: skip

BAD_SIGNATURES: dict[str, Callable[[LocalService, str], str | bytes]] = {
    "wrong key": lambda dps, _key: signature(dps.host, OTHER_KEY),
    "expired": lambda dps, key: signature(dps.host, key, expires=time.time() - 1),
    "expired long ago": lambda dps, key: signature(dps.host, key, expires=-1),
    "another host": lambda _dps, key: signature("other.azure-devices-provisioning.net", key),
    "another port": lambda _dps, key: signature("localhost:1", key),
    "host that begins alike": lambda dps, key: signature(f"{dps.host}0", key),
    "host that ends alike": lambda dps, key: signature(f"x{dps.host}", key),
    "unknown policy": lambda dps, key: signature(dps.host, key, policy="nobody"),
    "later expiry written in": lambda dps, key: changed(signature(dps.host, key), r"se=\d+", "se=9999999999"),
    "expiry that is no number": lambda dps, key: changed(signature(dps.host, key), r"se=\d+", "se=tomorrow"),
    "expiry with a line in it": lambda dps, key: signature(dps.host, key, expires="9_999_999_999"),
    "expiry in digits of Arabic": lambda dps, key: signature(dps.host, key, expires=quote("\u0669" * 10)),
    "expiry of ten thousand digits": lambda dps, key: changed(signature(dps.host, key), r"se=\d+", f"se={'9' * 5000}"),
    "signature that is no base64": lambda dps, key: changed(signature(dps.host, key), r"sig=[^&]+", "sig=***"),
    "signature that is no text": lambda dps, key: changed(signature(dps.host, key), r"sig=[^&]+", "sig=%ff%fe"),
    "empty signature": lambda dps, key: changed(signature(dps.host, key), r"sig=[^&]+", "sig="),
    "bytes that are no text": lambda dps, key: (
        changed(signature(dps.host, key), r"sr=[^&]+", "sr=BYTES").encode().replace(b"BYTES", b"\xff\xfe")
    ),
    "nothing": lambda _dps, _key: "SharedAccessSignature",
    "garbage": lambda _dps, _key: "SharedAccessSignature &&==&sr",
    **{
        f"no {part}": (lambda dps, key, part=part: changed(signature(dps.host, key), rf"{part}=[^&]+&?", ""))
        for part in ("sr", "sig", "se", "skn")
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", GOOD_SIGNATURES)
def test_a_valid_signature_is_accepted_in_any_form(shared_dps: LocalService, kind: str) -> None:
    header = GOOD_SIGNATURES[kind](shared_dps, shared_dps.keys())
    assert shared_dps.serve("GET", "/enrollmentGroups/g1", headers={"Authorization": header}).status == 404


@pytest.mark.parametrize("kind", BAD_SIGNATURES)
def test_an_invalid_signature_is_refused(shared_dps: LocalService, kind: str) -> None:
    header = BAD_SIGNATURES[kind](shared_dps, shared_dps.keys()["primaryKey"])
    reply = shared_dps.serve("GET", "/enrollmentGroups/g1", headers={"Authorization": header})
    assert_service_refuses(reply, 401, 401000, "Unauthorized")


def test_a_signature_is_not_valid_for_a_management_call(shared_dps: LocalService) -> None:
    header = signature(shared_dps.host, shared_dps.keys()["primaryKey"])
    assert_manager_refuses(call_with(shared_dps, MANAGEMENT, "GET", "/certificates", header, None))


# --- the token endpoint -----------------------------------------------------------------------------------------------


def test_a_token_is_issued_as_entra_issues_it(shared_dps: LocalService) -> None:
    reply = shared_dps.ask_for_token()
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("application/json")
    assert reply.headers["Cache-Control"] == "no-store"
    body = reply.json
    assert set(body) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert shared_dps.ask_for_token(scope="https://management.azure.com//.default").status == 200  # as azure-cli asks


@pytest.mark.parametrize("way", ["form", "Basic", "Basic, escaped"])
@pytest.mark.parametrize("version", [1, 2])
def test_a_client_may_send_its_secret_by_basic_authentication(dps: LocalService, version: int, way: str) -> None:
    given = dps.connection
    credentials = {"client_id": given["client_id"], "client_secret": given["client_secret"]}
    form = {"grant_type": "client_credentials"}
    form |= {"scope": "https://management.azure.com/.default"} if version == 2 else {"resource": RESOURCES[0]}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if way == "form":
        form |= credentials
    else:
        escape = (lambda text: quote(text, safe="")) if "escaped" in way else str
        pair = ":".join(escape(each) for each in credentials.values())
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    path = f"/{given['tenant_id']}/oauth2/{'v2.0/' if version == 2 else ''}token"
    reply = dps.call("POST", path, urlencode(form).encode(), headers)
    assert reply.status == 200, reply.content
    for bad in (
        "Basic !",
        "Basic " + base64.b64encode(b"\xff:\xfe").decode(),
        "Basic " + base64.b64encode(b"x:y").decode(),
    ):
        reply = dps.call("POST", path, urlencode(form).encode(), {**headers, "Authorization": bad})
        assert (reply.status == 200) is (way == "form" and not bad.endswith("eDp5"))


RESOURCES = (
    "https://management.azure.com/",
    "https://management.azure.com",
    "https://management.core.windows.net/",
    "https://{host}",
)


@pytest.mark.parametrize("resource", RESOURCES)
def test_the_v1_endpoint_issues_a_token_for_a_resource(shared_dps: LocalService, resource: str) -> None:
    resource = resource.format(host=shared_dps.host)
    reply = ask_for_v1_token(shared_dps, resource)
    assert reply.status == 200, reply.content
    body = reply.json
    assert (body["token_type"], body["expires_in"], body["resource"]) == ("Bearer", "3600", resource)
    assert int(body["expires_on"]) - int(body["not_before"]) == 3600
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    assert shared_dps.call("GET", f"{shared_dps.root}?api-version=2021-10-15", headers=bearer).status == 200
    service = ask_for_v1_token(shared_dps, "https://azure-devices-provisioning.net").json["access_token"]
    reply = shared_dps.serve("GET", "/enrollmentGroups/g1", headers={"Authorization": f"Bearer {service}"})
    assert reply.status == 404


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"resource": "https://graph.windows.net/"}, 400, "invalid_resource"),
        ({"resource": ""}, 400, "invalid_resource"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_the_v1_endpoint_refuses(shared_dps: LocalService, changes: dict[str, str], status: int, error: str) -> None:
    reply = ask_for_v1_token(shared_dps, **{"resource": RESOURCES[0], **changes})
    assert (reply.status, reply.json["error"]) == (status, error)


def ask_for_v1_token(dps: LocalService, resource: str, **changes: str) -> Reply:
    form = {
        "grant_type": "client_credentials",
        "client_id": dps.connection["client_id"],
        "client_secret": dps.connection["client_secret"],
        "resource": resource,
    } | changes
    path = f"/{dps.connection['tenant_id']}/oauth2/token"
    return dps.call("POST", path, urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"})


def test_discovery_names_the_token_endpoint_that_works(shared_dps: LocalService) -> None:
    tenant = shared_dps.connection["tenant_id"]
    found = shared_dps.call("GET", f"/{tenant}/v2.0/.well-known/openid-configuration").json
    assert found["token_endpoint"] == f"https://{shared_dps.host}/{tenant}/oauth2/v2.0/token"
    assert found["issuer"].endswith(f"/{tenant}/v2.0")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_secret": "ä☃"}, 401, "invalid_client"),
        ({"client_id": "00000000-0000-0000-0000-000000000000"}, 401, "invalid_client"),
        ({"tenant": "00000000-0000-0000-0000-000000000000"}, 400, "invalid_tenant"),
        ({"tenant": "common"}, 400, "invalid_tenant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "https://graph.microsoft.com/.default"}, 400, "invalid_scope"),
        ({"scope": ""}, 400, "invalid_scope"),
    ],
)
def test_no_token_is_issued_for(shared_dps: LocalService, changes: dict[str, str], status: int, error: str) -> None:
    reply = shared_dps.ask_for_token(**changes)
    assert (reply.status, reply.json["error"]) == (status, error)
    assert set(reply.json) == {"error", "error_description"}
    assert reply.json["error_description"].startswith("AADSTS")
    assert shared_dps.connection["client_secret"] not in reply.content.decode()


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"&".join([b"a=b"] * 1000), b'{"grant_type":"client_credentials"}'])
def test_a_token_request_that_is_not_a_form_is_refused(shared_dps: LocalService, body: bytes) -> None:
    reply = shared_dps.call("POST", f"/{shared_dps.connection['tenant_id']}/oauth2/v2.0/token", body)
    assert (reply.status, reply.json["error"]) == (400, "unsupported_grant_type")


# --- Azure's clients --------------------------------------------------------------------------------------------------


def test_azures_identity_client_says_that_the_secret_is_wrong(shared_dps: LocalService) -> None:
    credential = client_secret_credential(shared_dps, "wrong")
    with credential, pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential.get_token("https://management.azure.com/.default")


class FixedToken:
    """A credential with a given token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(self._token, int(time.time()) + 3600)


def test_azures_management_client_says_that_the_token_is_not_for_this_plane(shared_dps: LocalService) -> None:
    given = shared_dps.connection
    with (
        IotDpsClient(
            FixedToken(shared_dps.service_token),
            given["subscription_id"],
            base_url=given["management_endpoint"],
            connection_verify=given["ca_file"],
        ) as client,
        pytest.raises(ClientAuthenticationError) as refused,
    ):
        client.dps_certificate.list(given["resource_group"], given["provisioning_service"])
    assert refused.value.status_code == 401


@pytest.mark.parametrize("kind", ["token of the management plane", "wrong key"])
def test_azures_service_client_says_that_the_credential_is_wrong(shared_dps: LocalService, kind: str) -> None:
    given = shared_dps.connection
    credential = (
        FixedToken(shared_dps.management_token)
        if kind == "token of the management plane"
        else AzureNamedKeyCredential("provisioningserviceowner", OTHER_KEY)
    )
    client = DeviceProvisioningClient(given["service_endpoint"], credential, connection_verify=given["ca_file"])
    with client, pytest.raises(ClientAuthenticationError) as refused:
        client.enrollment_group.get("g1")
    assert refused.value.status_code == 401


def test_the_requested_address_is_also_an_audience(shared_dps: LocalService) -> None:
    """JavaScript's management SDK derives its audience from the endpoint."""
    token = shared_dps.ask_for_token(scope=f"https://{shared_dps.host}/.default").json["access_token"]
    assert call_with(shared_dps, MANAGEMENT, "GET", "", f"Bearer {token}", None).status == 200
    assert call_with(shared_dps, SERVICE, "GET", "/g1", f"Bearer {token}", None).status == 401
