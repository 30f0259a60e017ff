"""The local DPS as a process: its connection file, its ports, its log, its start and its end."""

import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509

from helpers.local_dps import CannotStart, RequestRecord, running
from tests.crafting import proof, root
from tests.local_dps.process import PATIENCE, Server
from tests.local_dps.wire import LocalService, group_body, signature, upload_body
from tests.modes import has_mode

FIELDS = {
    "management_endpoint", "service_endpoint", "authority", "tenant_id", "client_id", "client_secret",
    "subscription_id", "resource_group", "provisioning_service", "id_scope", "connection_string", "iot_hubs",
    "ca_file", "pid",
}  # fmt: skip


def walk(dps: LocalService) -> None:
    """Make some requests to each plane, with every kind of credential."""
    uploaded = root()
    dps.upload("ca", uploaded.pem)
    code = dps.generate_code("ca")["properties"]["verificationCode"]
    assert dps.verify("ca", proof(uploaded, "wrong").pem).status == 400
    assert dps.verify("ca", proof(uploaded, code).pem).status == 200
    dps.put_group(group_body("g1", reference="ca"))
    header = signature(dps.host, dps.keys()["primaryKey"])
    assert dps.serve("GET", "/enrollmentGroups/g1", headers={"Authorization": header}).status == 200
    wrong = signature(dps.host, dps.keys()["primaryKey"], policy="nobody")
    assert dps.serve("GET", "/enrollmentGroups/g1", headers={"Authorization": wrong}).status == 401


# --- the connection file ----------------------------------------------------------------------------------------------


def test_the_connection_file_is_private_is_complete_and_is_removed_at_the_end(server: Server) -> None:
    dps = server.start()
    given = dps.connection
    assert has_mode(server.connection_file, 0o600)
    assert set(given) >= FIELDS
    assert given["pid"] == server.process.pid
    for endpoint in ("management_endpoint", "service_endpoint", "authority"):
        assert re.fullmatch(r"https://localhost:\d+", given[endpoint])
    secret = dps.keys()["primaryKey"]
    key = f"SharedAccessKeyName=provisioningserviceowner;SharedAccessKey={secret}"
    assert given["connection_string"] == f"HostName={dps.host};{key}"
    assert given["id_scope"] == dps.manage("GET").json["properties"]["idScope"]
    assert Path(given["ca_file"]).is_absolute()
    assert server.stop() == 0
    assert not server.connection_file.exists()
    assert [file.name for file in server.connection_file.parent.iterdir() if file.name.startswith(".")] == []


@pytest.mark.unix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_gracefully(server: Server, number: int) -> None:
    server.start()
    server.process.send_signal(number)
    assert server.process.wait(PATIENCE) == 0
    assert not server.connection_file.exists()


