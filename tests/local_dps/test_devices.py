"""The device plane over HTTPS: which devices it accepts, which it rejects, and what it answers."""

import socket
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from helpers.local_dps import running
from tests.crafting import Crafted, PrivateKey, craft, leaf, name
from tests.encodings import as_pem
from tests.local_dps import devices
from tests.local_dps.devices import DEVICE, INTERMEDIATE, ROOT, TWIN_ROOT, VERSION, Device, upload, write_chain
from tests.local_dps.process import Server
from tests.local_dps.tls import TLS
from tests.local_dps.wire import LocalService, group_body, signature

NOT_FOUND = "CA certificate not found."


def prepare(dps: LocalService, certificate: Crafted) -> None:
    """Verify this CA, and create an enrollment group for the devices that it issued."""
    upload(dps, "verified", certificate)
    dps.put_group(group_body("group", signing=certificate.pem))


def device(dps: LocalService, folder: Path, *sent: Crafted, registration: str = "device-1", **options: Any) -> Device:
    return Device(dps, registration, write_chain(folder, *sent) if sent else (), **options)


@pytest.mark.parametrize("version", TLS)
def test_a_device_registers_over_https_and_its_record_is_the_same_on_the_service_plane(
    dps: LocalService, tmp_path: Path, version: str
) -> None:
    prepare(dps, INTERMEDIATE)
    mine = device(dps, tmp_path, DEVICE, INTERMEDIATE, tls=TLS[version])
    began = mine.register()
    assert (began.status, began.json["status"], began.headers["Retry-After"]) == (202, "assigning", "3")
    assert set(began.json) == {"operationId", "status"}
    operation = f"/{dps.connection['id_scope']}/registrations/device-1/operations/{began.json['operationId']}"
    assert began.headers["Location"] == f"https://{dps.connection['device_endpoint']}{operation}?api-version={VERSION}"
    assert b" " not in began.content, "JSON without spaces"
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
    prepare(dps, ROOT)
    mine = device(dps, tmp_path, leaf(ROOT))
    assert mine.ask("POST", "", {"registrationId": "device-1"}).json["status"] == "unassigned"
    state = mine.outcome()["registrationState"]
    assert mine.ask("POST", "", {"registrationId": "device-1"}).json == state


def test_an_operation_that_is_not_the_newest_is_not_found(dps: LocalService, tmp_path: Path) -> None:
    prepare(dps, ROOT)
    mine = device(dps, tmp_path, leaf(ROOT))
    first, second = mine.register().json["operationId"], mine.register().json["operationId"]
    assert first.rpartition(".")[0].split(".")[:2] == second.rpartition(".")[0].split(".")[:2]
    assert mine.ask("GET", f"/operations/{first}").status == 404
    assert mine.ask("GET", f"/operations/{second}").json["status"] == "assigned"


@pytest.mark.parametrize("version", TLS)
def test_an_unknown_device_completes_the_handshake_and_gets_the_reason_for_its_refusal(
    dps: LocalService, tmp_path: Path, version: str
) -> None:
    prepare(dps, ROOT)
    refused = device(dps, tmp_path, leaf(TWIN_ROOT), TWIN_ROOT, tls=TLS[version]).register()
    assert (refused.status, refused.json["errorCode"], refused.json["message"]) == (401, 401002, NOT_FOUND)


@pytest.mark.parametrize("kind", ["RSA", "P-256"])
@pytest.mark.parametrize("version", TLS)
def test_a_key_that_does_not_belong_to_the_certificate_fails_the_handshake(
    dps: LocalService, tmp_path: Path, version: str, kind: str
) -> None:
    """A thief has the certificate and not the key."""
    prepare(dps, ROOT)
    own, wanted = KEYS[kind](), KEYS[kind]()
    victim = craft(name("device-1"), wanted, issuer=ROOT)
    thief = Device(dps, "device-1", write_chain(tmp_path, victim, private_key=disguised(own, wanted)), tls=TLS[version])
    with pytest.raises((ssl.SSLError, ConnectionError)):
        thief.register()
    assert dps.serve("GET", "/registrations/device-1").status == 404
    assert device(dps, tmp_path, victim, tls=TLS[version]).register().status == 202


KEYS: dict[str, Callable[[], PrivateKey]] = {
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
}


