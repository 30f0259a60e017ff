"""The means of the person who runs it: control of faults, the command line, starting over, stopping."""

import contextlib
import re
import signal
import socket
import sqlite3
import ssl
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from helpers.__main__ import app
from helpers.local_dps import Fault, __version__
from tests.crafting import root
from tests.local_dps.faults import MIXED, control, counts, happenings, switch_on
from tests.local_dps.process import PATIENCE, Server
from tests.local_dps.wire import LocalService, group_body, signature

# --- who may ----------------------------------------------------------------------------------------------------------


def test_the_control_interface_has_its_own_port_without_any_plane(dps: LocalService) -> None:
    assert urlsplit(dps.connection["control_endpoint"]).port != dps.address.port
    paths = ("/", "/subscriptions", f"{dps.root}/certificates?api-version=2026-11-01", "/enrollmentGroups/g1")
    assert [dps.control("GET", path).status for path in paths] == [404] * 4
    assert dps.control("POST", "/faults").status == 405
    headers = {"Authorization": f"Bearer {dps.connection['control_token']}"}
    assert dps.call("GET", "/faults", headers=headers).status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
@pytest.mark.parametrize("path", ["/faults", "/nothing"])
def test_the_control_interface_requires_its_token(shared_dps: LocalService, method: str, path: str) -> None:
    given = shared_dps.connection
    own = given["control_token"]
    key = shared_dps.keys()["primaryKey"]
    wrong = {
        "nothing": None,
        "no token": "Bearer ",
        "half": f"Bearer {own[:-1]}",
        "more": f"Bearer {own}x",
        "other letters": f"Bearer {own.swapcase()}",
        "letters beyond ASCII": "Bearer é",
        "another scheme": f"Basic {own}",
        "management token": f"Bearer {shared_dps.management_token}",
        "service token": f"Bearer {shared_dps.service_token}",
        "client secret": f"Bearer {given['client_secret']}",
        "signature": signature(urlsplit(given["control_endpoint"]).netloc, key),
    }
    before = control(shared_dps).json
    replies = {
        kind: shared_dps.control(method, path, headers={"Authorization": token}) for kind, token in wrong.items()
    }
    assert {kind: reply.status for kind, reply in replies.items()} == dict.fromkeys(wrong, 401)
    assert {reply.headers["WWW-Authenticate"] for reply in replies.values()} == {"Bearer"}
    assert not any(own.encode() in reply.content for reply in replies.values())
    assert control(shared_dps).json == before


def test_health_and_the_ca_need_no_credential(shared_dps: LocalService) -> None:
    health = shared_dps.control("GET", "/health", headers={"Authorization": None})
    assert (health.status, health.json) == (200, {"status": "healthy", "version": __version__})
    ca = shared_dps.control("GET", "/ca.pem", headers={"Authorization": None})
    assert (ca.status, ca.headers["Content-Type"]) == (200, "application/x-pem-file")
    assert ca.content == Path(shared_dps.connection["ca_file"]).read_bytes()
    for method in ("PUT", "DELETE", "POST"):
        assert shared_dps.control(method, "/health", headers={"Authorization": None}).status == 401
    assert shared_dps.call("GET", "/ca.pem").status == 404  # only at the control interface


def test_its_token_is_a_bearer_token(shared_dps: LocalService) -> None:
    own = shared_dps.connection["control_token"]
    assert shared_dps.control("GET", "/faults", headers={"Authorization": own}).status == 401
    assert (
        shared_dps.control("GET", "/faults", headers={"Authorization": f"bearer {own}"}).status == 200
    )  # schemes are compared without case


def test_its_token_is_not_valid_for_any_plane(shared_dps: LocalService) -> None:
    own = shared_dps.connection["control_token"]
    headers = {"Authorization": f"Bearer {own}"}
    assert shared_dps.manage("GET", headers=headers).status == 401
    assert shared_dps.serve("GET", "/enrollmentGroups/g1", headers=headers).status == 401
    assert shared_dps.ask_for_token(client_secret=own).status == 401
    signed = signature(shared_dps.host, shared_dps.keys()["primaryKey"], policy=own)
    assert shared_dps.serve("GET", "/enrollmentGroups/g1", headers={"Authorization": signed}).status == 401


