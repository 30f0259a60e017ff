"""Devices on MQTT, over TLS and over a websocket: raw packets out, raw packets back, and bad input of every kind."""

import contextlib
import http.client
import json
import logging
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import uuid4

import pytest

from helpers.local_dps import running
from helpers.local_dps.core.faults import Fault, Faults
from helpers.local_dps.net.mqtt import gateway
from helpers.local_dps.net.mqtt.framing import MAX_PACKET_BYTES
from tests.crafting import Crafted, leaf
from tests.encodings import as_pem
from tests.local_dps.devices import ROOT, TWIN_ROOT, write_chain
from tests.local_dps.mqtt_client import (
    PING,
    PONG,
    RESULTS,
    WEBSOCKET,
    MqttClient,
    enter,
    let_furnish,
    over_tls,
    over_websocket,
    poll_topic,
    register,
    register_topic,
    split_topic,
    username,
)
from tests.local_dps.mqtt_packets import connect, packet, publish, subscribe, text, unsubscribe
from tests.local_dps.process import PATIENCE, Server, open_descriptors, wait_for
from tests.local_dps.tls import TLS, Files, address, client_context, hello
from tests.local_dps.wire import LocalService

if sys.platform != "win32":
    import resource

WAYS: dict[str, Callable[[LocalService, Files], MqttClient]] = {
    "TLS 1.2": lambda dps, files: over_tls(dps, files, TLS["TLS 1.2"]),
    "TLS 1.3": lambda dps, files: over_tls(dps, files, TLS["TLS 1.3"]),
    "a websocket": over_websocket,
    "a websocket, its path escaped": lambda dps, files: over_websocket(dps, files, "/%24iothub/websocket"),
    "a websocket at the root": lambda dps, files: over_websocket(dps, files, "/"),
}


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    """A local DPS with an enrollment group for devices that Root issued."""
    state = tmp_path_factory.mktemp("plant") / "state"
    with running(state, allow_tls_1_3=True) as connection:
        yield let_furnish(LocalService(connection, state))


@pytest.fixture
def who() -> str:
    return f"device-{uuid4()}"


@pytest.fixture
def files(tmp_path: Path, who: str) -> Files:
    return write_chain(tmp_path, leaf(ROOT, who))


@pytest.fixture(autouse=True)
def nothing_but_lines_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.WARNING)
    yield
    records = caplog.get_records("call")
    assert [record.getMessage() for record in records if record.exc_info] == []
    assert all("\n" not in record.getMessage() for record in records)


# --- the exchange ---


@pytest.mark.parametrize("way", WAYS)
def test_a_device_registers_and_polls_until_it_is_assigned(
    plant: LocalService, files: Files, who: str, way: str
) -> None:
    with WAYS[way](plant, files) as line:
        polled = enter(plant, line, who)
        line.send(packet(0xE0))
        assert line.packet() is None
    assert polled["status"] == "assigned"
    state = polled["registrationState"]
    assert state.pop("x509") == {}
    assert state["registrationId"] == who
    assert plant.serve("GET", f"/registrations/{who}").json == state


@pytest.mark.parametrize("asked", [0, 1, 2])
@pytest.mark.parametrize("packet_id", [None, 7])
def test_answers_come_at_the_quality_that_was_granted(
    plant: LocalService, files: Files, who: str, asked: int, packet_id: int | None
) -> None:
    with over_tls(plant, files) as line:
        line.send(connect(who, username(plant, who)), subscribe(1, (RESULTS, asked)))
        granted = min(asked, 1)
        assert [line.packet(), line.packet()] == [(0x20, b"\x00\x00"), (0x90, bytes((0, 1, granted)))]
        numbers = []
        for rid in "ab":
            line.send(register(who, rid, packet_id))
            if packet_id is not None:
                assert line.packet() == (0x40, b"\x00\x07")
            found = line.packet()
            assert found
            assert found[0] == (0x32 if granted else 0x30)
            topic, rest = split_topic(found[1])
            assert topic == f"$dps/registrations/res/202/?$rid={rid}&retry-after=3"
            if granted:
                numbers.append(rest[:2])
                line.send(packet(0x40, rest[:2]))
            assert json.loads(rest[2 * granted :])["status"] == "assigning"
        assert len(set(numbers)) == len(numbers)
        assert b"\x00\x00" not in numbers


