"""Devices that use little CPU time: each has its own connection, and sends plain bytes over the standard library's TLS."""

import json
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from helpers.certificates import DeviceCredential
from tests.local_dps.mqtt_packets import connect, packet, publish, subscribe
from tests.local_dps.wire import LocalService

__all__ = ["Device", "everyone", "over_https", "over_mqtt", "shake_hands"]

AT_ONCE = 32
_VERSION = "api-version=2019-03-31"
_RESULTS = "$dps/registrations/res/"
_PATIENCE = 30.0


class Device:
    """A device, and the connection that it opens again and again."""

    def __init__(self, credential: DeviceCredential, authority: str) -> None:
        self.name = credential.registration_id
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.load_verify_locations(cadata=authority)
        self._context.load_cert_chain(credential.chain_file, credential.key_file)

    @contextmanager
    def connected(self, port: int) -> Iterator[ssl.SSLSocket]:
        """A new connection, and so a whole handshake with the device's certificate."""
        plain = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._context.wrap_socket(plain, server_hostname="localhost") as secured:
            yield secured


def everyone(devices: Sequence[Device], errand: Callable[[Device], None]) -> None:
    """Let every device do the same task, `AT_ONCE` of them at the same time. The first error is raised."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(errand, devices):
            pass


def shake_hands(port: int, device: Device) -> None:
    """Make a handshake, and close the connection."""
    with device.connected(port):
        pass


def over_https(dps: LocalService, device: Device) -> None:
    """Register, and poll once."""
    own = f"/{dps.connection['id_scope']}/registrations/{device.name}"
    with device.connected(_port(dps, "device")) as line:
        body = json.dumps({"registrationId": device.name}).encode()
        began = _ask(line, f"PUT {own}/register", body, b"HTTP/1.1 202 ")
        outcome = _ask(line, f"GET {own}/operations/{began['operationId']}", b"", b"HTTP/1.1 200 ")
    assert outcome["status"] == "assigned", outcome


def over_mqtt(dps: LocalService, device: Device) -> None:
    """CONNECT, SUBSCRIBE, register and poll, as Azure's device SDK does it, but at once."""
    username = f"{dps.connection['id_scope']}/registrations/{device.name}/{_VERSION}&ClientVersion=bench"
    with device.connected(_port(dps, "mqtt")) as line:
        packets = _packets(line)
        line.sendall(connect(device.name, username))
        assert next(packets) == (0x20, b"\x00\x00")
        line.sendall(subscribe(1, (f"{_RESULTS}#", 1)))
        assert next(packets) == (0x90, b"\x00\x01\x01")
        body = json.dumps({"payload": None, "registrationId": device.name}).encode()
        line.sendall(publish("$dps/registrations/PUT/iotdps-register/?$rid=a", body, 2))
        operation = _answer(line, packets, "202")["operationId"]
        poll = f"$dps/registrations/GET/iotdps-get-operationstatus/?$rid=b&operationId={operation}"
        line.sendall(publish(poll, b" ", 3))
        outcome = _answer(line, packets, "200")
        line.sendall(packet(0xE0))
    assert outcome["status"] == "assigned", outcome


def _ask(line: ssl.SSLSocket, what: str, body: bytes, expected: bytes) -> dict[str, str]:
    line.sendall(
        f"{what}?{_VERSION} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    got, head, length = b"", b"", 0
    while not head or len(got) - len(head) < length:
        got += _some(line)
        if not head and b"\r\n\r\n" in got:
            head = got.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    if not got.startswith(expected):
        raise RuntimeError(f"The local DPS refused: {got!r}")
    return json.loads(got[len(head) :])  # type: ignore[no-any-return]


def _packets(line: ssl.SSLSocket) -> Iterator[tuple[int, bytes]]:
    """Yield MQTT packets as they arrive: the first byte, and the rest."""
    got = b""
    while True:
        while len(got) < 2 or (got[1] & 0x80 and len(got) < 3):
            got += _some(line)
        start, length = (3, (got[1] & 0x7F) + (got[2] << 7)) if got[1] & 0x80 else (2, got[1])  # up to 16 KiB
        while len(got) < start + length:
            got += _some(line)
        yield got[0], got[start : start + length]
        got = got[start + length :]


def _answer(line: ssl.SSLSocket, packets: Iterator[tuple[int, bytes]], status: str) -> dict[str, str]:
    """Return the content of the next PUBLISH, after both the client's own PUBLISH and this one are acknowledged."""
    first, _ = next(packets)
    assert first == 0x40
    first, body = next(packets)
    length = int.from_bytes(body[:2], "big")
    if first != 0x32 or not body[2:].startswith(f"{_RESULTS}{status}/".encode()):
        raise RuntimeError(f"The local DPS refused: {body!r}")
    line.sendall(packet(0x40, body[2 + length : 4 + length]))
    return json.loads(body[4 + length :])  # type: ignore[no-any-return]


def _some(line: ssl.SSLSocket) -> bytes:
    data = line.recv(1 << 16)
    if not data:
        raise RuntimeError("The local DPS hung up.")
    return data


def _port(dps: LocalService, plane: str) -> int:
    return int(dps.connection[f"{plane}_endpoint"].rpartition(":")[2])
