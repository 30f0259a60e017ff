"""The process of the local DPS: started once, shared, stopped, and not confused with an unknown process."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from filelock import FileLock, Timeout

from helpers.certificates import CertificateAuthority, certificate_pem
from helpers.dps import connect_local, local_process, start_local_dps, stop_local_dps
from helpers.local_dps import running
from helpers.problem import Problem
from tests.local_dps.process import wait_for
from tests.modes import has_mode


class Place:
    """A workspace's folder for its local DPS. All processes started there are killed at the end, even if the test fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pids: set[int] = set()

    def start(self) -> dict[str, Any]:
        connection: dict[str, Any] = json.loads(start_local_dps(self.folder).read_text())
        self.pids.add(connection["pid"])
        return connection

    def kill(self, pid: int) -> None:
        """Kill the process and, because this process is its parent, reap it."""
        with suppress(OSError):
            os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
            if sys.platform != "win32":
                os.waitpid(pid, 0)
        self.pids.discard(pid)

    def is_served(self) -> bool:
        """Whether a process uses the state."""
        try:
            with FileLock(self.folder / "state" / "lock", blocking=False, preserve_lock_file=True):
                return False
        except Timeout:
            return True


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "local-dps")
    yield made
    for file in tmp_path.rglob("connection.json"):  # a process may have been started even if the start then failed
        with suppress(ValueError, TypeError, KeyError, RecursionError):
            made.pids.add(json.loads(file.read_text())["pid"])
    for pid in made.pids - {os.getpid()}:
        made.kill(pid)


def test_it_is_started_once_found_again_and_stopped(place: Place) -> None:
    connection = place.start()
    assert place.start() == connection
    file = place.folder / "connection.json"
    assert has_mode(file, 0o600)
    assert has_mode(place.folder / "log.txt", 0o600)
    service = connect_local(file)
    assert service.describe().name == connection["provisioning_service"]
    service.close()
    assert stop_local_dps(place.folder)
    assert "GET" in (place.folder / "log.txt").read_text()
    assert not file.exists()
    assert not stop_local_dps(place.folder)


def test_stopping_returns_false_where_nothing_was_started(tmp_path: Path) -> None:
    assert not stop_local_dps(tmp_path / "nothing")


def test_threads_that_start_at_once_share_one_process(place: Place) -> None:
    gate = threading.Barrier(3)

    def start(_: int) -> int:
        gate.wait()
        return int(place.start()["pid"])

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(start, range(3)))) == 1


def test_processes_that_start_at_once_share_one_process(place: Place) -> None:
    code = "import sys; from pathlib import Path; from helpers.dps import start_local_dps; "
    code += "print(start_local_dps(Path(sys.argv[1])).read_text())"
    command = [sys.executable, "-c", code, str(place.folder)]
    starters = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    pids = [json.loads(starter.communicate(timeout=40)[0])["pid"] for starter in starters]
    place.pids |= set(pids)
    assert len(set(pids)) == 1
    assert place.start()["pid"] == pids[0]  # it outlives the process that started it
    assert stop_local_dps(place.folder)


def test_after_a_kill_it_is_started_again_on_the_same_state(place: Place, ca: CertificateAuthority) -> None:
    before = place.start()
    service = connect_local(place.folder / "connection.json")
    registered = service.certificates.upload("factory", certificate_pem(ca.certificate))
    service.close()
    place.kill(before["pid"])
    assert (place.folder / "connection.json").exists()

    after = place.start()
    assert after["pid"] != before["pid"]
    assert after["id_scope"] == before["id_scope"]
    service = connect_local(place.folder / "connection.json")
    assert service.certificates.list() == [registered]
    service.close()


def test_once_it_is_stopped_the_state_is_unlocked_even_if_a_request_was_half_sent(place: Place) -> None:
    connection = place.start()
    endpoint = urlsplit(connection["management_endpoint"])
    context = ssl.create_default_context(cafile=connection["ca_file"])
    with (
        socket.create_connection((endpoint.hostname, endpoint.port)) as raw,
        context.wrap_socket(raw, server_hostname=endpoint.hostname) as line,
    ):
        line.sendall(b"POST /enrollmentGroups/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")
        assert stop_local_dps(place.folder)
        assert not place.is_served()
        assert place.start()["pid"] != connection["pid"]


def test_a_start_that_fails_quotes_the_log(place: Place) -> None:
    place.folder.mkdir()
    (place.folder / "state").write_text("a file, where a folder should be")
    (place.folder / "log.txt").write_text("an older line\n")
    with pytest.raises(Problem, match="did not start") as caught:
        place.start()
    said = (place.folder / "log.txt").read_text().removeprefix("an older line\n")
    assert caught.value.why == said.strip()
    assert "can't be used" in said


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"management_endpoint": 5, "ca_file": 5}',
        '{"management_endpoint": "https://localhost:port", "ca_file": "ca.pem"}',
        "[" * 100_000,
    ],
    ids=["empty", "list", "numbers", "bad port", "deep"],
)
def test_a_garbled_connection_file_is_replaced(place: Place, content: str) -> None:
    place.folder.mkdir()
    (place.folder / "connection.json").write_text(content)
    assert not stop_local_dps(place.folder)
    assert place.start()["pid"]