def disguised(own: PrivateKey, victim: PrivateKey) -> bytes:
    """Combine the attacker's private key with the victim's public key: a TLS client that compares only public keys does not
    notice."""
    form, clear = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    if isinstance(own, rsa.RSAPrivateKey) and isinstance(victim, rsa.RSAPrivateKey):
        mine, its = own.private_numbers(), victim.private_numbers()
        wrong = rsa.RSAPrivateNumbers(its.p, its.q, mine.d, mine.dmp1, mine.dmq1, its.iqmp, its.public_numbers)
        return wrong.private_key(unsafe_skip_rsa_key_validation=True).private_bytes(Encoding.PEM, form, clear)
    point = serialization.PublicFormat.UncompressedPoint
    mine, its = (each.public_key().public_bytes(Encoding.X962, point) for each in (own, victim))
    der = own.private_bytes(Encoding.DER, form, clear)
    assert mine in der
    return as_pem(der.replace(mine, its), "PRIVATE KEY").encode()


def test_the_nearest_group_decides_and_a_disabled_one_rejects_every_device(dps: LocalService, tmp_path: Path) -> None:
    upload(dps, "root", ROOT)
    dps.put_group(group_body("far", signing=ROOT.pem))
    dps.put_group(group_body("near", signing=INTERMEDIATE.pem, provisioningStatus="disabled"))
    outcome = device(dps, tmp_path, DEVICE, INTERMEDIATE).outcome()
    assert (outcome["status"], outcome["registrationState"]["status"]) == ("disabled", "disabled")
    assert dps.serve("GET", "/registrations/device-1").json["status"] == "disabled"
    assert len(dps.serve("POST", "/registrations/near/query").json) == 1


def test_an_individual_enrollment_decides_before_any_group(dps: LocalService, tmp_path: Path) -> None:
    prepare(dps, ROOT)
    mine = leaf(ROOT)
    attestation = {"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": mine.pem}}}}
    enrollment = {"registrationId": "device-1", "deviceId": "pump", "attestation": attestation}
    assert dps.serve("PUT", "/enrollments/device-1", enrollment).status == 200
    assert device(dps, tmp_path, mine).outcome()["registrationState"]["deviceId"] == "pump"
    other = device(dps, tmp_path, leaf(ROOT)).register()
    assert (other.status, other.json["message"]) == (401, "Invalid certificate.")
    disabled = {**enrollment, "provisioningStatus": "disabled"}
    assert dps.serve("PUT", "/enrollments/device-1", disabled, if_match="*").status == 200
    assert device(dps, tmp_path, mine).outcome()["status"] == "disabled"


def test_a_group_by_reference_accepts_devices_while_the_certificate_exists(dps: LocalService, tmp_path: Path) -> None:
    upload(dps, "ca", ROOT)
    dps.put_group(group_body("group", reference="ca"))
    mine = device(dps, tmp_path, leaf(ROOT))
    assert mine.outcome()["status"] == "assigned"
    assert dps.manage("DELETE", "/certificates/ca", if_match="*").status == 200
    refused = mine.register()
    assert (refused.status, refused.json["message"]) == (401, NOT_FOUND)


def test_without_a_hub_a_registration_fails_and_is_recorded(dps: LocalService, tmp_path: Path) -> None:
    prepare(dps, ROOT)
    service = dps.manage("GET").json
    service["properties"]["iotHubs"] = []
    assert dps.manage("PUT", "", service).status == 201
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
def test_an_invalid_request_is_refused_and_the_next_is_answered(dps: LocalService, tmp_path: Path, kind: str) -> None:
    prepare(dps, ROOT)
    mine = device(dps, tmp_path, leaf(ROOT))
    reply = WRONG[kind](mine)
    assert reply.status in (400, 401, 404, 405)
    assert set(reply.json) == {"errorCode", "trackingId", "message", "timestampUtc"}
    assert mine.register().status == 202


def test_hubs_get_devices_by_their_weights(dps: LocalService, tmp_path: Path) -> None:
    prepare(dps, ROOT)
    service = dps.manage("GET").json
    service["properties"]["iotHubs"][0]["allocationWeight"] = 3
    assert dps.manage("PUT", "", service).status == 201
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
    upload(dps, "ca", ROOT)
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


def test_retry_after_is_an_option_of_the_command_and_of_a_test(server: Server, tmp_path: Path) -> None:
    dps = server.start("--retry-after", "7")
    prepare(dps, ROOT)
    assert device(dps, tmp_path, leaf(ROOT)).register().headers["Retry-After"] == "7"
    with running(tmp_path / "another", retry_after=0) as connection:
        quick = LocalService(connection, tmp_path / "another")
        prepare(quick, ROOT)
        assert device(quick, tmp_path, leaf(ROOT)).register().headers["Retry-After"] == "0"


