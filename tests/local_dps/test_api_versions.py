"""Every api-version with its own form of bodies, ETags in each of their forms, and paths in any case."""

import base64
import itertools
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crafting import proof, root
from tests.encodings import ENCODINGS
from tests.local_dps.assertions import CERTIFICATE_FIELDS, GUID, assert_is_certificate, assert_provider_refuses
from tests.local_dps.services import ask, census, description, group_path, read, service_path, subscription
from tests.local_dps.wire import LocalService

WITHOUT_ECHO = ("2017-08-21-preview", "2017-11-15")
WITHOUT_CLAIM = (*WITHOUT_ECHO, "2018-01-22")
FLAT = (*WITHOUT_CLAIM, "2020-01-01", "2020-03-01", "2020-09-01-preview", "2021-10-15")
NESTED = (
    "2022-02-05", "2022-12-12", "2023-03-01-preview", "2025-02-01-preview", "2026-03-01-preview", "2026-06-01-preview",
    "2026-08-31", "2026-11-01", "2026-11-02-preview",
)  # fmt: skip
VERSIONS = (*FLAT, *NESTED)
FORMS = {"quoted": '"{}"', "unquoted": "{}", "star": "*"}


def upload_in(version: str, certificate: str, **fields: Any) -> Mapping[str, Any]:
    """Return the body of an upload as the clients of that api-version send it."""
    flat = {"certificate": certificate, **fields}
    return flat if version in FLAT else {"properties": flat}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_certificate_is_proved_in_every_version_with_the_bodies_of_its_age(dps: LocalService, version: str) -> None:
    path, uploaded = "/certificates/ca", root()
    fields = CERTIFICATE_FIELDS - {"certificate"} if version in WITHOUT_ECHO else CERTIFICATE_FIELDS
    sent = ENCODINGS["base64 of DER" if version in WITHOUT_ECHO else "base64 of PEM"](uploaded.der)

    created = dps.manage("PUT", path, upload_in(version, sent), version=version)
    assert created.status == 200
    assert_is_certificate(created.json, dps, "ca", uploaded)
    assert set(created.json["properties"]) == fields
    assert created.json["properties"].get("certificate") is None
    assert created.json["properties"]["isVerified"] is False
    assert dps.manage("GET", path, version=version).json == created.json
    assert dps.manage("GET", "/certificates", version=version).json == {"value": [created.json]}

    again = dps.manage(
        "PUT", path, upload_in(version, sent), version=version, if_match=FORMS["quoted"].format(created.json["etag"])
    )
    assert again.status == 200
    assert set(again.json["properties"]) == fields

    if_match = FORMS["unquoted"].format(again.json["etag"])
    generated = dps.manage("POST", f"{path}/generateVerificationCode", version=version, if_match=if_match)
    assert generated.status == 200
    assert_is_certificate(generated.json, dps, "ca", uploaded)
    properties = generated.json["properties"]
    assert set(properties) == fields | {"verificationCode"}
    assert properties.get("certificate", sent) == sent
    assert re.fullmatch(r"[0-9A-F]{48}", properties["verificationCode"])

    if_match = FORMS["quoted"].format(generated.json["etag"])
    body = {"certificate": proof(uploaded, properties["verificationCode"]).pem}
    verified = dps.manage("POST", f"{path}/verify", body, version=version, if_match=if_match)
    assert verified.status == 200
    assert_is_certificate(verified.json, dps, "ca", uploaded)
    assert set(verified.json["properties"]) == fields
    assert verified.json["properties"]["isVerified"] is True
    assert verified.json["properties"].get("certificate") is None
    assert dps.manage("GET", path, version=version).json == verified.json

    if_match = FORMS["star"].format(verified.json["etag"])
    deleted = dps.manage("DELETE", path, version=version, if_match=if_match)
    assert (deleted.status, deleted.content) == (200, b"")
    assert_provider_refuses(dps.manage("GET", path, version=version), 404, 404001, "NotFound")


@pytest.mark.parametrize("version", VERSIONS)
def test_an_old_etag_is_refused_in_every_version_and_nothing_is_changed(dps: LocalService, version: str) -> None:
    uploaded = root()
    stale = dps.upload("ca", uploaded.pem)["etag"]
    code = dps.generate_code("ca")["properties"]["verificationCode"]
    before, codes = dps.everything(), dps.codes()
    calls = (
        ("PUT", "", upload_in(version, uploaded.pem)),
        ("POST", "/generateVerificationCode", None),
        ("POST", "/verify", {"certificate": proof(uploaded, code).pem}),
        ("DELETE", "", None),
    )
    for form, (method, suffix, body) in itertools.product(("quoted", "unquoted"), calls):
        if_match = FORMS[form].format(stale)
        reply = dps.manage(method, f"/certificates/ca{suffix}", body, version=version, if_match=if_match)
        assert_provider_refuses(reply, 412, 412001, "PreconditionFailed", "Invalid ETag supplied.")
    assert (dps.everything(), dps.codes()) == (before, codes)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_body_of_another_age_is_refused_and_nothing_is_changed(shared_dps: LocalService, version: str) -> None:
    before, certificate = census(shared_dps), root().pem
    flat: dict[str, Any] = {"certificate": certificate}
    other = {"properties": flat} if version in FLAT else flat
    reply = shared_dps.manage("PUT", "/certificates/ca", other, version=version)
    assert_provider_refuses(reply, 400, 400003, "BadRequest")
    assert census(shared_dps) == before


