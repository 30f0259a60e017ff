"""The proxy to the device plane: Azure's name and fixed ports lead to this local DPS, and nothing else does."""

import contextlib
import http.client
import json
import logging
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import websocket

from helpers.local_dps import running
from helpers.local_dps.net import proxy
from tests.crafting import leaf
from tests.local_dps.devices import ROOT, VERSION, write_chain
from tests.local_dps.mqtt_client import PING, PONG, WEBSOCKET, MqttClient, enter, let_furnish
from tests.local_dps.mqtt_packets import packet
from tests.local_dps.process import Server, open_descriptors, wait_for
from tests.local_dps.tls import Files, address, client_context
from tests.local_dps.wire import LocalService

AZURE = "global.azure-devices-provisioning.net"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
WHO = "device-1"


@pytest.fixture(scope="module")
def plant(shared_dps: LocalService) -> LocalService:
    return let_furnish(shared_dps)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return write_chain(tmp_path, leaf(ROOT, WHO))


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.WARNING)
    yield
    assert [record.getMessage() for record in caplog.get_records("call")] == []


def dial(dps: LocalService) -> socket.socket:
    return socket.create_connection(address(dps, "proxy"), timeout=10)


def read_all(plain: socket.socket) -> bytes:
    """Read until the other side ends the connection."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while data := plain.recv(1 << 16):
            found += data
    return found


def tunnel(dps: LocalService, port: int) -> socket.socket:
    plain = dial(dps)
    target = f"{AZURE}:{port}"
    plain.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    assert plain.recv(len(ESTABLISHED), socket.MSG_WAITALL) == ESTABLISHED
    return plain


def secured(dps: LocalService, port: int, files: Files) -> ssl.SSLSocket:
    """TLS through the tunnel; the certificate must be for Azure's own name."""
    return client_context(dps, files).wrap_socket(tunnel(dps, port), server_hostname=AZURE)


def test_mqtt_is_behind_azures_name_and_port(plant: LocalService, files: Files) -> None:
    with MqttClient(secured(plant, 8883, files)) as line:
        assert enter(plant, line, WHO)["status"] == "assigned"
        line.send(packet(0xE0))
        assert line.packet() is None


def test_https_is_behind_azures_name_and_port(plant: LocalService, files: Files) -> None:
    with secured(plant, 443, files) as stream:
        body = json.dumps({"registrationId": WHO}).encode()
        path = f"/{plant.connection['id_scope']}/registrations/{WHO}/register?api-version={VERSION}"
        head = f"PUT {path} HTTP/1.1\r\nHost: {AZURE}\r\nContent-Length: {len(body)}\r\n\r\n"
        stream.sendall(head.encode() + body)
        answer = http.client.HTTPResponse(stream)
        answer.begin()
        assert (answer.status, json.loads(answer.read())["status"]) == (202, "assigning")


def test_mqtt_over_a_websocket_is_behind_azures_name_and_port(plant: LocalService, files: Files) -> None:
    stream = secured(plant, 443, files)
    upgraded = websocket.create_connection(f"wss://{AZURE}{WEBSOCKET}", socket=stream, subprotocols=["mqtt"])
    with MqttClient(stream, upgraded) as line:
        assert enter(plant, line, WHO)["status"] == "assigned"


def test_bytes_that_arrive_together_with_the_head_go_through_the_tunnel(plant: LocalService, files: Files) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context(plant, files).wrap_bio(incoming, outgoing, server_hostname=AZURE)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    with dial(plant) as plain:
        plain.sendall(f"CONNECT {AZURE}:8883 HTTP/1.1\r\n\r\n".encode() + outgoing.read())
        assert plain.recv(len(ESTABLISHED), socket.MSG_WAITALL) == ESTABLISHED
        assert plain.recv(2, socket.MSG_WAITALL) == b"\x16\x03"  # the server's part of the handshake


def test_a_refusal_leaves_a_line_in_the_log(tmp_path: Path) -> None:
    lines: list[str] = []
    with running(tmp_path / "state", observe=lambda exchange: lines.append(exchange.line())) as connection:
        for head in (f"CONNECT {AZURE}:5671 HTTP/1.1", "GET / HTTP/1.1"):
            with dial(LocalService(connection, tmp_path / "state")) as plain:
                plain.sendall(f"{head}\r\n\r\n".encode())
                assert plain.recv(100).startswith(b"HTTP/1.1 403 ")
    assert [line.split("  ")[0] for line in lines] == [f"CONNECT {AZURE}:5671", "CONNECT ?"]
    assert all("403" in line and "443, 8883" in line and "AMQP is not supported" in line for line in lines)


