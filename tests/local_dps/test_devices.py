"""The device plane over HTTPS: who is let in, who is not, and what both are told."""

import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.local_dps.crafting import LIVES, TODAY, Crafted, Life, craft, key, name
from tests.local_dps.devices import Device, write_chain
from tests.local_dps.wire import LocalService, group_body, upload_body

TLS = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}


def ca(
    common_name: str, which: int, issuer: Crafted | None = None, life: Life = TODAY, path_length: int | None = None
) -> Crafted:
    extensions = (
        x509.BasicConstraints(ca=True, path_length=path_length),
        x509.SubjectKeyIdentifier.from_public_key(key(which=which).public_key()),
    )
    return craft(name(common_name), key(which=which), issuer=issuer, life=life, extensions=extensions)


def leaf(issuer: Crafted, common_name: str = "device-1", life: Life = TODAY) -> Crafted:
    return craft(name(common_name), key(which=8), issuer=issuer, life=life)


ROOT = ca("Root", 1)
INTERMEDIATE = ca("Intermediate", 2, ROOT)
LOWER = ca("Lower", 3, INTERMEDIATE)
TWIN_ROOT = ca("Root", 4)
TWIN = ca("Intermediate", 5, ROOT)
EXPIRED = ca("Intermediate", 2, ROOT, LIVES["expired"])
NO_CA = craft(name("Intermediate"), key(which=2), issuer=ROOT)
SHORT = ca("Root", 1, path_length=0)
DEVICE = leaf(INTERMEDIATE)


@dataclass(frozen=True)
class Case:
    """What is uploaded, what the group is bound to, what the device sends, and the answer.

    Attributes:
        verified, unverified: certificates at the service. group: what the group signs with, or nobody.
        sent: the device's chain.
        code: of the refusal; None if it is let in.
    """

    verified: tuple[Crafted, ...]
    group: Crafted | None
    sent: tuple[Crafted, ...]
    code: int | None = None
    message: str = ""
    unverified: tuple[Crafted, ...] = ()


NOT_FOUND, NO_MATCH, INVALID = (
    "CA certificate not found.",
    "Signing certificate info did not match chain elements",
    "Invalid certificate.",
)
CASES: dict[str, Case] = {
    "root -> device; the group is the root": Case((ROOT,), ROOT, (leaf(ROOT),)),
    "root -> intermediate -> device; the group is the intermediate": Case((INTERMEDIATE,), INTERMEDIATE, (DEVICE,)),
    "the root is sent, too, which is harmless": Case((INTERMEDIATE,), INTERMEDIATE, (DEVICE, INTERMEDIATE, ROOT)),
    "in another order": Case((ROOT,), ROOT, (leaf(LOWER), ROOT, INTERMEDIATE, LOWER)),
    "something else among them": Case((ROOT,), ROOT, (DEVICE, TWIN_ROOT, INTERMEDIATE)),
    "the group is the root, the intermediate is sent": Case((ROOT,), ROOT, (DEVICE, INTERMEDIATE)),
    "two below the root": Case((ROOT,), ROOT, (leaf(LOWER), LOWER, INTERMEDIATE)),
    "the group is the intermediate, the root above is verified": Case((ROOT,), INTERMEDIATE, (DEVICE, INTERMEDIATE)),
    "the same, and the intermediate is not sent, for the group has it": Case((ROOT,), INTERMEDIATE, (DEVICE,)),
    "the intermediate is missing": Case((ROOT,), ROOT, (DEVICE,), 401002, NOT_FOUND),
    "the group's CA is not verified": Case((), ROOT, (leaf(ROOT),), 401002, NOT_FOUND, unverified=(ROOT,)),
    "the intermediate is not verified, nor is anything above": Case(
        (), INTERMEDIATE, (DEVICE, INTERMEDIATE, ROOT), 401002, NOT_FOUND, unverified=(INTERMEDIATE, ROOT)
    ),
    "a root of the same name and another key": Case((ROOT,), ROOT, (leaf(TWIN_ROOT), TWIN_ROOT), 401002, NOT_FOUND),
    "an intermediate of the same name and another key, which nobody sent": Case(
        (INTERMEDIATE,), INTERMEDIATE, (leaf(TWIN),), 401002, NOT_FOUND
    ),
    "a sibling intermediate below the verified root": Case((ROOT,), INTERMEDIATE, (leaf(TWIN), TWIN), 401002, NO_MATCH),
    "verified, but no group": Case((ROOT,), None, (leaf(ROOT),), 401002, NO_MATCH),
    "nothing is known at all": Case((), None, (leaf(ROOT), ROOT), 401002, NOT_FOUND),
    "self-signed": Case((ROOT,), ROOT, (craft(name("device-1"), key(which=8)),), 401002, NOT_FOUND),
    "the device has expired": Case((ROOT,), ROOT, (leaf(ROOT, life=LIVES["expired"]),), 401002, INVALID),
    "the device is not valid yet": Case((ROOT,), ROOT, (leaf(ROOT, life=LIVES["future"]),), 401002, INVALID),
    "an intermediate has expired": Case((ROOT,), ROOT, (leaf(EXPIRED), EXPIRED), 401002, INVALID),
    "the intermediate is no CA": Case((ROOT,), ROOT, (leaf(NO_CA), NO_CA), 401002, INVALID),
    "the root allows no CA below it": Case(
        (SHORT,), SHORT, (leaf(ca("Intermediate", 2, SHORT)), ca("Intermediate", 2, SHORT)), 401002, INVALID
    ),
    "the common name is another": Case((ROOT,), ROOT, (leaf(ROOT, "device-2"),), 401000, "Unauthorized"),
    "the common name in another case": Case((ROOT,), ROOT, (leaf(ROOT, "DEVICE-1"),)),
    "the CA's certificate as a device's": Case((ROOT,), ROOT, (ca("device-1", 1),), 401002, NOT_FOUND),
    "no certificate": Case((ROOT,), ROOT, (), 401000, "Unauthorized"),
}


