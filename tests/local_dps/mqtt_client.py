"""A device that speaks MQTT to a local DPS, over TLS or a websocket, packet by packet."""

import json
import ssl
from typing import Any, Self

import websocket

from tests.local_dps.devices import ROOT, upload
from tests.local_dps.mqtt_packets import connect, packet, publish, subscribe
from tests.local_dps.tls import Files, secured
from tests.local_dps.wire import LocalService, group_body

RESULTS = "$dps/registrations/res/#"
PING, PONG = packet(0xC0), (0xD0, b"")
WEBSOCKET = "/$iothub/websocket"
ENDED = (ConnectionError, ssl.SSLEOFError, websocket.WebSocketConnectionClosedException)


class MqttClient:
    """A device's side of one MQTT connection."""

    def __init__(self, secured: ssl.SSLSocket, socket_over_it: websocket.WebSocket | None = None) -> None:
        self.secured = secured
        self.websocket = socket_over_it
        self._waiting = b""
        self._has_ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.secured.close()

    def send(self, *packets: bytes) -> None:
        data = b"".join(packets)
        if self.websocket:
            self.websocket.send_binary(data)
        else:
            self.secured.sendall(data)

    def send_in_vain(self, *packets: bytes) -> None:
        """Send bytes that the other side may reject before the last of them is sent."""
        try:
            self.send(*packets)
        except ENDED:
            self._has_ended = True  # OpenSSL does not continue after a failed write

    def packet(self) -> tuple[int, bytes] | None:
        """The next packet's first byte and its rest; None at the end of the connection."""
        first = b"" if self._has_ended else self._take(1)
        if not first:
            return None
        length = shift = 0
        while True:
            (byte,) = self._take(1)
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return first[0], self._take(length)

    def answer(self) -> tuple[str, Any]:
        """The topic and the content of a PUBLISH that must come next, at QoS 1."""
        found = self.packet()
        assert found
        assert found[0] == 0x32
        topic, rest = split_topic(found[1])
        return topic, json.loads(rest[2:])

    def connect(self, dps: LocalService, registration: str, **options: Any) -> Self:
        """CONNECT and SUBSCRIBE, both of which must be granted."""
        self.send(connect(registration, username(dps, registration), **options))
        assert self.packet() == (0x20, b"\x00\x00")
        self.send(subscribe(1, (RESULTS, 1)))
        assert self.packet() == (0x90, b"\x00\x01\x01")
        return self

    def _take(self, count: int) -> bytes:
        while len(self._waiting) < count:
            try:
                data = self._receive()
            except ENDED:
                data = b""
            if not data:
                assert not self._waiting, "the connection ended within a packet"
                return b""
            self._waiting += data
        found, self._waiting = self._waiting[:count], self._waiting[count:]
        return found

    def _receive(self) -> bytes:
        if not self.websocket:
            return self.secured.recv(1 << 16)
        opcode, data = self.websocket.recv_data()
        return data if opcode == websocket.ABNF.OPCODE_BINARY else b""


def split_topic(body: bytes) -> tuple[str, bytes]:
    length = int.from_bytes(body[:2], "big")
    return body[2 : 2 + length].decode(), body[2 + length :]


def username(dps: LocalService, registration: str) -> str:
    return f"{dps.connection['id_scope']}/registrations/{registration}/api-version=2019-03-31&ClientVersion=tests"


def over_tls(dps: LocalService, files: Files, tls: ssl.TLSVersion | None = None) -> MqttClient:
    return MqttClient(secured(dps, "mqtt", files, tls))


def over_websocket(dps: LocalService, files: Files, path: str = WEBSOCKET) -> MqttClient:
    stream = secured(dps, "device", files)
    upgraded = websocket.create_connection(f"wss://localhost{path}", socket=stream, subprotocols=["mqtt"])
    assert upgraded.getsubprotocol() == "mqtt"
    return MqttClient(stream, upgraded)


def register_topic(rid: str) -> str:
    return f"$dps/registrations/PUT/iotdps-register/?$rid={rid}"


def poll_topic(rid: str, operation: str) -> str:
    return f"$dps/registrations/GET/iotdps-get-operationstatus/?$rid={rid}&operationId={operation}"


def register(registration: str, rid: str = "1", packet_id: int | None = 2) -> bytes:
    """Send the packets that azure-iot-device sends."""
    body = json.dumps({"payload": None, "registrationId": registration}).encode()
    return publish(register_topic(rid), body, packet_id)


def let_furnish(dps: LocalService) -> LocalService:
    upload(dps, "root", ROOT, True)
    dps.put_group(group_body("group", signing=ROOT.pem))
    return dps


def enter(dps: LocalService, line: MqttClient, registration: str) -> Any:
    """Do a device's whole registration."""
    line.connect(dps, registration)
    line.send(register(registration))
    assert line.packet() == (0x40, b"\x00\x02")
    topic, began = line.answer()
    assert topic == "$dps/registrations/res/202/?$rid=1&retry-after=3"
    assert began == {"operationId": began["operationId"], "status": "assigning"}
    for number in range(3, 10):
        line.send(publish(poll_topic(f"poll-{number}", began["operationId"]), b" ", number))
        assert line.packet() == (0x40, number.to_bytes(2, "big"))
        topic, polled = line.answer()
        if polled["status"] != "assigning":
            assert topic == f"$dps/registrations/res/200/?$rid=poll-{number}"
            assert polled["operationId"] == began["operationId"]
            return polled
        assert topic == f"$dps/registrations/res/202/?$rid=poll-{number}&retry-after=3"
    raise AssertionError("it is never assigned")