RIDS = ["3f1f3a0c-9f0e-4c55-8a36-0f5d3f2f8b11", "1", "a b", "ä/ö/?", "%24", "=", "x" * 2_000, "y" * 65_000]


@pytest.mark.parametrize("rid", RIDS, ids=lambda rid: rid[:8])
def test_an_answer_repeats_the_request_id_unchanged(plant: LocalService, files: Files, who: str, rid: str) -> None:
    with over_tls(plant, files).connect(plant, who) as line:
        line.send(publish(register_topic(rid), b"", 2))
        assert line.packet() == (0x40, b"\x00\x02")
        topic, began = line.answer()
        assert topic == f"$dps/registrations/res/202/?$rid={rid}&retry-after=3"
        line.send(publish(poll_topic(rid[:900], began["operationId"]), b" ", 3))
        assert line.packet() == (0x40, b"\x00\x03")
        assert line.answer()[0] == f"$dps/registrations/res/200/?$rid={rid[:900]}"


def test_a_poll_for_the_operation_of_another_device_is_not_found(plant: LocalService, files: Files, who: str) -> None:
    with over_tls(plant, files).connect(plant, who) as line:
        for operation in ("5.0.0", "a/b", "%2e%2e", "x y"):
            line.send(publish(poll_topic("r", operation), b" ", 3))
            assert line.packet() == (0x40, b"\x00\x03")
            assert line.answer()[0] == "$dps/registrations/res/404/?$rid=r"


# --- who is refused ---

STRANGERS: dict[str, tuple[Crafted, bool, int]] = {
    "its CA is unknown": (TWIN_ROOT, True, 401002),
    "its scope is unknown": (ROOT, False, 401000),
}


@pytest.mark.parametrize("way", ["TLS 1.3", "a websocket"])
@pytest.mark.parametrize("kind", STRANGERS)
def test_an_unknown_device_is_connected_and_answered_401(
    plant: LocalService, tmp_path: Path, who: str, kind: str, way: str
) -> None:
    issuer, has_scope, code = STRANGERS[kind]
    scope = plant.connection["id_scope"] if has_scope else "0neFFFFFFFF"
    with WAYS[way](plant, write_chain(tmp_path, leaf(issuer, who))) as line:
        line.send(connect(who, f"{scope}/registrations/{who}/api-version=2019-03-31"), subscribe(1, (RESULTS, 1)))
        assert [line.packet(), line.packet()] == [(0x20, b"\x00\x00"), (0x90, b"\x00\x01\x01")]
        line.send(register(who, "7"))
        assert line.packet() == (0x40, b"\x00\x02")
        topic, told = line.answer()
        assert topic == "$dps/registrations/res/401/?$rid=7"
        assert set(told) == {"errorCode", "trackingId", "message", "timestampUtc"}
        assert told["errorCode"] == code
        line.send(PING)
        assert line.packet() == PONG
    assert plant.serve("GET", f"/registrations/{who}").status == 404