def test_its_token_is_new_at_each_start_and_not_in_the_state(server: Server) -> None:
    first = server.start()
    assert first.connection["control_token"].encode() not in first.stored_bytes()
    server.stop()
    second = server.start()
    assert second.connection["control_token"] != first.connection["control_token"]


# --- what it does -----------------------------------------------------------------------------------------------------


def test_faults_are_read_set_and_switched_off(dps: LocalService) -> None:
    dps.upload("ca", root().pem)
    off = control(dps).json
    assert off == {"seed": 0, "rates": {fault.value: 0 for fault in Fault}, "counts": {f.value: 0 for f in Fault}}
    made = control(dps, "PUT", {"rates": {"throttle": 1}, "seed": -5})
    assert made.status == 200
    assert made.json == {**off, "seed": -5, "rates": {**off["rates"], "throttle": 1}}
    assert dps.call("GET", "/").status == 429
    assert control(dps).json == {**made.json, "counts": {**off["counts"], "throttle": 1}}

    # A new setting replaces the previous one, including its counts.
    assert control(dps, "PUT", {"rates": {"unavailable": 1}}).json["rates"] == {**off["rates"], "unavailable": 1}
    assert control(dps).json["counts"] == off["counts"]
    assert dps.call("GET", "/").status == 503

    switched_off = control(dps, "DELETE")
    assert (switched_off.status, switched_off.content) == (204, b"")
    assert control(dps).json == off
    assert dps.call("GET", "/").status == 404
    assert control(dps, "PUT", {}).json == off


def test_no_fault_affects_the_control_interface(dps: LocalService) -> None:
    switch_on(dps, dict.fromkeys((fault.value for fault in Fault if fault is not Fault.SLOW), 1))
    assert {control(dps).status for _ in range(20)} == {200}
    assert counts(dps) == {}
    assert control(dps, "DELETE").status == 204