def test_an_open_connection_does_not_prevent_the_service_from_ending(server: Server) -> None:
    dps = server.start()
    plain = socket.create_connection((dps.address.hostname, dps.address.port))
    with dps.context.wrap_socket(plain, server_hostname="localhost") as open_connection:
        open_connection.sendall(b"PUT /half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 10
    assert not server.connection_file.exists()


def test_a_start_after_a_kill_replaces_the_connection_file_that_was_left(server: Server) -> None:
    first = server.start()
    server.kill()
    assert server.connection_file.exists()
    second = server.start()
    assert second.connection["pid"] != first.connection["pid"]
    assert second.manage("GET").status == 200
    assert has_mode(server.connection_file, 0o600)


def test_a_connection_file_that_another_start_wrote_is_left_alone_at_the_end(server: Server) -> None:
    server.start()
    server.connection_file.write_text('{"pid": 0}')
    assert server.stop() == 0
    assert server.connection_file.read_text() == '{"pid": 0}'


def test_a_connection_file_that_cannot_be_written_is_a_clear_error(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    server.connection_file = tmp_path / "file" / "connection.json"
    assert str(server.connection_file) in server.refused()


def test_the_state_is_private(server: Server) -> None:
    walk(server.start())
    assert has_mode(server.state, 0o700)
    files = {file.name: has_mode(file, 0o600) for file in server.state.iterdir()}
    assert {"dps.sqlite3", "dps.sqlite3-wal"} <= set(files)
    assert set(files.values()) == {True}


# --- ports ------------------------------------------------------------------------------------------------------------


@contextmanager
def taken_port(host: str = "127.0.0.1") -> Iterator[int]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as other:
        yield other.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_taken_port_is_a_clear_error_and_nothing_is_lost(server: Server, host: str) -> None:
    walk(server.start())
    server.stop()
    with taken_port(host) as port:
        said = server.refused("--https-port", str(port))
    assert str(port) in said
    assert "--https-port" in said
    assert not server.connection_file.exists()
    assert server.start().group("g1")["enrollmentGroupId"] == "g1"


def test_a_given_port_is_used_again_and_again(server: Server) -> None:
    with taken_port() as port:
        pass
    for _ in range(2):
        assert server.start("--https-port", str(port)).address.port == port
        server.kill()


def test_a_second_process_on_the_same_state_is_a_clear_error_and_the_first_continues(server: Server) -> None:
    dps = server.start()
    before = server.connection_file.read_bytes()
    assert str(server.state) in server.refused()
    assert server.connection_file.read_bytes() == before
    assert dps.manage("GET").status == 200
    with pytest.raises(CannotStart), running(server.state):
        pass


def listening(pid: int) -> set[tuple[str, int]]:
    """Address and port, in hexadecimal and decimal, of every socket that the process listens on."""
    own = {
        link.readlink().name.removeprefix("socket:[").removesuffix("]")
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if str(link.readlink()).startswith("socket:")
    }
    found = set()
    for table in ("tcp", "tcp6"):
        file = Path(f"/proc/{pid}/net/{table}")
        for line in file.read_text().splitlines()[1:] if file.exists() else ():
            fields = line.split()
            address, port = fields[1].split(":")
            if fields[3] == "0A" and fields[9] in own:
                found.add((address, int(port, 16)))
    return found


@pytest.mark.linux
def test_it_listens_on_loopback_only(server: Server) -> None:
    dps = server.start()
    ends = ("control_endpoint", "device_endpoint", "mqtt_endpoint", "proxy_endpoint")
    ports = {dps.address.port, *(int(dps.connection[end].rpartition(":")[2]) for end in ends)}
    loopback = ("0100007F", "00000000000000000000000001000000")  # 127.0.0.1 and ::1, as Linux writes them
    assert listening(server.process.pid) == {(address, port) for port in ports for address in loopback}
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", dps.address.port), timeout=5).close()


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["127.0.0.1", "::1"])
def test_each_of_its_ports_answers_on_both_loopback_addresses(server: Server, family: socket.AddressFamily) -> None:
    dps = server.start()
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    for end in ("management_endpoint", "control_endpoint", "device_endpoint", "mqtt_endpoint"):
        port = int(dps.connection[end].rpartition(":")[2])
        with (
            socket.create_connection((host, port), timeout=5) as plain,
            dps.context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            assert secured.getpeercert()
    with socket.create_connection((host, int(dps.connection["proxy_endpoint"].rpartition(":")[2])), timeout=5) as proxy:
        proxy.sendall(b"CONNECT localhost:443 HTTP/1.1\r\n\r\n")
        assert proxy.recv(100).startswith(b"HTTP/1.1 200 ")


def test_its_certificate_has_the_names_that_were_asked_for(server: Server) -> None:
    dps = server.start("--host-name", "dps.example", "--host-name", "127.0.0.7")
    for host in ("localhost", "127.0.0.1", "dps.example", "127.0.0.7"):
        plain = socket.create_connection(("127.0.0.1", dps.address.port))
        with dps.context.wrap_socket(plain, server_hostname=host) as secured:
            assert secured.version() in ("TLSv1.2", "TLSv1.3")
    plain = socket.create_connection(("127.0.0.1", dps.address.port))
    with closing(plain), pytest.raises(ssl.SSLCertVerificationError):
        dps.context.wrap_socket(plain, server_hostname="other.example")


def test_a_client_that_verifies_strictly_accepts_it(shared_dps: LocalService) -> None:
    context = ssl.create_default_context(cafile=shared_dps.connection["ca_file"])
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    plain = socket.create_connection(("127.0.0.1", shared_dps.address.port))
    with context.wrap_socket(plain, server_hostname="localhost") as secured:
        assert secured.getpeercert()


def test_a_client_that_does_not_know_its_ca_refuses_it(shared_dps: LocalService) -> None:
    plain = socket.create_connection(("127.0.0.1", shared_dps.address.port))
    with closing(plain), pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")


def test_the_key_of_its_ca_is_nowhere(server: Server) -> None:
    dps = server.start()
    (authority,) = x509.load_pem_x509_certificates(Path(dps.connection["ca_file"]).read_bytes())
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert b"PRIVATE KEY" not in dps.stored_bytes() + server.connection_file.read_bytes()


# --- the end ----------------------------------------------------------------------------------------------------------


def test_it_ends_by_itself_after_idling(server: Server) -> None:
    dps = server.start("--idle-seconds", "1")
    began = time.monotonic()
    for _ in range(5):  # a request now and then keeps it awake
        time.sleep(0.4)
        assert dps.ask_for_token().status == 200
    assert server.process.wait(PATIENCE) == 0
    assert time.monotonic() - began >= 2.9
    assert not server.connection_file.exists()


def test_it_does_not_end_by_itself_unless_told_to(server: Server) -> None:
    server.start()
    with pytest.raises(subprocess.TimeoutExpired):
        server.process.wait(1.5)


# --- the log ----------------------------------------------------------------------------------------------------------


def test_the_log_has_a_line_a_request_and_no_secret(server: Server) -> None:
    dps = server.start()
    walk(dps)
    keys = dps.keys()
    assert dps.ask_for_token(client_secret="wrong-secret-of-somebody").status == 401
    bad = "Bearer misplaced-token-of-somebody"
    assert dps.manage("GET", headers={"Authorization": bad}).status == 401
    target = f"{dps.root}?api-version=2026-11-01&access_token=token-in-the-query"
    assert dps.call("GET", target, headers={"Authorization": bad}).status == 401
    assert server.stop() == 0
    log = server.log.read_text()
    secrets = [
        dps.connection["client_secret"], keys["primaryKey"], keys["secondaryKey"], dps.management_token,
        dps.service_token, "SharedAccessKey=", "wrong-secret-of-somebody", "misplaced-token-of-somebody",
        "token-in-the-query", "sig=", "BEGIN",
    ]  # fmt: skip
    assert [secret for secret in secrets if secret in log] == []
    lines = [line for line in log.splitlines() if "/certificates/ca/verify" in line]
    assert len(lines) == 2
    assert lines[0].startswith("POST ")
    assert "  400  " in lines[0]
    assert "Proof-Of-Possession failed" in lines[0]
    assert "  200  " in lines[1]


def test_a_request_with_any_path_is_one_line_of_the_log(server: Server) -> None:
    dps = server.start()
    dps.call("GET", "/a%0ab%0d%1b[31m/c")
    dps.serve("GET", "/enrollmentGroups/%0aPUT%20/forged%20200")
    server.stop()
    lines = server.log.read_text().splitlines()
    assert len(lines) == 4  # ready, the path, a token, the other path
    assert all(line.isprintable() for line in lines)


def test_a_log_without_a_reader_does_not_affect_the_answers(server: Server) -> None:
    """A notebook that started the service may end before it."""
    dps = server.start(stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert server.process.stdout is not None
    server.process.stdout.close()
    assert dps.management_token
    made = dps.manage("PUT", "/certificates/ca", upload_body(root().pem))
    assert made.status == 200, made.content
    assert dps.certificate("ca") == made.json
    assert server.stop() == 0


def test_an_observer_sees_every_exchange(tmp_path: Path) -> None:
    seen: list[RequestRecord] = []
    with running(tmp_path / "state", observe=seen.append) as connection:
        dps = LocalService(connection, tmp_path / "state")
        assert dps.manage("GET").status == 200
        assert dps.manage("GET", "/certificates/nothing").status == 404
        assert dps.manage("PUT", "/certificates/big", b" " * 300_000).status == 413
    assert [(each.method, each.status) for each in seen] == [("POST", 200), ("GET", 200), ("GET", 404), ("PUT", 413)]
    assert [each.refusal is not None for each in seen[:3]] == [False, False, True]


def test_at_port_443_no_address_names_the_port(server: Server) -> None:
    """The service SDKs for Java, C and Node have no option for a port, and sign the host without one."""
    try:
        socket.create_server(("127.0.0.1", 443)).close()
    except PermissionError:
        pytest.fail("this test needs the right to listen at port 443, as root has it")
    dps = server.start("--https-port", "443")
    given = dps.connection
    assert given["service_endpoint"] == given["management_endpoint"] == given["authority"] == "https://localhost"
    assert given["connection_string"].startswith("HostName=localhost;")
    key = given["connection_string"].partition("SharedAccessKey=")[2]
    dps.address = urlsplit("https://localhost:443")
    for resource in ("localhost", "localhost:443", "https://localhost/enrollmentGroups"):
        headers = {"Authorization": signature(resource, key)}
        assert dps.call("GET", "/enrollmentGroups/none?api-version=2021-10-01", None, headers).status == 404
    assert dps.manage("GET").json["properties"]["serviceOperationsHostName"] == "localhost"
    discovered = dps.call("GET", f"/{given['tenant_id']}/v2.0/.well-known/openid-configuration").json
    assert discovered["token_endpoint"].startswith("https://localhost/")