@pytest.mark.parametrize("version", WITHOUT_CLAIM)
def test_a_claim_to_be_verified_is_ignored_before_there_was_one(dps: LocalService, version: str) -> None:
    body = upload_in(version, root().pem, isVerified=True)
    made = dps.manage("PUT", "/certificates/ca", body, version=version)
    assert (made.status, made.json["properties"]["isVerified"]) == (200, False)
    assert dps.certificate("ca")["properties"]["isVerified"] is False


@pytest.mark.parametrize("version", sorted(set(VERSIONS) - set(WITHOUT_CLAIM)))
def test_a_claim_to_be_verified_is_believed_since_there_is_one(dps: LocalService, version: str) -> None:
    body = upload_in(version, root().pem, isVerified=True)
    made = dps.manage("PUT", "/certificates/ca", body, version=version)
    assert (made.status, made.json["properties"]["isVerified"]) == (200, True)
    assert dps.certificate("ca")["properties"]["isVerified"] is True


@pytest.mark.parametrize("version", VERSIONS)
def test_a_claim_outside_of_its_place_is_not_believed(dps: LocalService, version: str) -> None:
    body = dict(upload_in(version, root().pem))
    body |= {"properties": {"isVerified": True}} if version in FLAT else {"isVerified": True}
    made = dps.manage("PUT", "/certificates/ca", body, version=version)
    assert made.status in (200, 400)
    if made.status == 200:
        assert dps.certificate("ca")["properties"]["isVerified"] is False


def test_one_certificate_is_the_same_in_all_versions_but_for_the_echo(dps: LocalService) -> None:
    dps.upload("ca", root().pem)
    newest = dps.certificate("ca")
    for version in VERSIONS:
        seen = dps.manage("GET", "/certificates/ca", version=version).json
        assert ("certificate" in seen["properties"]) is (version not in WITHOUT_ECHO)
        subject = "CN=Root" if version < "2020" else "Root"
        assert seen["properties"]["subject"] == subject
        assert {**seen, "properties": {"certificate": None, **seen["properties"], "subject": "Root"}} == newest


@pytest.mark.parametrize("version", VERSIONS)
def test_a_service_lives_in_every_version(dps: LocalService, version: str) -> None:
    path, body = service_path(dps, "second"), description()
    name_check = f"{subscription(dps)}/providers/Microsoft.Devices/checkProvisioningServiceNameAvailability"
    assert ask(dps, "POST", name_check, {"name": "second"}, version=version).json["nameAvailable"] is True
    made = ask(dps, "PUT", path, body, version=version)
    assert made.status == 201
    assert f"?api-version={version}&asyncinfo" in made.headers["Azure-AsyncOperation"]
    service = ask(dps, "GET", path, version=version)
    assert service.json == ask(dps, "GET", path).json
    assert service.json["properties"]["state"] == "Active"
    assert ask(dps, "PATCH", path, {"tags": {"a": "b"}}, version=version).json["tags"] == {"a": "b"}
    assert ask(dps, "GET", f"{path}/skus", version=version).json == {"value": [{"name": "S1"}]}
    (rule,) = ask(dps, "POST", f"{path}/listkeys", version=version).json["value"]
    assert ask(dps, "POST", f"{path}/keys/{rule['keyName']}/listkeys", version=version).json == rule
    for scope in (subscription(dps), group_path(dps, dps.connection["resource_group"])):
        listed = ask(dps, "GET", f"{scope}/providers/Microsoft.Devices/provisioningServices", version=version).json
        assert [each["name"] for each in listed["value"]] == [dps.connection["provisioning_service"], "second"]
    assert ask(dps, "PUT", path, body, version=version).status == 201
    assert ask(dps, "DELETE", path, version=version).status == 202


@pytest.mark.parametrize("version", ["2017-11-16", "2019-01-01", "2026-11-01-preview", "2026-11-1", "latest", "*", ""])
def test_a_version_that_never_was_is_refused_and_nothing_is_changed(shared_dps: LocalService, version: str) -> None:
    before = census(shared_dps)
    code = "InvalidApiVersionParameter" if version else "MissingApiVersionParameter"
    for method, suffix in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/listkeys"), ("GET", "/certificates")):
        reply = shared_dps.manage(method, suffix, description() if method == "PUT" else None, version=version)
        assert (reply.status, reply.json["error"]["code"]) == (400, code)
    assert census(shared_dps) == before


# --- paths ------------------------------------------------------------------------------------------------------------