BAD: dict[str, Any] = {
    "nothing": b"",
    "no JSON": b"throttle=1",
    "cut off": b'{"rates": {"throttle": 1}',
    "an array": [],
    "null": None,
    "endless nesting": b'{"rates":' * 20_000,
    "unknown fault": {"rates": {"throttle": 1, "lightning": 0.1}},
    "another case": {"rates": {"Throttle": 0.1}},
    "rates in a list": {"rates": ["throttle"]},
    "rates of null": {"rates": None},
    "above one": {"rates": {"throttle": 1.01}},
    "below zero": {"rates": {"throttle": -0.01}},
    "text": {"rates": {"throttle": "0.1"}},
    "true": {"rates": {"throttle": True}},
    "null rate": {"rates": {"throttle": None}},
    "NaN": b'{"rates": {"throttle": NaN}}',
    "infinity": b'{"rates": {"throttle": 1e400}}',
    "a number of four hundred digits": b'{"rates": {"throttle": ' + b"9" * 400 + b"}}",
    "a number of ten thousand digits": b'{"rates": {"throttle": ' + b"9" * 10_000 + b"}}",
    "seed of text": {"rates": {}, "seed": "1"},
    "seed of null": {"rates": {}, "seed": None},
    "seed of true": {"rates": {}, "seed": True},
    "half a seed": {"rates": {}, "seed": 0.5},
    "one field more": {"rates": {}, "seeds": 1},
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_body_is_refused_and_changes_nothing(shared_dps: LocalService, kind: str) -> None:
    switch_on(shared_dps, {"throttle": 0.5}, seed=9)
    shared_dps.call("GET", "/")
    before = control(shared_dps).json
    body = BAD[kind]
    reply = control(shared_dps, "PUT", b"null" if kind == "null" else body)
    try:
        assert (reply.status, set(reply.json)) == (400, {"error"})
        assert reply.json["error"]["code"] == "BadRequest"
        assert "throttle" in reply.json["error"]["message"]  # it says what there is
        assert control(shared_dps).json == before
    finally:
        control(shared_dps, "DELETE")


def test_a_body_over_the_limit_is_refused_by_the_control_too(shared_dps: LocalService) -> None:
    reply = control(shared_dps, "PUT", b'{"rates": {}}' + b" " * 300_000)
    assert (reply.status, set(reply.json)) == (413, {"error"})


def test_a_bad_body_does_not_restart_the_faults(dps: LocalService) -> None:
    dps.upload("ca", root().pem)
    assert dps.service_token
    switch_on(dps, MIXED, seed=4)
    whole = happenings(dps, 40)
    switch_on(dps, MIXED, seed=4)
    first = happenings(dps, 20)
    assert control(dps, "PUT", {"rates": {"lightning": 1}}).status == 400
    assert first + happenings(dps, 20) == whole


# --- the command line -------------------------------------------------------------------------------------------------

BAD_OPTIONS = {
    "no rate": "throttle",
    "empty rate": "throttle=",
    "no number": "throttle=often",
    "above one": "throttle=2",
    "below zero": "throttle=-0.1",
    "NaN": "throttle=nan",
    "no name": "=0.1",
    "unknown name": "lightning=0.1",
    "twice": "throttle=0.1=0.2",
}


def assert_tells_of_faults(said: str) -> None:
    text = " ".join(re.sub(r"[│╭╮╰╯─]", " ", said).split())
    assert "name=rate" in text
    assert "drop-answer" in text  # it names what there is
    assert "Traceback" not in text


@pytest.mark.parametrize("kind", BAD_OPTIONS)
def test_an_invalid_fault_on_the_command_line_is_explained(server: Server, kind: str) -> None:
    result = CliRunner().invoke(app, server.command("--fault", BAD_OPTIONS[kind])[3:])
    assert (result.exit_code, result.stdout) == (2, "")
    assert_tells_of_faults(result.stderr)
    assert not server.connection_file.exists()
    assert not server.state.exists()


def test_invalid_options_end_the_process_with_status_2(server: Server) -> None:
    """Both run at once, because each is a process of its own."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    fault, seed = server.launch("--fault", "throttle=often", **pipes), server.launch("--seed", "x", **pipes)
    assert_tells_of_faults(fault.communicate(timeout=PATIENCE)[1].decode())
    assert "--seed" in seed.communicate(timeout=PATIENCE)[1].decode()
    assert (fault.returncode, seed.returncode) == (2, 2)
    assert not server.connection_file.exists()


def test_faults_and_seed_of_the_command_line_hold_from_the_first_request(server: Server) -> None:
    dps = server.start("--fault", "throttle=1", "--fault", "slow=0.25", "--seed", "-3")
    told = control(dps).json
    assert told["seed"] == -3
    assert {name: rate for name, rate in told["rates"].items() if rate} == {"throttle": 1, "slow": 0.25}
    assert dps.call("GET", "/").status in (404, 429)
    assert sum(counts(dps).values()) == 1
    server.stop()
    assert re.search(r"\[fault (throttle|slow): ", server.log.read_text())


def test_only_reset_starts_over(server: Server) -> None:
    def secrets(dps: LocalService) -> list[Any]:
        given = dps.connection
        names = ("tenant_id", "subscription_id", "client_id", "client_secret", "id_scope")
        return [dps.token_key(), dps.keys()["primaryKey"], dps.keys()["secondaryKey"], *(given[name] for name in names)]

    dps = server.start()
    dps.upload("ca", root().pem)
    dps.put_group(group_body("g1", reference="ca"))
    first, token = secrets(dps), dps.management_token
    server.kill()  # with a write-ahead log that belongs to the old state
    dps = server.start()
    assert secrets(dps) == first
    assert (dps.certificate("ca")["name"], dps.group("g1")["enrollmentGroupId"]) == ("ca", "g1")
    server.kill()

    dps = server.start("--reset")
    assert set(map(str, secrets(dps))) & set(map(str, first)) == set()
    assert dps.everything()["certificates"] == {"value": []}
    assert dps.everything()["groups"] == []
    assert dps.manage("GET", headers={"Authorization": f"Bearer {token}"}).status == 401
    renewed = secrets(dps)
    server.stop()
    assert secrets(server.start()) == renewed


def test_reset_is_refused_while_another_process_serves_the_folder(server: Server) -> None:
    dps = server.start()
    dps.upload("ca", root().pem)
    before = dps.everything()
    assert str(server.state) in server.refused("--reset")
    assert dps.everything() == before
    dps.upload("second", root().pem)
    server.stop()
    assert server.start().certificate("second")["name"] == "second"


@pytest.mark.parametrize("version", [1, 99])
def test_the_error_for_a_state_of_another_schema_names_reset_which_works(server: Server, version: int) -> None:
    server.start()
    server.stop()
    with closing(sqlite3.connect(server.state / "dps.sqlite3")) as database:
        database.execute(f"PRAGMA user_version = {version}")
    said = server.refused()
    assert "--reset" in said
    assert f"schema {version}" in said
    assert server.start("--reset").manage("GET").status == 200


def test_a_state_of_the_schema_before_is_read(server: Server) -> None:
    server.start().upload("ca", root().pem)
    server.stop()
    with closing(sqlite3.connect(server.state / "dps.sqlite3")) as database:
        database.execute("DROP TABLE service_port")
        database.execute("PRAGMA user_version = 3")
    for _ in range(2):
        assert server.start().certificate("ca")["name"] == "ca"
        server.stop()


def test_beyond_loopback_it_warns_and_serves_under_its_first_host_name(server: Server) -> None:
    dps = server.start("--bind", "0.0.0.0", "--host-name", "127.0.0.2", "--host-name", "dps.example")
    given = dps.connection
    endpoints = ("management_endpoint", "service_endpoint", "authority", "control_endpoint")
    assert {urlsplit(given[endpoint]).hostname for endpoint in endpoints} == {"127.0.0.2"}
    assert f"HostName={dps.host};" in given["connection_string"]
    assert dps.manage("GET").status == 200  # really at 127.0.0.2
    assert control(dps).status == 200
    signed = signature(dps.host, dps.keys()["primaryKey"])
    assert dps.serve("GET", "/enrollmentGroups/x", headers={"Authorization": signed}).status == 404
    plain = socket.create_connection(("127.0.0.1", dps.address.port))
    with dps.context.wrap_socket(plain, server_hostname="dps.example") as secured:
        assert secured.version()
    server.stop()
    assert re.search(r"^Warning: .*0\.0\.0\.0.*other machines may reach", server.log.read_text(), re.MULTILINE)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.3", "localhost"])
def test_on_loopback_it_does_not_warn(server: Server, address: str) -> None:
    dps = server.start("--bind", address, "--host-name", "dps.example")
    assert dps.address.hostname == "localhost"
    with socket.create_connection((address, dps.address.port)):
        pass
    server.stop()
    assert "Warning" not in server.log.read_text()


# --- the beginning and the end ----------------------------------------------------------------------------------------


def test_it_is_ready_soon(server: Server) -> None:
    for _ in range(2):  # on a new state, and on one that is there
        began = time.monotonic()
        dps = server.start()
        assert dps.call("GET", "/").status == 404
        assert time.monotonic() - began < 20
        server.stop()


@pytest.mark.unix
def test_a_request_in_flight_is_answered_before_the_end_in_spite_of_idle_connections(server: Server) -> None:
    dps = server.start()
    switch_on(dps, {"slow": 1})
    with contextlib.ExitStack() as stack:

        def connect() -> ssl.SSLSocket:
            plain = socket.create_connection((dps.address.hostname, dps.address.port), timeout=PATIENCE)
            return stack.enter_context(dps.context.wrap_socket(plain, server_hostname="localhost"))

        silent, idle, busy = connect(), connect(), connect()
        head = f"GET / HTTP/1.1\r\nHost: {dps.host}\r\n"
        idle.sendall(f"{head}\r\n".encode())
        assert idle.recv(4096).startswith(b"HTTP/1.1 404 ")
        busy.sendall(f"{head}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n".encode())
        assert busy.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"  # so it is being answered from here on
        busy.sendall(b"{}")
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert busy.recv(4096).startswith(b"HTTP/1.1 404 ")
        assert server.process.wait(PATIENCE) == 0
        assert time.monotonic() - began < 20
        assert silent.fileno() > 0
    assert not server.connection_file.exists()
    assert "Traceback" not in server.log.read_text()


@pytest.mark.unix
def test_a_write_that_was_answered_at_the_end_is_stored(server: Server, tmp_path: Path) -> None:
    dps = server.start()
    made = dps.put_group(group_body("g1", signing=root().pem))
    server.stop()
    assert server.start().group("g1") == made
