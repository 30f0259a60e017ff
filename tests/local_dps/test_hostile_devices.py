"""Hostile devices, and clients that claim to be devices: each costs no more than an honest device, and is not accepted."""

import threading
import time
from collections.abc import Callable
from itertools import islice, product
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.crafting import CRITICAL, TODAY, Crafted, authority, ca, craft, key, leaf, name
from tests.local_dps.allocation import FAR, NEAR, bind, device, final
from tests.local_dps.devices import DEVICE, INTERMEDIATE, ROOT, Device, upload, write_chain
from tests.local_dps.mqtt_client import PING, over_tls
from tests.local_dps.mqtt_packets import publish
from tests.local_dps.process import open_descriptors
from tests.local_dps.webhook import Webhook
from tests.local_dps.wire import LocalService, group_body


def let_root_in(dps: LocalService) -> None:
    upload(dps, "root", ROOT)
    dps.put_group(group_body("group", reference="root"))


def register(dps: LocalService, folder: Path, *chain: Crafted, who: str = "device-1") -> int:
    return Device(dps, who, write_chain(folder, *chain)).register().status


def test_differently_spelled_names_of_one_ca_count_as_one(dps: LocalService, tmp_path: Path) -> None:
    """Sixteen certificates with one key, each a possible issuer of the others: if each spelling were a name, there would be
    16! paths."""
    let_root_in(dps)
    own = key(which=70)
    spellings = islice(("".join(each) for each in product(*((letter, letter.upper()) for letter in "rooot"))), 16)
    base = authority(name("rooot"), own)
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    cas = [craft(name(each), own, issuer=base, extensions=(constraints,)) for each in spellings]
    began = time.monotonic()
    assert register(dps, tmp_path, craft(name("device-1"), key(which=8), issuer=base), *cas) == 401
    assert time.monotonic() - began < 15
    assert register(dps, tmp_path, DEVICE, INTERMEDIATE) == 202


def san(content: str) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), bytes.fromhex(content))


CONSTRAINED = ca(
    "Constrained",
    71,
    ROOT,
    instead=(x509.NameConstraints([x509.DirectoryName(name("x", organization="Only"))], None),),
    critical=(*CRITICAL, x509.NameConstraints),
)
POLICED = ca(
    "Policed",
    72,
    ROOT,
    instead=(x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None),),
    critical=(*CRITICAL, x509.PolicyConstraints),
)
STRANGER = ca("Stranger", 73)
EDI = san("3007a505a1030c0178")  # a name of a rarely supported kind
KEPT_OUT: dict[str, tuple[Crafted, ...]] = {
    "below critical name constraints": (leaf(CONSTRAINED), CONSTRAINED),
    "below critical policy constraints": (leaf(POLICED), POLICED),
    "an unknown kind of name, of a stranger": (leaf(STRANGER, instead=(EDI,)), STRANGER),
    "an unknown kind of name": (leaf(ROOT, instead=(EDI,)),),
}


@pytest.mark.parametrize("kind", KEPT_OUT)
def test_an_unreadable_certificate_is_refused_without_an_internal_error(
    dps: LocalService, tmp_path: Path, kind: str
) -> None:
    let_root_in(dps)
    assert register(dps, tmp_path, *KEPT_OUT[kind]) == 401


def test_letters_that_only_become_the_name_in_lower_case_do_not(dps: LocalService, tmp_path: Path) -> None:
    """The Kelvin sign."""
    let_root_in(dps)
    assert register(dps, tmp_path, leaf(ROOT, "pump-\u212a"), who="pump-k") == 401
    assert register(dps, tmp_path, leaf(ROOT, "pump-K"), who="pump-k") == 202


def test_a_flood_of_pings_does_not_block_the_others(dps: LocalService, tmp_path: Path) -> None:
    let_root_in(dps)
    files = write_chain(tmp_path, DEVICE, INTERMEDIATE)
    with over_tls(dps, files).connect(dps, "device-1") as line:
        line.secured.settimeout(20)
        stop = threading.Event()

        def flood() -> None:
            while not stop.is_set():
                line.secured.sendall(PING * 5_000)

        def drain() -> None:
            while line.secured.recv(1 << 16):
                pass

        threads = [threading.Thread(target=quiet(each)) for each in (flood, drain)]
        for thread in threads:
            thread.start()
        try:
            began = time.monotonic()
            for _ in range(5):
                assert dps.ask_for_token().status == 200
            assert time.monotonic() - began < 12
        finally:
            stop.set()
            line.secured.close()
            for thread in threads:
                thread.join()