@pytest.mark.parametrize("seconds", ["-1", "soon", "2.5"])
def test_an_invalid_retry_after_prevents_the_start(server: Server, seconds: str) -> None:
    result = subprocess.run(server.command("--retry-after", seconds), capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "--retry-after" in result.stderr


NEW_VERSIONS = ("2025-07-01-preview", "2026-07-01-preview", "2026-11-01", "2026-11-02-preview")


@pytest.mark.parametrize("version", NEW_VERSIONS)
def test_a_device_registers_with_the_versions_of_today(
    dps: LocalService, tmp_path: Path, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "VERSION", version)
    prepare(dps, ROOT)
    assert device(dps, tmp_path, leaf(ROOT)).outcome()["status"] == "assigned"


def test_a_request_for_a_certificate_is_refused_and_never_ignored(dps: LocalService, tmp_path: Path) -> None:
    prepare(dps, ROOT)
    mine = device(dps, tmp_path, leaf(ROOT))
    refused = mine.ask("PUT", "/register", {"registrationId": "device-1", "csr": "MIHyMIGaAgEA"})
    assert (refused.status, refused.json["errorCode"]) == (400, 400000)
    assert "does not issue certificates" in refused.headers["x-local-dps-explanation"]
    assert mine.ask("PUT", "/register", {"registrationId": "device-1", "csr": None}).status == 202


def test_a_device_without_a_certificate_is_told_that_symmetric_keys_are_not_supported(dps: LocalService) -> None:
    refused = device(dps, Path()).register()
    assert refused.status == 401
    assert "sent no certificate" in refused.headers["x-local-dps-explanation"]
    assert "symmetric key" in refused.headers["x-local-dps-explanation"]


def test_a_device_that_signs_with_a_symmetric_key_is_told_that_these_are_not_supported(dps: LocalService) -> None:
    scope = dps.connection["id_scope"]
    signed = signature(f"{scope}/registrations/device-1", b64encode(bytes(32)).decode(), policy="registration")
    refused = device(dps, Path()).ask("PUT", "/register", {}, headers={"Authorization": signed})
    assert (refused.status, refused.json["errorCode"]) == (401, 401000)
    assert refused.headers["x-local-dps-explanation"].startswith("The device signs with a symmetric key")


PORTS_OF_DEVICES = ("device_endpoint", "mqtt_endpoint")


def test_devices_get_only_tls_1_2_as_from_azure(tmp_path: Path) -> None:
    lines: list[str] = []
    with running(tmp_path / "state", observe=lambda exchange: lines.append(exchange.line())) as connection:
        dps = LocalService(connection, tmp_path / "state")
        for port in PORTS_OF_DEVICES:
            assert handshake(dps, port, TLS["TLS 1.2"]) == "TLSv1.2"
            with pytest.raises(ssl.SSLError):
                handshake(dps, port, TLS["TLS 1.3"])
    assert len(lines) == 2
    assert all("The TLS handshake failed." in line and "unsupported protocol" in line for line in lines)


def test_devices_get_tls_1_3_with_the_option(server: Server) -> None:
    dps = server.start("--allow-tls-1-3")
    for port in PORTS_OF_DEVICES:
        assert handshake(dps, port, TLS["TLS 1.3"]) == "TLSv1.3"


def handshake(dps: LocalService, endpoint: str, version: ssl.TLSVersion) -> str | None:
    """Return the TLS version of a connection by a device that supports only this version."""
    context = ssl.create_default_context(cafile=dps.connection["ca_file"])
    context.minimum_version = context.maximum_version = version
    port = int(dps.connection[endpoint].rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        return secured.version()


def test_the_log_says_how_each_registration_ended(tmp_path: Path) -> None:
    lines: list[str] = []
    with running(tmp_path / "state", observe=lambda exchange: lines.append(exchange.line())) as connection:
        dps = LocalService(connection, tmp_path / "state")
        prepare(dps, ROOT)
        mine = device(dps, tmp_path, leaf(ROOT))
        ends = [mine.outcome()["registrationState"]["assignedHub"]]
        for change in ({"provisioningStatus": "disabled"}, {}):
            dps.put_group(group_body("group", signing=ROOT.pem, **change), if_match="*")
            if not change:
                resource = dps.manage("GET").json
                dps.manage("PUT", "", {**resource, "properties": {**resource["properties"], "iotHubs": []}})
            ends.append(mine.outcome()["status"])
    assert ends[1:] == ["disabled", "failed"]
    told = [line.partition(" ms  ")[2] for line in lines if "/operations/" in line]
    assert told == [
        f"The device is assigned to {ends[0]}.",
        "The device is not assigned: its enrollment, that of the group 'group', is disabled.",
        "The device is not assigned: 400208 No IoT hub is linked to the service.",
    ]
