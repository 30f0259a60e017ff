"""An acknowledged change survives a kill at any moment, and a full disk loses nothing."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from helpers.local_dps import CannotStart, running
from tests.crafting import proof, root
from tests.local_dps.assertions import assert_service_refuses
from tests.local_dps.process import Server
from tests.local_dps.wire import LocalService, group_body, upload_body

if sys.platform != "win32":
    import resource

IDENTITY = {"tenant_id", "client_id", "client_secret", "subscription_id", "id_scope"}


def everything(dps: LocalService) -> Mapping[str, Any]:
    """Return the whole state except the host name, whose port differs after each start."""
    found = dict(dps.everything())
    del found["service"]["properties"]["serviceOperationsHostName"]
    del found["service"]["properties"]["deviceProvisioningHostName"]
    return found | {"codes": dps.codes(), "keys": dps.keys(), **{name: dps.connection[name] for name in IDENTITY}}


def walkthrough() -> Iterator[Callable[[LocalService], Any]]:
    """Each step of a proof of possession and of a group's life; a step uses what the steps before it were told."""
    uploaded, told = root(), {}

    def upload(dps: LocalService) -> None:
        told["ca"] = dps.upload("ca", uploaded.pem)
        assert dps.certificate("ca") == told["ca"]

    def generate(dps: LocalService) -> None:
        told["ca"] = dps.generate_code("ca", if_match=told["ca"]["etag"])

    def verify(dps: LocalService) -> None:
        good = proof(uploaded, told["ca"]["properties"]["verificationCode"]).pem
        reply = dps.verify("ca", good, if_match=told["ca"]["etag"])
        assert reply.status == 200, reply.content
        assert dps.certificate("ca") == reply.json
        told["ca"] = reply.json

    def put_group(dps: LocalService) -> None:
        told["group"] = dps.put_group(group_body("g1", reference="ca"))

    def update_group(dps: LocalService) -> None:
        body = group_body("g1", reference="ca", provisioningStatus="disabled")
        told["group"] = dps.put_group(body, if_match=told["group"]["etag"])
        assert dps.group("g1") == told["group"]

    def delete_group(dps: LocalService) -> None:
        assert dps.serve("DELETE", "/enrollmentGroups/g1", if_match=told["group"]["etag"]).status == 204

    def delete_certificate(dps: LocalService) -> None:
        assert dps.manage("DELETE", "/certificates/ca", if_match=told["ca"]["etag"]).status == 200

    yield from (upload, generate, verify, put_group, update_group, delete_group, delete_certificate)


def test_a_kill_after_any_acknowledged_call_loses_nothing(server: Server) -> None:
    """After a kill right after the answer, and a new start, the next step continues with the earlier ETags."""
    expected, seen = None, []
    for step in walkthrough():
        dps = server.start()
        found = everything(dps)
        assert expected is None or found == expected
        step(dps)
        expected = everything(dps)
        assert expected != found
        seen.append(step.__name__)
        server.kill()
    assert everything(server.start()) == expected
    assert (len(seen), expected["certificates"], expected["groups"]) == (7, {"value": []}, [])


def test_the_next_start_has_the_same_identity_and_keys_but_another_ca(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(state) as connection:
        first = LocalService(connection, state)
        before, pem = everything(first), Path(connection["ca_file"]).read_bytes()
    with running(state) as connection:
        second = LocalService(connection, state)
        assert everything(second) == before
        assert Path(connection["ca_file"]).read_bytes() != pem


def test_a_token_from_before_a_restart_is_valid_after_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(state) as connection:
        token = LocalService(connection, state).management_token
    with running(state) as connection:
        again = LocalService(connection, state)
        again.__dict__["management_token"] = token
        assert again.manage("GET").status == 200


# --- disks ------------------------------------------------------------------------------------------------------------


@pytest.mark.linux
def test_a_full_disk_refuses_the_write_loses_nothing_and_the_service_continues(server: Server) -> None:
    """The limit on file sizes stands in for the disk: the write-ahead log can't grow."""
    dps = server.start(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # no log file, which would be full as well
    uploaded = root()
    dps.upload("ca", uploaded.pem)
    code = dps.generate_code("ca")["properties"]["verificationCode"]
    dps.put_group(group_body("g1", reference="ca"))
    before = everything(dps)
    good = proof(uploaded, code).pem

    free = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4096, free[1]))
    for _ in range(2):
        refused = [
            dps.manage("PUT", "/certificates/new", upload_body(uploaded.pem)),
            dps.manage("PUT", "/certificates/ca", upload_body(uploaded.pem), if_match="*"),
            dps.manage("POST", "/certificates/ca/generateVerificationCode", if_match="*"),
            dps.verify("ca", good),
            dps.manage("DELETE", "/certificates/ca", if_match="*"),
        ]
        assert [reply.status for reply in refused] == [500] * 5
        assert [set(reply.json) for reply in refused] == [{"error"}] * 5
        assert_service_refuses(dps.serve("PUT", "/enrollmentGroups/g2", group_body("g2", reference="ca")), 500, 500000)
        assert_service_refuses(dps.serve("DELETE", "/enrollmentGroups/g1"), 500, 500000)
        assert everything(dps) == before  # reading goes on meanwhile

    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, free)
    assert dps.verify("ca", good).status == 200
    dps.put_group(group_body("g2", reference="ca"))
    last = everything(dps)
    server.kill()
    assert everything(server.start()) == last


@pytest.mark.unix
@pytest.mark.parametrize("size", [0, 4096, 16_384])
def test_a_start_on_a_full_disk_is_a_clear_error_and_the_next_one_works(server: Server, size: int) -> None:
    process = server.launch(
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert b"Traceback" not in said
    assert b"The local DPS did not start" in said
    assert not server.connection_file.exists()
    assert server.start().manage("GET", "/certificates").json == {"value": []}


def test_a_state_that_cannot_be_a_folder_is_a_clear_error(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    for state in (tmp_path / "file", tmp_path / "file" / "below"):
        server.state = state
        assert str(state) in server.refused()
    assert (tmp_path / "file").read_text() == "not a folder"
    assert not server.connection_file.exists()


@pytest.mark.parametrize("kind", ["no database", "another version", "cut off"])
def test_a_state_that_is_not_ours_is_a_clear_error_and_is_left_alone(server: Server, kind: str) -> None:
    server.state.mkdir()
    file = server.state / "dps.sqlite3"
    if kind == "no database":
        file.write_bytes(b"something else entirely " * 100)
    elif kind == "another version":
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA user_version = 99")
            database.execute("PRAGMA journal_mode = WAL")
    else:
        with running(server.state):
            pass
        file.write_bytes(file.read_bytes()[:4096])
    before = file.read_bytes()
    assert str(server.state) in server.refused()
    assert file.read_bytes() == before
    assert not server.connection_file.exists()


def test_running_in_a_thread_raises_the_error_that_prevents_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart), running(tmp_path / "file"):
        pass
