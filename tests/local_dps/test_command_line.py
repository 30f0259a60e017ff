"""The command `local-dps`: its log, its options, and its output for scripts."""

import errno
import json
import os
import socket
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from helpers.local_dps import RequestRecord, __version__
from helpers.local_dps.command_line import main
from helpers.local_dps.command_line.request_log import RequestLog
from helpers.local_dps.command_line.serve import _allow_many_connections
from tests.local_dps.devices import Device
from tests.local_dps.process import Server
from tests.modes import has_mode

if sys.platform != "win32":
    import resource

# --- the log ----------------------------------------------------------------------------------------------------------


def exchange(path: str) -> RequestRecord:
    return RequestRecord("GET", path, "", {}, b"", 200, 0.0)


def write(log: Any, path: str, output: Path) -> str:
    """Log a request with standard output in a file, and return the file's content."""
    log._waiting.append(exchange(path))
    with output.open("a") as file, redirect_stdout(file):
        log.flush()
    return output.read_text()


def failing(error: OSError) -> Callable[..., int]:
    def fail(*_: object) -> int:
        raise error

    return fail


def test_a_log_that_is_too_long_starts_again(tmp_path: Path) -> None:
    log, output = RequestLog(megabytes=1), tmp_path / "log.txt"
    write(log, "/written", output)
    output.write_bytes(output.read_bytes() + b"x" * (2 << 20))
    first, second = write(log, "/second", output).splitlines()
    assert "earlier lines were deleted" in first
    assert "/second" in second


def test_a_log_that_starts_again_has_no_hole(tmp_path: Path) -> None:
    """Its file may not be open for appending."""
    log, output = RequestLog(megabytes=1), tmp_path / "log.txt"
    with output.open("w") as file, redirect_stdout(file):
        file.write("x" * (2 << 20))
        file.flush()
        log._waiting.append(exchange("/second"))
        log.flush()
    assert b"\0" not in output.read_bytes()
    assert "/second" in output.read_text()


def test_the_log_continues_after_a_full_disk_and_ends_when_its_reader_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, output = RequestLog(), tmp_path / "log.txt"
    with monkeypatch.context() as full:
        full.setattr(os, "write", failing(OSError(errno.ENOSPC, "No space left on device")))
        assert write(log, "/lost", output) == ""
    first = write(log, "/written", output)
    assert "/written" in first
    with monkeypatch.context() as gone:
        gone.setattr(os, "write", failing(BrokenPipeError()))
        write(log, "/unread", output)
    assert write(log, "/later", output) == first