def quiet(work: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        except (OSError, ValueError):
            return  # the connection is closed at the end

    return run


def test_a_request_id_that_no_answer_could_repeat_ends_the_connection(dps: LocalService, tmp_path: Path) -> None:
    let_root_in(dps)
    files = write_chain(tmp_path, DEVICE, INTERMEDIATE)
    topic = f"$dps/registrations/PUT/iotdps-register/?$rid={'é' * 32_740}"
    with over_tls(dps, files).connect(dps, "device-1") as line:
        line.send_in_vain(publish(topic, b"{}", 2))
        assert line.packet() is None
    assert dps.serve("GET", "/registrations/device-1").status == 404


# --- webhooks ---------------------------------------------------------------------------------------------------------


def test_a_device_that_is_revoked_during_the_webhooks_call_stays_revoked(
    dps: LocalService, tmp_path: Path, webhook: Webhook
) -> None:
    webhook.may.clear()
    bind(dps, **webhook.definition)
    mine = device(dps, tmp_path)
    operation = mine.register().json["operationId"]
    chain = (tmp_path / "chain.pem").read_text()
    own = {"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": chain}}}}
    enrollment = {"registrationId": "device-1", "attestation": own, "provisioningStatus": "disabled"}
    assert dps.serve("PUT", "/enrollments/device-1", enrollment).status == 200
    webhook.may.set()
    assert final(mine, operation)["status"] == "disabled"
    assert dps.control("GET", f"/hubs/{FAR}/devices").json == {"devices": []}


def test_an_answer_for_an_enrollment_that_has_changed_is_ignored(
    dps: LocalService, tmp_path: Path, webhook: Webhook
) -> None:
    webhook.may.clear()
    bind(dps, **webhook.definition)
    mine = device(dps, tmp_path)
    operation = mine.register().json["operationId"]
    bind(dps, allocationPolicy="static", iotHubs=[NEAR])
    webhook.may.set()
    outcome = final(mine, operation)
    assert outcome["status"] == "failed"
    assert "has changed" in outcome["registrationState"]["errorMessage"]
    assert mine.outcome()["registrationState"]["assignedHub"] == NEAR


@pytest.mark.linux
def test_a_device_has_one_question_at_a_time(dps: LocalService, tmp_path: Path, webhook: Webhook) -> None:
    webhook.may.clear()
    bind(dps, **webhook.definition)
    mine = device(dps, tmp_path)
    before = open_descriptors()
    for _ in range(60):
        last = mine.register().json["operationId"]
    assert open_descriptors() < before + 90  # the test's own webhook holds the other ends, until it may answer
    webhook.may.set()
    assert final(mine, last)["status"] == "assigned"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/f?code=TOPSECRET",
        "http://localhost:99999/f?code=TOPSECRET",
        "http://me:TOPSECRET@localhost\N{ACCOUNT OF}/f",  # Python's error about such a host repeats the password
    ],
)
def test_a_function_key_is_not_told_to_the_device(
    dps: LocalService, tmp_path: Path, webhook: Webhook, url: str
) -> None:
    webhook.url = url
    bind(dps, **webhook.definition)
    mine = device(dps, tmp_path)
    outcome = final(mine, mine.register().json["operationId"])
    assert outcome["status"] == "failed"
    assert "TOPSECRET" not in str(outcome)


# --- hubs -------------------------------------------------------------------------------------------------------------


def test_a_device_with_another_id_at_its_hub_leaves_no_record_behind(dps: LocalService, tmp_path: Path) -> None:
    upload(dps, "root", ROOT)
    mine = leaf(ROOT, life=TODAY)
    own = {"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": mine.pem}}}}
    body = {"registrationId": "device-1", "attestation": own, "allocationPolicy": "static"}
    asked = Device(dps, "device-1", write_chain(tmp_path, mine))
    first = {**body, "deviceId": "old", "iotHubs": [NEAR], "initialTwin": {"tags": {"k": 1}}}
    assert dps.serve("PUT", "/enrollments/device-1", first).status == 200
    asked.outcome()
    second = {**body, "deviceId": "new", "iotHubs": [FAR]}
    assert dps.serve("PUT", "/enrollments/device-1", second, if_match="*").status == 200
    asked.outcome()
    assert dps.control("GET", f"/hubs/{NEAR}/devices").json == {"devices": []}
    (moved,) = dps.control("GET", f"/hubs/{FAR}/devices").json["devices"]
    assert (moved["deviceId"], moved["twin"]) == ("new", {"tags": {"k": 1}})


def test_a_chain_with_very_large_names_is_refused_unread(dps: LocalService, tmp_path: Path) -> None:
    units = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "x" * 60) for _ in range(500)]
    large = x509.Name([*units, x509.NameAttribute(NameOID.COMMON_NAME, "device-1")])
    let_root_in(dps)
    refused = Device(dps, "device-1", write_chain(tmp_path, craft(large, key(which=9), issuer=ROOT))).register()
    assert (refused.status, refused.json["message"]) == (401, "Invalid certificate.")
    assert "32 KiB" in refused.headers["x-local-dps-explanation"]