def upload(dps: LocalService, uploaded: str, certificate: Crafted, verified: bool) -> None:
    body = upload_body(base64.b64encode(certificate.der).decode(), isVerified=verified)
    assert dps.manage("PUT", f"/certificates/{uploaded}", body).status == 200


def prepare(dps: LocalService, case: Case) -> None:
    for number, certificate in enumerate(case.verified):
        upload(dps, f"verified-{number}", certificate, True)
    for number, certificate in enumerate(case.unverified):
        upload(dps, f"unverified-{number}", certificate, False)
    if case.group:
        dps.put_group(group_body("group", signing=case.group.pem))


def device(dps: LocalService, folder: Path, *sent: Crafted, registration: str = "device-1", **options: Any) -> Device:
    return Device(dps, registration, write_chain(folder, *sent) if sent else (), **options)


@pytest.mark.parametrize("kind", CASES)
def test_who_gets_in_and_who_does_not(dps: LocalService, tmp_path: Path, kind: str) -> None:
    case = CASES[kind]
    prepare(dps, case)
    reply = device(dps, tmp_path, *case.sent).register()
    if case.code is None:
        assert reply.status == 202, reply.content
    else:
        assert reply.status == 401
        assert (reply.json["errorCode"], reply.json["message"]) == (case.code, case.message)
        assert dps.serve("GET", "/registrations/device-1").status == 404


@pytest.mark.parametrize("version", TLS)
def test_a_device_registers_over_https_and_its_record_is_the_same_on_the_service_plane(
    dps: LocalService, tmp_path: Path, version: str
) -> None:
    prepare(dps, Case((INTERMEDIATE,), INTERMEDIATE, ()))
    mine = device(dps, tmp_path, DEVICE, INTERMEDIATE, tls=TLS[version])
    began = mine.register()
    assert (began.status, began.json["status"], began.headers["Retry-After"]) == (202, "assigning", "3")
    assert set(began.json) == {"operationId", "status"}
    outcome = mine.ask("GET", f"/operations/{began.json['operationId']}").json
    assert (outcome["operationId"], outcome["status"]) == (began.json["operationId"], "assigned")
    state = outcome["registrationState"]
    assert state["assignedHub"] in dps.connection["iot_hubs"]
    assert (state["registrationId"], state["deviceId"], state["substatus"]) == (
        "device-1",
        "device-1",
        "initialAssignment",
    )
    assert state.pop("x509") == {}
    assert dps.serve("GET", "/registrations/device-1").json == state
    assert dps.serve("POST", "/registrations/group/query").json == [state]