REFUSED = {
    "another port": f"CONNECT {AZURE}:80",
    "the port of SSH": "CONNECT localhost:22",
    "no port": f"CONNECT {AZURE}",
    "port 0": f"CONNECT {AZURE}:0",
    "a port that is none": f"CONNECT {AZURE}:99999",
    "a port with a sign": f"CONNECT {AZURE}:+443",
    "a port in other digits": f"CONNECT {AZURE}:٤٤٣",
    "no host": "CONNECT :443",
    "a path": f"CONNECT {AZURE}:443/",
    "a URL": f"CONNECT https://{AZURE}:443",
    "GET": f"GET http://{AZURE}:443/",
    "POST": f"POST {AZURE}:443",
    "connect in lower case": f"connect {AZURE}:443",
    "nothing": "",
    "garbage": "\x00\x01\x02",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_nothing_else_is_behind_it(plant: LocalService, kind: str) -> None:
    with dial(plant) as plain:
        plain.sendall(f"{REFUSED[kind]} HTTP/1.1\r\n\r\n".encode())
        assert read_all(plain).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("version", ["HTTP/2", "HTTP/1.1 ", "", "HTTP/1.2"])
def test_another_version_is_refused(plant: LocalService, version: str) -> None:
    with dial(plant) as plain:
        plain.sendall(f"CONNECT {AZURE}:443 {version}\r\n\r\n".encode())
        assert read_all(plain).startswith(b"HTTP/1.1 403 ")


def test_the_services_own_port_is_not_behind_it(plant: LocalService) -> None:
    for endpoint in ("device", "mqtt", "proxy"):
        with dial(plant) as plain:
            plain.sendall(f"CONNECT localhost:{address(plant, endpoint)[1]} HTTP/1.1\r\n\r\n".encode())
            assert read_all(plain).startswith(b"HTTP/1.1 403 ")


def test_a_connection_with_an_endless_head_is_closed(plant: LocalService) -> None:
    with dial(plant) as plain:
        with contextlib.suppress(ConnectionError):
            plain.sendall(b"CONNECT " + b"x" * 1_000_000)
        assert b" 200 " not in read_all(plain)


def test_a_head_that_is_larger_than_the_limit_opens_no_tunnel(plant: LocalService) -> None:
    with dial(plant) as plain:
        head = f"CONNECT {AZURE}:443 HTTP/1.1\r\nX: {'x' * proxy.MAX_HEAD_BYTES}\r\n\r\n"
        with contextlib.suppress(ConnectionError):
            plain.sendall(head.encode())
        plain.settimeout(2)
        assert plain.recv(1000)[:12] in (b"", b"HTTP/1.1 403", b"HTTP/1.1 431")


def test_a_silent_client_is_disconnected(plant: LocalService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "_MAX_HEAD_SECONDS", 0.2)
    with dial(plant) as plain:
        assert read_all(plain) == b""


# --- the end of a tunnel ---


@pytest.mark.unix
@pytest.mark.parametrize("port", [443, 8883])
def test_a_tunnel_ends_when_its_client_stops_sending(plant: LocalService, files: Files, port: int) -> None:
    before = open_descriptors()
    with tunnel(plant, port) as plain:
        plain.shutdown(socket.SHUT_WR)
        assert read_all(plain) == b""
    with MqttClient(secured(plant, 8883, files)) as line:
        line.connect(plant, WHO)
        line.secured.shutdown(socket.SHUT_WR)
        line.secured.close()
    wait_for(lambda: open_descriptors() <= before or None)


@pytest.mark.unix
def test_a_tunnel_ends_with_the_connection_behind_it(plant: LocalService) -> None:
    before = open_descriptors()
    with tunnel(plant, 8883) as plain:
        plain.sendall(b"\xff" * 100)
        read_all(plain)
    wait_for(lambda: open_descriptors() <= before or None)


@pytest.mark.unix
def test_a_client_that_resets_its_tunnel_disturbs_no_other(plant: LocalService, files: Files) -> None:
    before = open_descriptors()
    with MqttClient(secured(plant, 8883, files)) as line:
        line.connect(plant, WHO)
        for _ in range(20):
            other = tunnel(plant, 8883)
            other.sendall(b"\x16\x03\x01")
            other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            other.close()
        line.send(PING)
        assert line.packet() == PONG
    wait_for(lambda: open_descriptors() <= before or None)


# --- where it listens ---


def test_it_listens_on_loopback_though_the_rest_listens_everywhere(server: Server) -> None:
    """The proxy gives access without knowing a name or a port of this DPS, so only this machine may reach it."""
    dps = server.start("--bind", "0.0.0.0")
    tunnel(dps, 443).close()
    socket.create_connection(("127.0.0.2", address(dps, "device")[1]), timeout=5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", address(dps, "proxy")[1]), timeout=5).close()


def test_it_leads_to_the_device_plane_wherever_that_listens(server: Server, tmp_path: Path) -> None:
    dps = server.start("--bind", "127.0.0.2")
    with MqttClient(secured(dps, 8883, write_chain(tmp_path, leaf(ROOT, WHO)))) as line:
        line.connect(dps, WHO)