Packets = Callable[[LocalService, str], bytes]
REFUSED: dict[str, tuple[int, Packets]] = {
    "MQTT 5": (1, lambda dps, who: connect(who, username(dps, who), level=5)),
    "MQTT 5 as it really looks": (
        1,
        lambda dps, who: packet(0x10, text("MQTT") + b"\x05\x80\x00\x3c\x00" + text(who) + text(username(dps, who))),
    ),
    "level 3": (1, lambda dps, who: connect(who, username(dps, who), level=3)),
    "no user name": (4, lambda dps, who: connect(who, None)),
    "an empty user name": (4, lambda dps, who: connect(who, "")),
    "a user name of one word": (4, lambda dps, who: connect(who, "somebody")),
    "no scope": (4, lambda dps, who: connect(who, f"/registrations/{who}/api-version=2019-03-31")),
    "no API version": (4, lambda dps, who: connect(who, f"0ne/registrations/{who}/ClientVersion=1")),
    "an empty API version": (4, lambda dps, who: connect(who, f"0ne/registrations/{who}/api-version=")),
    "a line break in the user name": (4, lambda dps, who: connect(who, username(dps, who) + "\n")),
    "another client id": (5, lambda dps, who: connect("somebody-else", username(dps, who))),
    "no client id": (5, lambda dps, who: connect("", username(dps, who))),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_an_unacceptable_connect_gets_the_reason_and_the_connection_ends(
    plant: LocalService, files: Files, who: str, kind: str
) -> None:
    code, made = REFUSED[kind]
    with over_tls(plant, files) as line:
        line.send(made(plant, who), subscribe(1, (RESULTS, 1)))
        assert line.packet() == (0x20, bytes((0, code)))
        assert line.packet() is None


@pytest.mark.parametrize("way", WAYS)
def test_a_device_without_a_certificate_is_not_authorized(plant: LocalService, who: str, way: str) -> None:
    with WAYS[way](plant, ()) as line:
        line.send(connect(who, username(plant, who)))
        assert line.packet() == (0x20, b"\x00\x05")
        assert line.packet() is None


def test_a_client_id_may_differ_in_case(plant: LocalService, files: Files, who: str) -> None:
    with over_tls(plant, files) as line:
        line.send(connect(who.upper(), username(plant, who)))
        assert line.packet() == (0x20, b"\x00\x00")


@pytest.mark.parametrize("way", ["TLS 1.3", "a websocket"])
def test_a_certificate_that_cannot_be_read_is_no_certificate(
    plant: LocalService, tmp_path: Path, who: str, way: str
) -> None:
    """OpenSSL takes a version that X.509 does not have, and reads on; the library that decides about chains does not."""
    device = leaf(ROOT, who)
    odd = bytearray(device.der)
    odd[odd.index(bytes.fromhex("a003020102")) + 4] = 3
    files = write_chain(tmp_path, device)
    files[0].write_text(as_pem(bytes(odd)))
    with WAYS[way](plant, files) as line:
        line.send(connect(who, username(plant, who)))
        assert line.packet() == (0x20, b"\x00\x05")
        assert line.packet() is None


# --- the rest of the protocol ---


@pytest.mark.parametrize("way", ["TLS 1.3", "a websocket"])
def test_a_ping_is_answered(plant: LocalService, files: Files, who: str, way: str) -> None:
    with WAYS[way](plant, files).connect(plant, who) as line:
        line.send(PING, PING)
        assert [line.packet(), line.packet()] == [PONG, PONG]


def test_a_device_that_no_longer_subscribes_gets_no_answers(plant: LocalService, files: Files, who: str) -> None:
    with over_tls(plant, files).connect(plant, who) as line:
        line.send(unsubscribe(9, RESULTS), register(who), PING)
        assert [line.packet() for _ in range(3)] == [(0xB0, b"\x00\x09"), (0x40, b"\x00\x02"), PONG]
    assert plant.serve("GET", f"/registrations/{who}").json["status"] == "assigned"


def test_other_topics_cannot_be_subscribed_to(plant: LocalService, files: Files, who: str) -> None:
    with over_tls(plant, files) as line:
        line.send(connect(who, username(plant, who)))
        assert line.packet() == (0x20, b"\x00\x00")
        line.send(subscribe(5, ("#", 1), (RESULTS, 1), ("$dps/registrations/PUT/#", 0), ("+/a", 2)))
        assert line.packet() == (0x90, b"\x00\x05\x80\x01\x80\x80")


def test_two_devices_never_get_each_others_answers(plant: LocalService, tmp_path: Path, who: str) -> None:
    names = [f"{who}-{number}" for number in range(2)]
    with ExitStack() as stack:
        lines = []
        for each in names:
            folder = tmp_path / each
            folder.mkdir()
            line = stack.enter_context(over_tls(plant, write_chain(folder, leaf(ROOT, each))))
            lines.append(line.connect(plant, each))
        for _ in range(5):
            for line, each in zip(lines, names, strict=True):
                line.send(register(each, "same"))
            operations = []
            for line in lines:
                assert line.packet() == (0x40, b"\x00\x02")
                operations.append(line.answer()[1]["operationId"])
            for line, operation in zip(lines, operations, strict=True):
                line.send(publish(poll_topic("same", operation), b" ", 3))
            for line, each in zip(lines, names, strict=True):
                assert line.packet() == (0x40, b"\x00\x03")
                assert line.answer()[1]["registrationState"]["registrationId"] == each
        lines[0].send(*(register(names[0], str(number)) for number in range(20)))
        heard = [lines[0].packet() for _ in range(40)]
        assert [found[0] for found in heard if found] == [0x40, 0x32] * 20
        for line in lines:
            line.send(PING)
            assert line.packet() == PONG


def test_a_second_connection_of_a_device_is_another_one(plant: LocalService, files: Files, who: str) -> None:
    with over_tls(plant, files) as first, over_websocket(plant, files) as second:
        assert enter(plant, first, who)["status"] == enter(plant, second, who)["status"] == "assigned"


# --- faults ---


def test_a_throttled_device_is_told_when_to_retry(tmp_path: Path, who: str, files: Files) -> None:
    with running(tmp_path / "state", faults=Faults({Fault.THROTTLE: 1.0})) as connection:
        dps = LocalService(connection, tmp_path / "state")
        with over_tls(dps, files).connect(dps, who) as line:
            line.send(register(who, "9"))
            assert line.packet() == (0x40, b"\x00\x02")
            assert line.answer()[0] == "$dps/registrations/res/429/?$rid=9&retry-after=1"


def test_a_dropped_request_ends_the_connection_unanswered(tmp_path: Path, who: str, files: Files) -> None:
    with running(tmp_path / "state", faults=Faults({Fault.DROP_REQUEST: 1.0})) as connection:
        dps = LocalService(connection, tmp_path / "state")
        with over_tls(dps, files).connect(dps, who) as line:
            line.send(register(who))
            assert line.packet() is None


# --- bad input ---

BAD_FIRST: dict[str, bytes] = {
    "PINGREQ first": PING,
    "SUBSCRIBE first": subscribe(1, (RESULTS, 1)),
    "PUBLISH first": register("device-1"),
    "DISCONNECT first": packet(0xE0),
    "CONNACK": packet(0x20, b"\x00\x00"),
    "an empty CONNECT": packet(0x10),
    "a CONNECT that ends too early": packet(0x10, text("MQTT") + b"\x04\x80\x00"),
    "another protocol": packet(0x10, text("HTTP") + b"\x04\x00\x00\x3c" + text("id")),
    "a client id of no UTF-8": packet(0x10, text("MQTT") + b"\x04\x00\x00\x3c" + text(b"\xff\xfe")),
    "a reserved flag": packet(0x10, text("MQTT") + b"\x04\x01\x00\x3c" + text("id")),
    "an oversized CONNECT": packet(0x10, b"x" * (MAX_PACKET_BYTES + 1)),
    "a length of five bytes": b"\x10\xff\xff\xff\xff\x01",
    "zeros": b"\x00" * 1000,
    "ones": b"\xff" * 1000,
}
BAD_LATER: dict[str, bytes] = {
    "a second CONNECT": connect("device-1", "scope/registrations/device-1/api-version=2019-03-31"),
    "QoS 2": packet(0x34, text(register_topic("1")) + b"\x00\x02{}"),
    "QoS 3": packet(0x36, text(register_topic("1")) + b"\x00\x02{}"),
    "PUBLISH with the packet id 0": packet(0x32, text(register_topic("1")) + b"\x00\x00{}"),
    "PUBLISH to another topic": publish("devices/device-1/messages/events/", b"{}", 2),
    "PUBLISH to an answer": publish("$dps/registrations/res/200/?$rid=1", b"{}", 2),
    "PUBLISH without a request id": publish(register_topic(""), b"{}", 2),
    "a poll without an operation": publish(poll_topic("1", ""), b" ", 2),
    "PUBLISH to a wildcard": publish(RESULTS, b"{}"),
    "an oversized PUBLISH": publish(register_topic("1"), b"x" * MAX_PACKET_BYTES, 2),
    "a length of five bytes": b"\x30\xff\xff\xff\xff\x01",
    "SUBSCRIBE to nothing": subscribe(3),
    "SUBSCRIBE with other flags": packet(0x80, b"\x00\x01" + text(RESULTS) + b"\x01"),
    "UNSUBSCRIBE from nothing": unsubscribe(3),
    "SUBACK": packet(0x90, b"\x00\x01\x01"),
    "PUBREL": packet(0x62, b"\x00\x01"),
    "PINGREQ with a body": packet(0xC0, b"x"),
    "PUBACK without a packet id": packet(0x40),
    "type 0": packet(0x00),
    "type 15": packet(0xF0),
}


@pytest.mark.parametrize("way", ["TLS 1.3", "a websocket"])
@pytest.mark.parametrize("kind", BAD_FIRST)
def test_a_wrong_first_packet_ends_the_connection_and_the_next_client_is_served(
    plant: LocalService, files: Files, who: str, kind: str, way: str
) -> None:
    with WAYS[way](plant, files) as line:
        line.send_in_vain(BAD_FIRST[kind])
        assert line.packet() is None
    with WAYS[way](plant, files) as line:
        line.connect(plant, who)


@pytest.mark.parametrize("way", ["TLS 1.3", "a websocket"])
@pytest.mark.parametrize("kind", BAD_LATER)
def test_a_forbidden_packet_of_a_connected_device_ends_the_connection_and_the_next_client_is_served(
    plant: LocalService, files: Files, who: str, kind: str, way: str
) -> None:
    with WAYS[way](plant, files).connect(plant, who) as line:
        line.send_in_vain(BAD_LATER[kind], PING)
        assert line.packet() is None
    with WAYS[way](plant, files) as line:
        line.connect(plant, who)
    assert plant.serve("GET", f"/registrations/{who}").status == 404


ALERT = bytes.fromhex("15030300020100")  # close_notify


NO_TLS = {
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "MQTT without TLS": connect("device-1", "scope/registrations/device-1/api-version=2019-03-31"),
    "zeros": b"\x00" * 100,
    "a goodbye first": ALERT,
    "a goodbye in the middle of the handshake": hello() + ALERT,
    "a handshake that goes on as garbage": hello() + b"\x16\x03\x03\x00\x10" + b"x" * 16,
}


@pytest.mark.parametrize("endpoint", ["mqtt", "device"])
@pytest.mark.parametrize("kind", NO_TLS)
def test_a_connection_that_is_not_tls_is_closed_and_the_next_client_is_served(
    plant: LocalService, files: Files, who: str, kind: str, endpoint: str
) -> None:
    with socket.create_connection(address(plant, endpoint), timeout=5) as plain:
        plain.sendall(NO_TLS[kind])
        with contextlib.suppress(ConnectionError):
            while plain.recv(1 << 16):
                pass
    with over_tls(plant, files) as line:
        line.connect(plant, who)


# --- those who say nothing ---


@pytest.mark.parametrize("way", ["TLS 1.2", "TLS 1.3", "a websocket"])
def test_a_silent_client_is_disconnected(
    plant: LocalService, files: Files, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "_MAX_CONNECT_SECONDS", 0.2)
    with WAYS[way](plant, files) as line:
        assert line.packet() is None


def test_a_client_that_never_completes_its_connect_is_disconnected(
    plant: LocalService, files: Files, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Single bytes now and then don't extend the time limit for a CONNECT."""
    monkeypatch.setattr(gateway, "_MAX_CONNECT_SECONDS", 0.3)
    with over_tls(plant, files) as line:
        assert said_slowly(line, connect(who, username(plant, who))[:20], 0.1) < 15


def said_slowly(line: MqttClient, data: bytes, pause: float) -> int:
    """Send bytes one at a time, and return how many could be sent before the connection ended."""
    line.secured.settimeout(pause)
    for number, byte in enumerate(data):
        try:
            line.send(bytes([byte]))
            if not line.secured.recv(1):
                return number
        except TimeoutError:
            continue
        except OSError:
            return number
    return len(data)


def test_a_keep_alive_runs_out_half_as_late_again(
    plant: LocalService, files: Files, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "_MAX_IDLE_SECONDS", 0.1)
    with over_tls(plant, files).connect(plant, who, keep_alive=1) as line:
        began = time.monotonic()
        assert line.packet() is None
        assert 1.3 < time.monotonic() - began < 10


def test_without_a_keep_alive_a_silent_device_is_disconnected_in_the_end(
    plant: LocalService, files: Files, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "_MAX_IDLE_SECONDS", 0.2)
    with over_tls(plant, files).connect(plant, who, keep_alive=0) as line:
        assert line.packet() is None


def test_a_device_that_reads_no_answers_is_disconnected(
    plant: LocalService, files: Files, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request is answered with as many bytes; a client that never reads them would otherwise block the server's side for
    ever."""
    monkeypatch.setattr(gateway, "_MAX_STALLED_WRITE_SECONDS", 0.3)
    question = publish(poll_topic("r" * 60_000, "5.0.0"), b" ")
    with over_tls(plant, files).connect(plant, who) as line, pytest.raises((ConnectionError, ssl.SSLError)):
        line.send(question * 2_000)
    with over_tls(plant, files) as line:
        line.connect(plant, who)


@pytest.mark.unix
def test_thousands_of_connections_leave_nothing_behind(plant: LocalService, files: Files, who: str) -> None:
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    at_once = max(20, min(400, (allowed - 200) // 4))
    before, context = open_descriptors(), client_context(plant, files)
    for _ in range(2_000 // at_once + 1):
        with ExitStack() as stack:
            for number in range(at_once):
                plain = socket.create_connection(address(plant, "mqtt"), timeout=PATIENCE)
                if number % 10:
                    stack.enter_context(plain)
                else:
                    stack.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
            with over_tls(plant, files) as line:
                line.connect(plant, who)
    wait_for(lambda: open_descriptors() <= before + 5 or None)
    with over_tls(plant, files) as line:
        assert enter(plant, line, who)["status"] == "assigned"


def test_the_server_stops_at_once_though_devices_are_connected(server: Server, files: Files, who: str) -> None:
    dps = server.start()
    with ExitStack() as stack:
        for made in (over_tls, over_websocket):
            stack.enter_context(made(dps, files)).connect(dps, who)
        for endpoint in ("mqtt", "device", "proxy"):
            stack.enter_context(socket.create_connection(address(dps, endpoint), timeout=10))
        tunnel = stack.enter_context(socket.create_connection(address(dps, "proxy"), timeout=10))
        tunnel.sendall(b"CONNECT localhost:8883 HTTP/1.1\r\n\r\n")
        assert tunnel.recv(1000).startswith(b"HTTP/1.1 200 ")
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 20
    assert "Traceback" not in server.log.read_text()


# --- the websocket ---


def test_packets_and_messages_need_not_end_together(plant: LocalService, files: Files, who: str) -> None:
    with over_websocket(plant, files) as line:
        stream = connect(who, username(plant, who)) + subscribe(1, (RESULTS, 1)) + PING
        for at in range(0, len(stream) - 5, 7):
            line.send(stream[at : at + 7])
        line.send(stream[at + 7 :], PING)
        heard = [line.packet() for _ in range(4)]
        assert heard == [(0x20, b"\x00\x00"), (0x90, b"\x00\x01\x01"), PONG, PONG]


def test_a_text_message_ends_the_connection(plant: LocalService, files: Files, who: str) -> None:
    with over_websocket(plant, files).connect(plant, who) as line:
        assert line.websocket
        line.websocket.send("hello")
        line.send(PING)
        assert line.packet() is None


def test_a_message_that_is_too_large_ends_the_connection(plant: LocalService, files: Files, who: str) -> None:
    with over_websocket(plant, files).connect(plant, who) as line:
        line.send_in_vain(PING * MAX_PACKET_BYTES)
        assert line.packet() is None
    with over_websocket(plant, files) as line:
        line.connect(plant, who)


UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "mqtt",
}
PLAIN: dict[str, tuple[str, dict[str, str]]] = {
    "no upgrade": (WEBSOCKET, {}),
    "another upgrade": (WEBSOCKET, {**UPGRADE, "Upgrade": "h2c"}),
    "another path": ("/another", UPGRADE),
    "below the path": (WEBSOCKET + "/more", UPGRADE),
    "no key": (WEBSOCKET, {name: value for name, value in UPGRADE.items() if not name.endswith("Key")}),
    "a key that is none": (WEBSOCKET, {**UPGRADE, "Sec-WebSocket-Key": "short"}),
    "another version": (WEBSOCKET, {**UPGRADE, "Sec-WebSocket-Version": "12"}),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_a_request_that_is_not_for_a_websocket_is_answered_as_http(
    plant: LocalService, files: Files, kind: str
) -> None:
    path, headers = PLAIN[kind]
    client = http.client.HTTPSConnection(*address(plant, "device"), context=client_context(plant, files), timeout=10)
    with closing(client):
        for _ in range(2):
            client.request("GET", path, headers=headers)
            answer = client.getresponse()
            assert answer.status in (400, 404, 426)
            assert set(json.loads(answer.read())) == {"errorCode", "trackingId", "message", "timestampUtc"}


@pytest.mark.parametrize("path", [WEBSOCKET + "?iothub-no-client-cert=true", WEBSOCKET])
def test_an_upgrade_names_the_subprotocol(plant: LocalService, files: Files, path: str) -> None:
    client = http.client.HTTPSConnection(*address(plant, "device"), context=client_context(plant, files), timeout=10)
    with closing(client):
        client.request("GET", path, headers=UPGRADE)
        answer = client.getresponse()
        assert (answer.status, answer.getheader("Sec-WebSocket-Protocol")) == (101, "mqtt")


@pytest.mark.parametrize("protocol", ["mqtt", "MQTT"])
def test_the_paths_and_subprotocols_of_other_device_sdks_are_served(
    plant: LocalService, files: Files, protocol: str
) -> None:
    client = http.client.HTTPSConnection(*address(plant, "device"), context=client_context(plant, files), timeout=10)
    with closing(client):
        client.request("GET", "/mqtt", headers={**UPGRADE, "Sec-WebSocket-Protocol": protocol})
        answer = client.getresponse()
        assert (answer.status, answer.getheader("Sec-WebSocket-Protocol")) == (101, protocol)


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://evil.example", 403), ("null", 403), ("https://[", 403), ("https://localhost:443", 101)],
)
def test_a_web_page_of_another_origin_opens_no_websocket(
    plant: LocalService, files: Files, origin: str, status: int
) -> None:
    client = http.client.HTTPSConnection(*address(plant, "device"), context=client_context(plant, files), timeout=10)
    with closing(client):
        client.request("GET", WEBSOCKET, headers={**UPGRADE, "Origin": origin})
        assert client.getresponse().status == status


@pytest.mark.parametrize("protocol", ["AMQPWSB10", "amqp"])
def test_an_amqp_websocket_is_refused_and_the_log_says_why(
    told: tuple[LocalService, list[str]], files: Files, protocol: str
) -> None:
    dps, lines = told
    client = http.client.HTTPSConnection(*address(dps, "device"), context=client_context(dps, files), timeout=10)
    with closing(client):
        client.request("GET", WEBSOCKET, headers={**UPGRADE, "Sec-WebSocket-Protocol": protocol})
        answer = client.getresponse()
        assert (answer.status, answer.read()) == (400, AMQP.encode())
    assert [line for line in lines if AMQP in line] == lines
    assert len(lines) == 1


# --- what the log tells of them ---

AMQP = "The client uses AMQP, which is not supported here. Configure it to use MQTT or HTTPS."

ENDS: dict[str, tuple[bytes, str]] = {
    "no MQTT": (b"\x00" * 10, "A client sends no packets of type 0."),
    "flags at the first byte": (b"\x1f", "CONNECT has the flags 15, where MQTT requires 0."),
    "too large": (BAD_FIRST["an oversized CONNECT"][:8], "is too large"),
    "AMQP": (b"AMQP\x03\x01\x00\x00", AMQP),
    "something else first": (PING, "The first packet must be CONNECT, but it is PINGREQ."),
    "no user name": (connect("device-1", None), "CONNACK 4: The user name must be"),
    "another client id": (connect("x", "0ne/registrations/y/api-version=1"), "CONNACK 5: The client id must be"),
    "another version": (
        connect("x", "0ne/registrations/x/api-version=1", level=5),
        "CONNACK 1: This client uses protocol level 5.",
    ),
    "a secret for a protocol": (
        packet(0x10, text("A" * 43) + b"\x04\x00\x00\x3c" + text("id")),
        "The protocol name is",
    ),
}


@pytest.fixture
def told(tmp_path: Path) -> Iterator[tuple[LocalService, list[str]]]:
    """A local DPS and the lines of its log."""
    lines: list[str] = []
    with running(tmp_path / "state", observe=lambda exchange: lines.append(exchange.line())) as connection:
        yield LocalService(connection, tmp_path / "state"), lines


@pytest.mark.parametrize("kind", ENDS)
def test_a_connection_that_ends_badly_leaves_one_line_with_the_reason(
    told: tuple[LocalService, list[str]], files: Files, kind: str
) -> None:
    dps, lines = told
    sent, reason = ENDS[kind]
    with over_tls(dps, files) as line:
        line.send_in_vain(sent)
        while line.packet() is not None:
            pass
    wait_for(lambda: lines or None)
    assert [each for each in lines if reason in each] == lines
    assert len(lines) == 1
    assert lines[0].startswith("MQTT   /  dropped")
    assert "A" * 43 not in lines[0]


def test_a_device_that_signs_with_a_symmetric_key_is_told_so(told: tuple[LocalService, list[str]]) -> None:
    dps, lines = told
    username = "0ne/registrations/device-1/api-version=2019-03-31"
    with over_tls(dps, ()) as line:
        line.send(connect("device-1", username, password="SharedAccessSignature sr=0ne&sig=AAAA&se=1"))
        assert line.packet() == (0x20, b"\x00\x05")
    wait_for(lambda: lines or None)
    assert "CONNACK 5: The device signs with a symmetric key, which this local DPS does not support yet" in lines[0]


def test_the_log_names_a_connected_device_only_if_its_connection_ends_with_an_error(
    told: tuple[LocalService, list[str]], files: Files, who: str
) -> None:
    dps, lines = told
    with over_tls(dps, files).connect(dps, who) as line:
        line.send_in_vain(packet(0xE0))
        assert line.packet() is None
    with over_tls(dps, files).connect(dps, who) as line:
        line.send_in_vain(BAD_LATER["QoS 2"])
        assert line.packet() is None
    wait_for(lambda: lines or None)
    assert len(lines) == 1
    assert lines[0].startswith(f"MQTT   /{dps.connection['id_scope']}/registrations/")
    assert "QoS 2 is not supported." in lines[0]


@pytest.mark.parametrize("endpoint", ["mqtt", "device"])
def test_a_failed_handshake_leaves_one_line(told: tuple[LocalService, list[str]], endpoint: str) -> None:
    dps, lines = told
    with socket.create_connection(address(dps, endpoint), timeout=5) as plain:
        plain.sendall(NO_TLS["an HTTP request"])
        with contextlib.suppress(ConnectionError):
            while plain.recv(1 << 16):
                pass
    wait_for(lambda: lines or None)
    assert len(lines) == 1
    assert lines[0].startswith("TLS    /  dropped")
    assert "handshake failed" in lines[0]


def test_a_keep_alive_counts_packets_and_not_bytes(plant: LocalService, files: Files, who: str) -> None:
    with over_tls(plant, files).connect(plant, who, keep_alive=1) as line:
        assert said_slowly(line, register("device-1")[:40], 0.2) < 20