@pytest.mark.unix
def test_as_many_files_as_the_system_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS reports no limit, but refuses to set none."""
    asked: list[int] = []

    def refuse_no_limit(_: int, limits: tuple[int, int]) -> None:
        asked.append(limits[0])
        if limits[0] == resource.RLIM_INFINITY:
            raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse_no_limit)
    _allow_many_connections()
    assert asked == [resource.RLIM_INFINITY, 10_240]


# --- what it tells ----------------------------------------------------------------------------------------------------


def run(*arguments: str | Path) -> int:
    """Run the command in this process, and return its exit status."""
    try:
        return main([str(each) for each in arguments])
    except SystemExit as ended:  # from argparse
        return int(ended.code or 0)


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"local-dps {__version__}\n"


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("--https-port", "65536", "'65536' is not a whole number from 0 to 65535."),
        ("--control-port", "1.5", "'1.5' is not a whole number from 0 to 65535."),
        ("--idle-seconds", "0", "'0' is not a number of at least 1."),
        ("--idle-seconds", "inf", "'inf' is not a number of at least 1."),
        ("--retry-after", "3601", "'3601' is not a whole number from 0 to 3600."),
        ("--latency", "hub", "Write a latency as hub=milliseconds."),
        ("--fault", "earthquake=1", "There is no fault 'earthquake'."),
    ],
)
def test_a_wrong_option_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, reason: str
) -> None:
    assert run("serve", "--connection-file", tmp_path / "dps.json", option, value) == 2
    assert reason in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_env_prints_what_the_connection_file_says(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    dps = server.start()
    assert run("env", "--connection-file", server.connection_file) == 0
    told = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    assert told.pop("LOCAL_DPS_IOT_HUBS") == ",".join(dps.connection["iot_hubs"])
    expected = {name: value for name, value in dps.connection.items() if name not in ("iot_hubs", "pid")}
    assert told == {f"LOCAL_DPS_{name.upper()}": value for name, value in expected.items()}


@pytest.mark.parametrize("command", [("env",), ("device", "pump-1")])
def test_without_a_local_dps_it_waits_and_then_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    assert run(*command, "--connection-file", tmp_path / "dps.json", "--wait", "0.1") == 1
    assert capsys.readouterr().err == (
        f"There is no connection file {tmp_path / 'dps.json'}. Start one with local-dps serve, or name its connection file "
        "with --connection-file.\n"
    )


def test_a_connection_file_of_a_stopped_local_dps_is_told_from_none(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.start()
    server.kill()
    assert run("env", "--connection-file", server.connection_file, "--wait", "0.1") == 1
    assert f"The local DPS that wrote {server.connection_file} does not answer." in capsys.readouterr().err


def test_a_file_that_is_no_connection_file_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dps.json").write_text('{"management_endpoint": "https://localhost:1"}')
    assert run("env", "--connection-file", tmp_path / "dps.json") == 1
    assert "is not the connection file of a local DPS" in capsys.readouterr().err


def test_device_makes_a_device_that_is_accepted(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    dps = server.start("--retry-after", "0")
    for registration in ("pump-1", "pump-1", "pump-2"):  # the same device again gets a new key
        assert run("device", registration, "--connection-file", server.connection_file) == 0
        told = json.loads(capsys.readouterr().out)
        chain, private = Path(told["chain_file"]), Path(told["key_file"])
        assert has_mode(private, 0o600)
        assert "PRIVATE" not in json.dumps(told)
        device = Device(dps, registration, (chain, private))
        assert told["device_endpoint"] == dps.connection["device_endpoint"]
        assert device.outcome()["status"] == "assigned"


@pytest.mark.parametrize("registration", ["", "../pump", "a:b", "-pump", "pump-", "x" * 129])
def test_device_refuses_what_can_be_no_file_name_or_registration_id(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], registration: str
) -> None:
    assert run("device", f"--connection-file={tmp_path / 'dps.json'}", "--", registration) == 2
    assert "is not a registration id" in capsys.readouterr().err


# --- where it is ------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_each_port_can_be_fixed(server: Server) -> None:
    ports = {name: free_port() for name in ("https", "device", "mqtts", "proxy", "control")}
    dps = server.start(*(text for name, port in ports.items() for text in (f"--{name}-port", str(port))))
    fields = ("management_endpoint", "device_endpoint", "mqtt_endpoint", "proxy_endpoint", "control_endpoint")
    assert [int(dps.connection[field].rpartition(":")[2]) for field in fields] == list(ports.values())


def test_the_data_may_be_in_memory(server: Server) -> None:
    first = server.start("--in-memory")
    assert first.manage("GET").status == 200
    assert server.stop() == 0
    assert not list(server.state.glob("*.sqlite3*"))
    second = server.start("--in-memory")
    assert second.connection["id_scope"] != first.connection["id_scope"]


def test_a_state_on_the_disk_outlives_a_start_in_memory(server: Server) -> None:
    stored = server.start().connection["id_scope"]
    server.stop()
    assert server.start("--in-memory", "--reset").connection["id_scope"] != stored
    server.stop()
    assert server.start().connection["id_scope"] == stored


def test_the_folder_of_the_connection_file_is_created(server: Server) -> None:
    """By default it is a folder of the user's that nothing else may have created."""
    server.connection_file = server.connection_file.parent / "new" / "folder" / "dps.json"
    server.start()
    assert has_mode(server.connection_file.parent, 0o700)
