"""The record of the wire that a learner sees: all requests and answers, and no secret."""

import base64
import json
from collections.abc import Iterable
from dataclasses import asdict

import pytest
from cryptography.hazmat.primitives import serialization

from helpers.certificates import CertificateAuthority, certificate_pem
from helpers.dps import (
    CaReference,
    CustomAllocation,
    DpsError,
    EnrollmentGroup,
    Exchange,
    RegisteredCertificate,
)
from helpers.dps import wire as wire_module
from tests.dps.wire import Wire


def calls(exchanges: Iterable[Exchange], plane: str) -> list[tuple[str, str, int]]:
    return [
        (each.method, each.url.partition("?")[0].rpartition("/")[2], each.status)
        for each in exchanges
        if each.plane == plane
    ]


def test_a_chapter_holds_the_exchanges_of_each_plane_in_order(wire: Wire, ca: CertificateAuthority) -> None:
    with wire.service.wire.chapter("upload"):
        registered = wire.certificates.upload("factory", certificate_pem(ca.certificate))
        wire.certificates.generate_verification_code(registered)
        wire.groups.create(EnrollmentGroup("devices", CaReference("factory")))
    exchanges = wire.service.wire["upload"]
    assert calls(exchanges, "management") == [
        ("GET", "factory", 404),
        ("PUT", "factory", 200),
        ("POST", "generateVerificationCode", 200),
    ]
    assert calls(exchanges, "service") == [("PUT", "devices", 200)]
    _, put, post = (each for each in exchanges if each.plane == "management")
    assert base64.b64decode(put.request["properties"]["certificate"]) == certificate_pem(ca.certificate)
    assert put.answer["etag"] == registered.etag
    assert post.request is None
    assert post.request_headers["If-Match"].strip('"') == registered.etag
    assert len(post.answer["properties"]["verificationCode"]) == 48


def test_a_rejection_is_recorded_with_its_explanation(wire: Wire, registered: RegisteredCertificate) -> None:
    with wire.service.wire.chapter("wrong"), pytest.raises(DpsError):
        wire.certificates.send_proof(registered, "no certificate")
    *_, last = (each for each in wire.service.wire["wrong"] if each.method == "POST" and each.plane == "management")
    assert last.status == 500
    assert last.answer["code"] == 500019
    assert "base64" in last.answer_headers["x-local-dps-explanation"]


def test_a_chapter_replaces_an_earlier_one_and_exchanges_outside_of_chapters_are_not_recorded(wire: Wire) -> None:
    line = wire.service.wire
    assert list(line["twice"]) == []
    with line.chapter("twice"):
        wire.certificates.list()
        wire.certificates.list()
    wire.certificates.list()
    with line.chapter("twice"):
        wire.certificates.list()
    assert len(calls(line["twice"], "management")) == 1


def test_a_repeated_step_that_changes_nothing_does_not_replace_the_chapter_with_the_change(
    wire: Wire, ca: CertificateAuthority
) -> None:
    line = wire.service.wire
    for _ in range(2):
        with line.chapter("upload"):
            wire.certificates.upload("ca", certificate_pem(ca.certificate))
    assert [each.method for each in line["upload"] if each.plane == "management"] == ["GET", "PUT"]
    with line.chapter("upload"):
        wire.certificates.delete(wire.certificates.get("ca"))
    assert "DELETE" in [each.method for each in line["upload"]]


def test_of_very_many_exchanges_the_last_are_recorded_and_the_others_counted(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire_module, "_MAX_EXCHANGES", 3)
    wire.certificates.list()  # the sign-in
    with wire.service.wire.chapter("many"):
        wire.service.describe()
        for _ in range(4):
            wire.certificates.list()
    recorded = wire.service.wire["many"]
    assert calls(recorded, "management") == [("GET", "certificates", 200)] * 3
    assert recorded.left_off == 2


def test_the_exchanges_of_an_inner_chapter_are_not_in_the_outer_one(wire: Wire) -> None:
    line = wire.service.wire
    with line.chapter("outer"):
        wire.certificates.list()
        with line.chapter("inner"):
            wire.service.describe()
    assert calls(line["outer"], "management") == [("GET", "certificates", 200)]
    assert calls(line["inner"], "management") == [("GET", "local-dps", 200)]


def test_no_secret_is_recorded(wire: Wire, registered: RegisteredCertificate) -> None:
    key = CertificateAuthority.create_root("Thrown away").private_key
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    management = wire.service._management
    place = wire.connection["resource_group"], wire.connection["provisioning_service"]
    with wire.service.wire.chapter("secrets"):
        wire.groups.list()  # this needs another token
        keys = list(management.iot_dps_resource.list_keys(place[1], place[0]))
        for sent in (pem.decode(), base64.b64encode(pem).decode(), base64.b64encode(base64.b64encode(pem)).decode()):
            with pytest.raises(DpsError):
                wire.certificates.send_proof(registered, sent)
    exchanges = wire.service.wire["secrets"]
    recorded = json.dumps([{**asdict(each)} for each in exchanges])
    assert {"sign-in", "management", "service"} == {each.plane for each in exchanges}
    assert len(keys) == 1
    for secret in (wire.connection["client_secret"], keys[0].primary_key, keys[0].secondary_key):
        assert len(secret) > 20
        assert secret not in recorded
    assert "PRIVATE" not in recorded
    for start in range(3):  # base64 of the key's lines, for each possible alignment
        assert base64.b64encode(bytes(start) + pem.splitlines()[1])[4:-4].decode() not in recorded
    tokens = [each for each in wire.seen if "authorization" in each.headers]
    assert tokens
    for each in tokens:
        assert each.headers["authorization"].partition(" ")[2] not in recorded


def test_a_webhooks_key_is_masked(wire: Wire, registered: RegisteredCertificate) -> None:
    url = "https://f.example/api?a=1&code=SECRET"
    group = EnrollmentGroup("devices", CaReference("factory"), custom_allocation=CustomAllocation(url))
    with wire.service.wire.chapter("group"):
        created = wire.groups.create(group)
        wire.groups.list()
        with pytest.raises(DpsError) as refused:
            wire.groups.get("x?code=SECRET")
    assert created.custom_allocation == group.custom_allocation
    recorded = json.dumps([asdict(each) for each in wire.service.wire["group"]], ensure_ascii=False)
    assert recorded.count("https://f.example/api?a=1&code=…") == 3
    assert "SECRET" not in recorded + repr(created) + str(refused.value) + refused.value.says


def test_of_a_sign_in_only_method_url_and_status_are_recorded(wire: Wire) -> None:
    with wire.service.wire.chapter("first"):
        wire.service.describe()
    signed_in = [each for each in wire.service.wire["first"] if each.plane == "sign-in"]
    assert [(each.method, each.status) for each in signed_in] == [("GET", 200), ("POST", 200)]
    assert all(each.request is None and each.answer is None for each in signed_in)
