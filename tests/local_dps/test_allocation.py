"""The choice of a device's hub by latency or by a webhook, and the device's record at the hub."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes

from helpers.local_dps import running
from tests.local_dps.allocation import FAR, NEAR, bind, device, final, hub_of, leaf
from tests.local_dps.devices import Device, write_chain
from tests.local_dps.process import Server
from tests.local_dps.webhook import Webhook
from tests.local_dps.wire import LocalService

# --- lowest latency ---------------------------------------------------------------------------------------------------


def test_the_hub_with_the_lowest_latency_is_chosen_and_kept_while_nothing_changes(
    dps: LocalService, tmp_path: Path
) -> None:
    bind(dps, allocationPolicy="geoLatency")
    assert dps.control("PUT", "/latencies", {FAR: 5}).json == {FAR: 5.0}  # a hub without a latency comes last
    first = device(dps, tmp_path)
    assert hub_of(first.outcome()) == FAR
    assert dps.control("PUT", "/latencies", {NEAR.upper(): 1, FAR: 5}).status == 200
    assert hub_of(device(dps, tmp_path, "device-2").outcome()) == NEAR
    assert hub_of(device(dps, tmp_path).outcome()) == FAR
    bind(dps, allocationPolicy="geoLatency", iotHubs=[NEAR])
    assert hub_of(device(dps, tmp_path).outcome()) == NEAR


def test_latencies_are_given_at_the_start_too(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        dps = server.start("--latency", f"{FAR}=3.5", "--latency", f"{NEAR.upper()}=20")
        assert dps.control("GET", "/latencies").json == {FAR: 3.5, NEAR: 20}


@pytest.mark.parametrize("wrong", [f"{NEAR}=soon", NEAR, f"{NEAR}=-1"])
def test_an_invalid_latency_prevents_the_start(tmp_path: Path, wrong: str) -> None:
    with Server(tmp_path) as server:
        assert server.launch("--latency", wrong).wait(30) == 2
        assert "Write a latency as hub=milliseconds" in " ".join(server.log.read_text().replace("│", " ").split())


@pytest.mark.parametrize("wrong", [{NEAR: -1}, {NEAR: True}, {NEAR: "5"}, {NEAR: None}, {NEAR: 10**400}, [], "5"])
def test_invalid_latencies_are_refused_and_the_old_ones_stay(dps: LocalService, wrong: object) -> None:
    dps.control("PUT", "/latencies", {NEAR: 7})
    reply = dps.control("PUT", "/latencies", wrong)
    assert (reply.status, reply.json["error"]["code"]) == (400, "BadRequest")
    assert dps.control("GET", "/latencies").json == {NEAR: 7}


# --- a webhook --------------------------------------------------------------------------------------------------------


def test_a_webhook_chooses_a_devices_hub_and_the_payload_for_it(
    dps: LocalService, tmp_path: Path, webhook: Webhook
) -> None:
    webhook.answer = {"iotHubHostName": FAR, "payload": {"hello": "device"}, "initialTwin": {"tags": {"floor": 2}}}
    webhook.may.clear()
    bind(dps, **webhook.definition)
    mine = device(dps, tmp_path)
    began = mine.ask("PUT", "/register", {"registrationId": "device-1", "payload": {"model": "pump"}})
    operation = began.json["operationId"]
    waiting = mine.ask("GET", f"/operations/{operation}")
    assert (waiting.status, waiting.json["status"], waiting.headers["Retry-After"]) == (202, "assigning", "3")
    assert dps.serve("GET", "/registrations/device-1").json["status"] == "assigning"
    webhook.may.set()
    outcome = final(mine, operation)
    assert (outcome["status"], hub_of(outcome)) == ("assigned", FAR)
    assert outcome["registrationState"]["payload"] == {"hello": "device"}
    assert dps.control("GET", f"/hubs/{FAR}/devices/device-1").json["twin"] == {"tags": {"floor": 2}}
    (asked,) = webhook.asked  # polling does not call the webhook again
    context = asked["deviceRuntimeContext"]
    assert (context["registrationId"], context["payload"]) == ("device-1", {"model": "pump"})
    assert "currentIotHubHostName" not in context
    shown = context["x509"]["clientCertificates"]["primary"]["info"]["sha256Thumbprint"]
    known = dps.control("GET", f"/hubs/{FAR}/devices/device-1").json["authentication"]
    assert known["x509Thumbprint"]["primaryThumbprint"] == shown
    assert asked["linkedHubs"] == [NEAR, FAR]
    assert asked["enrollmentGroup"]["enrollmentGroupId"] == "group"
    final(mine, mine.register().json["operationId"])
    assert webhook.asked[1]["deviceRuntimeContext"]["currentIotHubHostName"] == FAR


BAD: dict[str, Callable[[Webhook], str]] = {
    "a status": lambda hook: told(hook, status=418) or "Custom allocation failed with status code: 418",
    "a redirect": lambda hook: told(hook, status=302) or "Custom allocation failed with status code: 302",
    "another hub": lambda hook: told(hook, answer={"iotHubHostName": "elsewhere"}) or "names no hub",
    "no hub": lambda hook: told(hook, answer={}) or "names no hub",
    "no JSON": lambda hook: told(hook, answer=b"<html>") or "no valid reply",
    "no object": lambda hook: told(hook, answer=[FAR]) or "no valid reply",
    "not a number": lambda hook: told(hook, answer=b'{"iotHubHostName": NaN}') or "no valid reply",
    "a twin of no object": lambda hook: told(hook, answer={"iotHubHostName": FAR, "initialTwin": 1}) or "initialTwin",
    "too much": lambda hook: told(hook, answer={"iotHubHostName": FAR, "payload": "x" * 70_000}) or "larger",
    "nobody there": lambda hook: told(hook, url="http://127.0.0.1:1/") or "no valid reply",
    "beyond loopback": lambda hook: told(hook, url="http://192.0.2.1/") or "not on loopback",
    "a name that only looks like it": lambda hook: told(hook, url="http://localhost.example/") or "not on loopback",
    "no web address": lambda hook: told(hook, url="file:///etc/hostname") or "not on loopback",
}


def told(hook: Webhook, **changes: Any) -> None:
    for name_, value in changes.items():
        setattr(hook, name_, value)


@pytest.mark.parametrize("kind", BAD)
def test_without_a_hub_from_its_webhook_a_registration_fails_and_says_why(
    dps: LocalService, tmp_path: Path, webhook: Webhook, kind: str
) -> None:
    reason = BAD[kind](webhook)
    bind(dps, **webhook.definition)
    mine = device(dps, tmp_path)
    outcome = final(mine, mine.register().json["operationId"])
    state = outcome["registrationState"]
    assert (outcome["status"], state["errorCode"]) == ("failed", 400207)
    assert reason in state["errorMessage"]
    assert dps.control("GET", f"/hubs/{FAR}/devices").json == {"devices": []}
    bind(dps, allocationPolicy="static", iotHubs=[NEAR])
    assert hub_of(mine.outcome()) == NEAR


def test_an_answer_that_arrives_after_the_device_registered_again_is_ignored(
    dps: LocalService, tmp_path: Path, webhook: Webhook
) -> None:
    webhook.may.clear()
    bind(dps, **webhook.definition)
    mine = device(dps, tmp_path)
    mine.register()
    bind(dps, allocationPolicy="static", iotHubs=[NEAR])
    outcome = mine.outcome()
    webhook.may.set()
    assert hub_of(outcome) == NEAR
    bind(dps, **webhook.definition)
    final(mine, mine.register().json["operationId"])  # behind the late answer
    assert [each["deviceRuntimeContext"].get("currentIotHubHostName") for each in webhook.asked] == [None, NEAR]


def test_a_change_during_the_webhooks_call_takes_effect(dps: LocalService, tmp_path: Path, webhook: Webhook) -> None:
    webhook.may.clear()
    bind(dps, **webhook.definition)
    mine = device(dps, tmp_path)
    operation = mine.register().json["operationId"]
    etag = dps.serve("GET", "/registrations/device-1").json["etag"]
    bind(dps, **webhook.definition, provisioningStatus="disabled")
    webhook.may.set()
    assert final(mine, operation)["status"] == "disabled"
    assert dps.serve("GET", "/registrations/device-1").json["etag"] != etag
    assert dps.control("GET", f"/hubs/{FAR}/devices").json == {"devices": []}


def test_a_record_that_is_deleted_during_the_webhooks_call_is_not_restored(
    dps: LocalService, tmp_path: Path, webhook: Webhook
) -> None:
    webhook.may.clear()
    bind(dps, **webhook.definition)
    operation = device(dps, tmp_path).register().json["operationId"]
    assert dps.serve("DELETE", "/registrations/device-1").status == 204
    webhook.may.set()
    other = device(dps, tmp_path, "device-2")
    final(other, other.register().json["operationId"])  # answered behind the first
    assert dps.serve("GET", "/registrations/device-1").status == 404
    assert device(dps, tmp_path).ask("GET", f"/operations/{operation}").status == 404


def test_a_webhooks_call_is_repeated_after_a_restart(tmp_path: Path, webhook: Webhook) -> None:
    state = tmp_path / "state"
    webhook.may.clear()
    with running(state) as connection:
        dps = LocalService(connection, state)
        bind(dps, **webhook.definition)
        operation = device(dps, tmp_path).register().json["operationId"]
    webhook.may.set()
    with running(state) as connection:
        assert hub_of(final(device(LocalService(connection, state), tmp_path), operation)) == FAR


# --- what a hub knows -------------------------------------------------------------------------------------------------


def test_a_hub_knows_a_device_by_the_sha_256_of_its_certificate(dps: LocalService, tmp_path: Path) -> None:
    bind(dps, allocationPolicy="static", iotHubs=[NEAR], initialTwin={"tags": {"floor": 1}})
    shown = leaf()
    Device(dps, "device-1", write_chain(tmp_path, shown)).outcome()
    known = dps.control("GET", f"/hubs/{NEAR}/devices/DEVICE-1").json
    thumbprint = shown.certificate.fingerprint(hashes.SHA256()).hex().upper()
    assert known["authentication"]["type"] == "selfSigned"
    assert known["authentication"]["x509Thumbprint"] == {"primaryThumbprint": thumbprint, "secondaryThumbprint": None}
    assert (known["deviceId"], known["status"], known["twin"]) == ("device-1", "enabled", {"tags": {"floor": 1}})
    renewed = leaf(which=9)
    Device(dps, "device-1", write_chain(tmp_path, renewed)).outcome()
    (again,) = dps.control("GET", f"/hubs/{NEAR}/devices").json["devices"]
    assert again["authentication"]["x509Thumbprint"]["primaryThumbprint"] != thumbprint
    assert again["twin"] == known["twin"]
    assert dps.serve("DELETE", "/registrations/device-1").status == 204
    assert dps.control("GET", f"/hubs/{NEAR}/devices/device-1").json == again  # the hub's record outlives DPS's


MOVES = {
    "migrated": ((True, True), {"tags": {"old": 1}}),
    "reset": ((True, False), {"tags": {"new": 1}}),
}


@pytest.mark.parametrize("kind", MOVES)
def test_a_device_that_moves_leaves_its_old_hub(dps: LocalService, tmp_path: Path, kind: str) -> None:
    (update, migrate), twin = MOVES[kind]
    policy = {"updateHubAssignment": update, "migrateDeviceData": migrate}
    bind(dps, allocationPolicy="static", iotHubs=[NEAR], initialTwin={"tags": {"old": 1}})
    mine = device(dps, tmp_path)
    mine.outcome()
    again = {"initialTwin": {"tags": {"new": 1}}, "reprovisionPolicy": policy}
    bind(dps, allocationPolicy="static", iotHubs=[FAR], **again)
    assert hub_of(mine.outcome()) == FAR
    assert dps.control("GET", f"/hubs/{NEAR}/devices").json == {"devices": []}
    assert dps.control("GET", f"/hubs/{FAR}/devices/device-1").json["twin"] == twin


def test_a_device_that_was_disabled_comes_back_to_its_place(dps: LocalService, tmp_path: Path) -> None:
    bind(dps, allocationPolicy="static", iotHubs=[NEAR])
    mine = device(dps, tmp_path)
    first = mine.outcome()["registrationState"]
    bind(dps, allocationPolicy="static", iotHubs=[NEAR], provisioningStatus="disabled")
    assert mine.outcome()["status"] == "disabled"
    bind(dps, allocationPolicy="static", iotHubs=[FAR])
    moved = mine.outcome()["registrationState"]
    assert (first["substatus"], moved["substatus"]) == ("initialAssignment", "deviceDataMigrated")


def test_an_unknown_device_is_not_found_and_many_come_in_pages(dps: LocalService, tmp_path: Path) -> None:
    assert dps.control("GET", f"/hubs/{NEAR}/devices/nobody").status == 404
    rows = [(NEAR, f"device-{number:04}", "AB", '{"capabilities": {}, "twin": {}}') for number in range(1002)]
    with closing(sqlite3.connect(dps.state / "dps.sqlite3")) as database, database:
        database.executemany("INSERT INTO hub_device VALUES (?, ?, ?, ?)", rows)
    first = dps.control("GET", f"/hubs/{NEAR}/devices").json
    assert (len(first["devices"]), first["next"]) == (1000, "device-0999")
    rest = dps.control("GET", f"/hubs/{NEAR}/devices?after={first['next']}").json
    assert [each["deviceId"] for each in rest["devices"]] == ["device-1000", "device-1001"]
    assert "next" not in rest