@pytest.mark.parametrize("content", [None, "", '{"pid": ', '{"pid": 1}', "[]"])
def test_the_damaged_connection_file_of_a_running_process_is_written_again(place: Place, content: str | None) -> None:
    before = place.start()
    file = place.folder / "connection.json"
    file.unlink() if content is None else file.write_text(content)
    after = place.start()
    assert after["id_scope"] == before["id_scope"], "the same state"
    connect_local(file).describe()
    file.write_text("damaged again")
    assert stop_local_dps(place.folder), "the process is found without the file"
    assert not place.is_served()


@pytest.mark.unix
def test_a_suspended_process_is_named_and_continues_later(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    before = place.start()
    content = (place.folder / "connection.json").read_bytes()
    os.kill(before["pid"], signal.SIGSTOP)
    for act in (place.start, lambda: stop_local_dps(place.folder)):
        with monkeypatch.context() as impatient:
            impatient.setattr(local_process, "_MAX_WAIT_SECONDS", 1.0)
            impatient.setattr(local_process, "_MAX_ANSWER_SECONDS", 0.2)
            with pytest.raises(Problem, match="does not answer") as caught:
                act()
        assert f"kill -CONT {before['pid']}" in caught.value.next_step
        assert (place.folder / "connection.json").read_bytes() == content, "nothing is deleted"
    os.kill(before["pid"], signal.SIGCONT)
    wait_for(lambda: None if place.is_served() else True)  # it received SIGTERM while it was suspended
    after = place.start()
    assert after["id_scope"] == before["id_scope"]


@pytest.mark.unix
def test_a_process_that_is_killed_as_on_windows_leaves_nothing_but_its_state(
    place: Place, ca: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = place.start()
    service = connect_local(place.folder / "connection.json")
    registered = service.certificates.upload("factory", certificate_pem(ca.certificate))
    service.close()
    with monkeypatch.context() as windows:
        windows.setattr(signal, "SIGTERM", signal.SIGKILL)
        assert stop_local_dps(place.folder)
    assert not (place.folder / "connection.json").exists()
    assert not stop_local_dps(place.folder)
    assert place.start()["id_scope"] == before["id_scope"]
    service = connect_local(place.folder / "connection.json")
    assert service.certificates.list() == [registered]
    service.close()


def test_the_way_out_is_one_that_the_system_has(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for platform, told in (("linux", "kill -KILL 5"), ("darwin", "kill -KILL 5"), ("win32", "taskkill /F /PID 5")):
        monkeypatch.setattr(sys, "platform", platform)
        assert told in local_process._remedy(5)


@pytest.mark.unix
def test_a_slow_process_is_waited_for(place: Place) -> None:
    before = place.start()
    os.kill(before["pid"], signal.SIGSTOP)
    timer = threading.Timer(1.0, os.kill, (before["pid"], signal.SIGCONT))
    timer.start()
    assert place.start() == before
    timer.join()


@pytest.mark.linux
def test_no_module_in_the_workspace_is_imported_and_no_secret_is_passed_on(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workspace from another person may contain a `typer.py`, or a package `helpers`."""
    place.folder.mkdir()
    for trap in ("typer.py", "helpers/__init__.py", "sitecustomize.py", "aiohttp.py"):
        (place.folder / trap).parent.mkdir(exist_ok=True)
        (place.folder / trap).write_text(f"open({str(tmp_path / 'caught')!r}, 'w')\n")
    monkeypatch.setenv("CA_PASSPHRASE", "correct horse")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "battery staple")
    monkeypatch.chdir(place.folder)
    pid = place.start()["pid"]
    assert not (tmp_path / "caught").exists()
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"PATH=" in environment
    assert b"correct horse" not in environment
    assert b"battery staple" not in environment
    assert Path(f"/proc/{pid}/cwd").resolve() == Path("/")


def test_a_relative_folder_works(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.folder.parent)
    place.folder = Path("local-dps")
    assert place.start()["pid"]


# --- unknown processes ---


@pytest.fixture
def other_dps(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A TLS server with its own CA."""
    with running(tmp_path / "other") as connection:
        yield dict(connection)


@pytest.fixture
def silent_port() -> Iterator[str]:
    """A port that accepts connections and closes them, without TLS."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    server.accept()[0].close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://localhost:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


UnknownProcess = Callable[[pytest.FixtureRequest], str]
UNKNOWN_PROCESSES: dict[str, UnknownProcess] = {
    "another CA": lambda request: request.getfixturevalue("other_dps")["management_endpoint"],
    "no TLS": lambda request: request.getfixturevalue("silent_port"),
}


@pytest.mark.parametrize("unknown_process", UNKNOWN_PROCESSES.values(), ids=UNKNOWN_PROCESSES)
def test_an_unknown_process_on_the_port_is_neither_trusted_nor_stopped(
    place: Place, request: pytest.FixtureRequest, unknown_process: UnknownProcess
) -> None:
    killed = place.start()
    place.kill(killed["pid"])
    endpoint = unknown_process(request)
    file = place.folder / "connection.json"
    file.write_text(json.dumps({**killed, "management_endpoint": endpoint, "pid": os.getpid()}))
    assert not stop_local_dps(place.folder)
    connection = place.start()
    assert connection["management_endpoint"] != endpoint
    assert connection["pid"] != os.getpid()