def test_a_device_looks_itself_up(dps: LocalService, tmp_path: Path) -> None:
    prepare(dps, Case((ROOT,), ROOT, ()))
    mine = device(dps, tmp_path, leaf(ROOT))
    assert mine.ask("POST", "", {"registrationId": "device-1"}).json["status"] == "unassigned"
    state = mine.outcome()["registrationState"]
    assert mine.ask("POST", "", {"registrationId": "device-1"}).json == state


def test_an_operation_that_is_not_the_newest_is_not_found(dps: LocalService, tmp_path: Path) -> None:
    prepare(dps, Case((ROOT,), ROOT, ()))
    mine = device(dps, tmp_path, leaf(ROOT))
    first, second = mine.register().json["operationId"], mine.register().json["operationId"]
    assert first.rpartition(".")[0].split(".")[:2] == second.rpartition(".")[0].split(".")[:2]
    assert mine.ask("GET", f"/operations/{first}").status == 404
    assert mine.ask("GET", f"/operations/{second}").json["status"] == "assigned"


@pytest.mark.parametrize("version", TLS)
def test_a_key_that_does_not_belong_to_the_certificate_fails_the_handshake(
    dps: LocalService, tmp_path: Path, version: str
) -> None:
    """A thief has the certificate and not the key."""
    prepare(dps, Case((ROOT,), ROOT, ()))
    victim = craft(name("device-1"), rsa.generate_private_key(65537, 2048), issuer=ROOT)
    thief = Crafted(victim.certificate, disguised(victim.private_key))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        device(dps, tmp_path, thief, tls=TLS[version]).register()
    assert device(dps, tmp_path, victim, tls=TLS[version]).register().status == 202


def disguised(victim: rsa.RSAPrivateKey) -> rsa.RSAPrivateKey:
    """Another exponent behind the victim's public part: a TLS client that compares the public parts does not notice."""
    own, numbers = rsa.generate_private_key(65537, 2048).private_numbers(), victim.private_numbers()
    wrong = rsa.RSAPrivateNumbers(
        numbers.p, numbers.q, own.d, own.dmp1, own.dmq1, numbers.iqmp, victim.public_key().public_numbers()
    )
    return wrong.private_key(unsafe_skip_rsa_key_validation=True)


def test_the_nearest_group_decides_and_a_disabled_one_lets_nobody_in(dps: LocalService, tmp_path: Path) -> None:
    upload(dps, "root", ROOT, True)
    dps.put_group(group_body("far", signing=ROOT.pem))
    dps.put_group(group_body("near", signing=INTERMEDIATE.pem, provisioningStatus="disabled"))
    outcome = device(dps, tmp_path, DEVICE, INTERMEDIATE).outcome()
    assert (outcome["status"], outcome["registrationState"]["status"]) == ("disabled", "disabled")
    assert dps.serve("GET", "/registrations/device-1").json["status"] == "disabled"
    assert len(dps.serve("POST", "/registrations/near/query").json) == 1


def test_an_individual_enrollment_decides_before_any_group(dps: LocalService, tmp_path: Path) -> None:
    prepare(dps, Case((ROOT,), ROOT, ()))
    mine = leaf(ROOT)
    attestation = {"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": mine.pem}}}}
    enrollment = {"registrationId": "device-1", "deviceId": "pump", "attestation": attestation}
    assert dps.serve("PUT", "/enrollments/device-1", enrollment).status == 200
    assert device(dps, tmp_path, mine).outcome()["registrationState"]["deviceId"] == "pump"
    other = device(dps, tmp_path, leaf(ROOT)).register()
    assert (other.status, other.json["message"]) == (401, INVALID)
    disabled = {**enrollment, "provisioningStatus": "disabled"}
    assert dps.serve("PUT", "/enrollments/device-1", disabled, if_match="*").status == 200
    assert device(dps, tmp_path, mine).outcome()["status"] == "disabled"


def test_a_group_by_reference_lets_in_while_the_certificate_is_there(dps: LocalService, tmp_path: Path) -> None:
    upload(dps, "ca", ROOT, True)
    dps.put_group(group_body("group", reference="ca"))
    mine = device(dps, tmp_path, leaf(ROOT))
    assert mine.outcome()["status"] == "assigned"
    assert dps.manage("DELETE", "/certificates/ca", if_match="*").status == 200
    refused = mine.register()
    assert (refused.status, refused.json["message"]) == (401, NOT_FOUND)