cases = st.integers(0, 2**200 - 1)
RESOURCE_MANAGERS = ("", "/resourceGroups", "/resourceGroups/{group}")
SERVICES = "/resourceGroups/{group}/providers/Microsoft.Devices/provisioningServices"
PROVIDERS = (
    "/providers/Microsoft.Devices/provisioningServices",
    SERVICES,
    SERVICES + "/{service}",
    SERVICES + "/{service}/skus",
    SERVICES + "/{service}/certificates",
    SERVICES + "/{service}/certificates/Mixed-Case",
    SERVICES + "/{service}/listkeys",
    SERVICES + "/{service}/keys/provisioningserviceowner/listkeys",
)


def in_case(path: str, bits: int) -> str:
    """Return the text with each letter in upper or lower case, as the bits say."""
    return "".join(letter.upper() if bits >> place % 200 & 1 else letter.lower() for place, letter in enumerate(path))


@settings(max_examples=40, deadline=None)
@given(cases, st.sampled_from(RESOURCE_MANAGERS + PROVIDERS))
def test_every_read_accepts_a_path_in_any_case(shared_dps: LocalService, bits: int, suffix: str) -> None:
    given = shared_dps.connection
    if "Mixed-Case" in suffix and shared_dps.manage("GET", "/certificates/Mixed-Case").status == 404:
        shared_dps.upload("Mixed-Case", root().pem)
    path = subscription(shared_dps) + suffix.format(
        group=given["resource_group"], service=given["provisioning_service"]
    )
    method = "POST" if path.endswith("listkeys") else "GET"
    straight, mixed = ask(shared_dps, method, path), ask(shared_dps, method, in_case(path, bits))
    assert (straight.status, mixed.status) == (200, 200)
    assert mixed.json == straight.json
    shared_dps.manage("DELETE", "/certificates/Mixed-Case", if_match="*")


@settings(max_examples=10, deadline=None)
@given(cases)
def test_every_change_accepts_a_path_in_any_case(shared_dps: LocalService, bits: int) -> None:
    dps, uploaded = shared_dps, root()
    before = census(dps)
    certificate = f"{dps.root}/certificates/Case"

    def called(method: str, path: str, body: Any = None) -> Any:
        reply = ask(dps, method, in_case(path, bits), body, if_match="*")
        assert reply.status in (200, 201, 202), (method, path, reply.content)
        return reply.json if reply.content else None

    dps.upload("Case", uploaded.pem)
    assert called("PUT", certificate, {"properties": {"certificate": uploaded.pem}})["name"] == "Case"
    code = called("POST", f"{certificate}/generateVerificationCode")["properties"]["verificationCode"]
    proved = called("POST", f"{certificate}/verify", {"certificate": proof(uploaded, code).pem})
    assert (proved["id"], proved["properties"]["isVerified"]) == (certificate, True)
    called("DELETE", certificate)
    name_check = f"{subscription(dps)}/providers/Microsoft.Devices/checkProvisioningServiceNameAvailability"
    assert called("POST", name_check, {"name": "free"})["nameAvailable"] is True
    group = group_path(dps, dps.connection["resource_group"])
    assert called("PUT", group, {"location": "local"})["id"] == group
    present = read(dps)
    assert called("PUT", dps.root, present)["id"] == dps.root
    assert called("PATCH", dps.root, {"tags": {}})["id"] == dps.root
    assert ask(dps, "PUT", service_path(dps, "Second"), description()).status == 201
    called("DELETE", service_path(dps, "Second"))
    assert without_etags(census(dps)) == without_etags(before)


def without_etags(value: Any) -> Any:
    """Return the same, without the values that change with each request."""
    if isinstance(value, dict):
        return {name: without_etags(each) for name, each in value.items() if name != "etag"}
    return [without_etags(each) for each in value] if isinstance(value, list) else value


@settings(max_examples=10, deadline=None)
@given(cases)
def test_the_tenants_and_the_cloud_accept_a_path_in_any_case(shared_dps: LocalService, bits: int) -> None:
    for path in ("/tenants", "/subscriptions", "/metadata/endpoints"):
        reply = ask(shared_dps, "GET", in_case(path, bits))
        assert (reply.status, reply.json) == (200, ask(shared_dps, "GET", path).json)


def test_an_etag_is_base64_of_a_guid_in_quotes_and_compared_exactly(dps: LocalService) -> None:
    etag = dps.upload("ca", root().pem)["etag"]
    assert re.fullmatch(f'"{GUID}"', base64.b64decode(etag, validate=True).decode())
    before = dps.everything()
    for wrong in (etag.lower(), etag[:-1], f'"{etag}', f"'{etag}'", f'W/"{etag}"', f'""{etag}""', f'"{etag}", "x"'):
        reply = dps.manage("POST", "/certificates/ca/generateVerificationCode", if_match=wrong)
        assert_provider_refuses(reply, 412, 412001, "PreconditionFailed")
    assert dps.everything() == before