def test_without_a_hub_a_registration_fails_and_is_recorded(dps: LocalService, tmp_path: Path) -> None:
    prepare(dps, Case((ROOT,), ROOT, ()))
    service = dps.manage("GET").json
    service["properties"]["iotHubs"] = []
    assert dps.manage("PUT", "", service).status == 200
    outcome = device(dps, tmp_path, leaf(ROOT)).outcome()
    assert (outcome["status"], outcome["registrationState"]["errorCode"]) == ("failed", 400208)


WRONG: dict[str, Callable[[Device], Any]] = {
    "another scope": lambda mine: mine.register(scope="0neFFFFFFFF"),
    "another id in the body": lambda mine: mine.ask("PUT", "/register", {"registrationId": "device-2"}),
    "a body of no JSON": lambda mine: mine.ask("PUT", "/register", b"{"),
    "an unknown operation": lambda mine: mine.ask("GET", "/operations/5.0.0"),
    "an unknown path": lambda mine: mine.ask("GET", "/nothing"),
    "an unknown method": lambda mine: mine.ask("DELETE", "/register"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_request_that_makes_no_sense_is_refused_and_the_next_is_answered(
    dps: LocalService, tmp_path: Path, kind: str
) -> None:
    prepare(dps, Case((ROOT,), ROOT, ()))
    mine = device(dps, tmp_path, leaf(ROOT))
    reply = WRONG[kind](mine)
    assert reply.status in (400, 401, 404, 405)
    assert set(reply.json) == {"errorCode", "trackingId", "message", "timestampUtc"}
    assert mine.register().status == 202


def test_hubs_get_devices_by_their_weights(dps: LocalService, tmp_path: Path) -> None:
    prepare(dps, Case((ROOT,), ROOT, ()))
    service = dps.manage("GET").json
    service["properties"]["iotHubs"][0]["allocationWeight"] = 3
    assert dps.manage("PUT", "", service).status == 200
    hubs = []
    for number in range(60):
        called = f"device-{number}"
        outcome = device(dps, tmp_path, leaf(ROOT, called), registration=called).outcome()
        hubs.append(outcome["registrationState"]["assignedHub"])
    heavy, light = (hubs.count(hub) for hub in dps.connection["iot_hubs"])
    assert heavy + light == 60
    assert heavy > light > 5  # 45 to 15 on average


POLICIES = {
    "no policy": (None, "deviceDataMigrated"),
    "move and migrate": ((True, True), "deviceDataMigrated"),
    "move and reset": ((True, False), "deviceDataReset"),
    "never": ((False, False), "initialAssignment"),
}


@pytest.mark.parametrize("kind", POLICIES)
def test_a_device_that_comes_again_moves_as_its_enrollment_says(dps: LocalService, tmp_path: Path, kind: str) -> None:
    flags, substatus = POLICIES[kind]
    upload(dps, "ca", ROOT, True)
    one, other = dps.connection["iot_hubs"]
    body = group_body("group", reference="ca", iotHubs=[one], allocationPolicy="static")
    if flags:
        body["reprovisionPolicy"] = dict(zip(("updateHubAssignment", "migrateDeviceData"), flags, strict=True))
    dps.put_group(body)
    mine = device(dps, tmp_path, leaf(ROOT))
    first = mine.outcome()["registrationState"]
    assert (first["assignedHub"], first["substatus"]) == (one, "initialAssignment")
    again = mine.outcome()["registrationState"]
    assert (again["assignedHub"], again["substatus"]) == (one, "initialAssignment")
    dps.put_group({**body, "iotHubs": [other]}, if_match="*")
    moved = mine.outcome()["registrationState"]
    assert (moved["assignedHub"], moved["substatus"]) == (one if kind == "never" else other, substatus)
    assert moved["createdDateTimeUtc"] == first["createdDateTimeUtc"]
    assert dps.serve("GET", "/registrations/device-1").json["substatus"] == substatus
    dps.put_group({**body, "iotHubs": [one]}, if_match="*")
    back = mine.outcome()["registrationState"]
    assert back["assignedHub"] == one
    assert back["substatus"] == ("initialAssignment" if kind == "never" else "reprovisionedToInitialAssignment")
