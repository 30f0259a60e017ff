"""Many clients at once: each ETag allows one change, and each request gets its own answer."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from helpers.local_dps.core import Core, plane_of
from helpers.local_dps.planes.identity.assertion import new_client_certificate
from helpers.local_dps.request.endpoints import Endpoints
from helpers.local_dps.request.outcome import RequestOutcome
from helpers.local_dps.request.routing import Request
from helpers.local_dps.store import Store
from tests.crafting import root
from tests.local_dps.client import Client
from tests.local_dps.process import Server
from tests.local_dps.wire import NEWEST, LocalService, Reply, group_body, upload_body

if sys.platform != "win32":
    import resource

CLIENTS = 32
ROUNDS = 20


@contextmanager
def crowd(dps: LocalService, size: int = CLIENTS) -> Iterator[Callable[[Callable[[Client, int], Any]], list[Any]]]:
    """A function that lets that many clients do something at the same moment, and returns each one's result."""
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(dps)) for _ in range(size)]
        for client in clients:
            client.own_line.connect()
        pool = stack.enter_context(ThreadPoolExecutor(size))
        together = Barrier(size)

        def meet(act: Callable[[Client, int], Any]) -> list[Any]:
            def one(number: int) -> Any:
                together.wait(30)
                return act(clients[number], number)

            return list(pool.map(one, range(size)))

        yield meet


def test_of_32_changes_to_a_certificate_with_one_etag_only_one_succeeds(dps: LocalService) -> None:
    uploaded = root().pem
    etag = dps.upload("ca", uploaded)["etag"]

    def change(client: Client, number: int) -> Reply:
        body = upload_body(uploaded, isVerified=number % 2 == 0)
        return client.manage("PUT", "/certificates/ca", body, if_match=etag)

    with crowd(dps) as meet:
        for _ in range(ROUNDS):
            replies = meet(change)
            assert sorted(reply.status for reply in replies) == [200] + [412] * (CLIENTS - 1)
            (winner,) = (reply.json for reply in replies if reply.status == 200)
            assert dps.certificate("ca") == winner
            assert winner["etag"] != etag
            etag = winner["etag"]


def test_of_32_changes_to_a_group_with_one_etag_only_one_succeeds(dps: LocalService) -> None:
    signing = root().pem
    etag = dps.put_group(group_body("g1", signing=signing))["etag"]

    def change(client: Client, number: int) -> Reply:
        body = group_body("g1", signing=signing, initialTwin={"tags": {"number": number}})
        return client.serve("PUT", "/enrollmentGroups/g1", body, if_match=etag)

    with crowd(dps) as meet:
        for _ in range(ROUNDS):
            replies = meet(change)
            assert sorted(reply.status for reply in replies) == [200] + [412] * (CLIENTS - 1)
            ((number, winner),) = ((n, reply.json) for n, reply in enumerate(replies) if reply.status == 200)
            assert winner["initialTwin"]["tags"] == {"number": number}
            assert dps.group("g1") == winner
            assert winner["etag"] != etag
            etag = winner["etag"]


def test_of_32_codes_requested_at_once_only_the_last_counts(dps: LocalService) -> None:
    """Each answer has a different code; the one in the answer with the current ETag is the stored one."""
    dps.upload("ca", root().pem)
    with crowd(dps) as meet:
        made = meet(lambda client, _: client.generate_code("ca"))
    codes = {each["etag"]: each["properties"]["verificationCode"] for each in made}
    assert len(codes) == len(set(codes.values())) == CLIENTS
    assert dps.codes() == {"ca": codes[dps.certificate("ca")["etag"]]}


# --- calls that come together -----------------------------------------------------------------------------------------


class Together:
    """A core without a network, and requests for it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.file = folder / "dps.sqlite3"
        self.store = Store(self.file)
        endpoints = Endpoints(443)
        service = self.store.services.all()[0]
        endpoints.ports[service.id] = 443
        self.core = Core(self.store, endpoints, new_client_certificate(datetime.now(UTC))[1])
        identity = self.store.identity
        self.service = (
            f"/subscriptions/{identity.subscription_id}/resourceGroups/{service.resource_group}"
            f"/providers/Microsoft.Devices/provisioningServices/{service.name}"
        )
        token_path = f"/{identity.tenant_id}/oauth2/v2.0/token"
        form = f"grant_type=client_credentials&client_id={identity.client_id}&client_secret={identity.client_secret}"
        scopes = ("https://management.azure.com/.default", "https://azure-devices-provisioning.net/.default")
        self.ask = [self.call("POST", token_path, f"{form}&scope={scope}".encode()) for scope in scopes]
        self.management_token, self.service_token = (json_of(outcome)["access_token"] for outcome in self.handle())

    def handle(self, *calls: Request) -> list[RequestOutcome]:
        return self.core.handle(calls or self.ask)

    def call(self, method: str, path: str, body: bytes = b"", version: str = "", **headers: str) -> Request:
        if b"grant_type" in body:
            headers["content-type"] = "application/x-www-form-urlencoded"
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return Request(
            method, "localhost", 443, plane_of(path), path, {"api-version": version}, sent, body, datetime.now(UTC)
        )

    def manage(self, method: str, suffix: str, body: Any = None, **headers: str) -> Request:
        content = b"" if body is None else json.dumps(body).encode()
        token = f"Bearer {self.management_token}"
        return self.call(method, self.service + suffix, content, NEWEST, authorization=token, **headers)

    def put_group(self, group: str, number: int = 0, **headers: str) -> Request:
        body = group_body(group, signing=root().pem, initialTwin={"tags": {"number": number}})
        return self.call(
            "PUT",
            f"/enrollmentGroups/{group}",
            json.dumps(body).encode(),
            "2021-10-01",
            authorization=f"Bearer {self.service_token}",
            **headers,
        )

    def groups(self) -> dict[str, Any]:
        """Return the durable groups, read through another connection."""
        with closing(sqlite3.connect(self.file)) as database:
            rows = database.execute("SELECT id, document FROM enrollment")
            return {name: json.loads(document)["initialTwin"]["tags"]["number"] for name, document in rows}

    def certificates(self) -> set[str]:
        with closing(sqlite3.connect(self.file)) as database:
            return {name for (name,) in database.execute("SELECT name FROM certificate")}


def json_of(outcome: RequestOutcome) -> Any:
    assert outcome.response is not None
    return outcome.response.body


def statuses(outcomes: list[RequestOutcome]) -> list[int]:
    return [outcome.response.status for outcome in outcomes if outcome.response]


@pytest.fixture
def together(tmp_path: Path) -> Iterator[Together]:
    made = Together(tmp_path / "together")
    yield made
    made.store.close()


def test_each_of_the_calls_that_come_together_gets_its_own_answer_in_their_order(together: Together) -> None:
    outcomes = together.handle(
        together.put_group("g0", 0),
        together.manage("PUT", "/certificates/ca", upload_body(root().pem)),
        together.put_group("g1", 1),
        together.manage("GET", "/certificates/ca"),
    )
    assert statuses(outcomes) == [200] * 4
    first, uploaded, second, read = map(json_of, outcomes)
    assert (first["enrollmentGroupId"], second["enrollmentGroupId"]) == ("g0", "g1")
    assert read == uploaded


def test_a_refused_call_changes_nothing_and_does_not_disturb_its_neighbours(together: Together) -> None:
    outcomes = together.handle(
        together.put_group("g0", 1),
        together.put_group("g0", 2),  # exists since the call before
        together.put_group("g0", 3, if_match="stale"),
        together.put_group("g1", 4, if_match="*"),
        together.manage("PUT", "/certificates/ca", {"properties": {}}),
        together.manage("POST", "/certificates/ca/generateVerificationCode", if_match="*"),
        together.manage("PUT", "/nothing"),
        together.put_group("g2", 5),
    )
    assert statuses(outcomes) == [200, 409, 412, 200, 400, 404, 404, 200]
    assert together.groups() == {"g0": 1, "g1": 4, "g2": 5}
    assert together.certificates() == set()


def test_a_bulk_that_fails_in_part_keeps_its_neighbours(together: Together) -> None:
    token = f"Bearer {together.service_token}"
    body = group_body("in-bulk", signing=root().pem, initialTwin={"tags": {"number": 1}})
    bulk = {"mode": "create", "enrollmentGroups": [body, {"enrollmentGroupId": "no attestation"}]}
    outcomes = together.handle(
        together.put_group("before", 2),
        together.call("POST", "/enrollmentGroups", json.dumps(bulk).encode(), "2021-10-01", authorization=token),
        together.put_group("in-bulk", 3),
        together.put_group("behind", 4),
    )
    assert statuses(outcomes) == [200, 200, 409, 200]
    assert [each["enrollmentGroupId"] for each in json_of(outcomes[1])["errors"]] == ["no attestation"]
    assert together.groups() == {"before": 2, "in-bulk": 1, "behind": 4}


@pytest.mark.parametrize("what", ["ABORT", "FAIL", "ROLLBACK"])
def test_only_the_call_that_the_database_refuses_is_lost(together: Together, what: str) -> None:
    """ROLLBACK undoes the whole transaction, as a full disk does."""
    with closing(sqlite3.connect(together.file)) as database:
        condition = "AFTER INSERT ON enrollment WHEN NEW.id = 'bad'"
        database.execute(f"CREATE TRIGGER refuse {condition} BEGIN SELECT RAISE({what}, 'no room'); END")
    calls = [together.put_group(name, number) for number, name in enumerate(["g0", "bad", "g2"])]
    outcomes = together.handle(*calls)
    assert statuses(outcomes) == [200, 500, 200]
    assert json_of(outcomes[1])["errorCode"] == 500000
    assert json_of(outcomes[0])["enrollmentGroupId"] == "g0"
    assert together.groups() == {"g0": 0, "g2": 2}
    assert statuses(together.handle(together.put_group("g3", 3))) == [200]
    assert together.groups() == {"g0": 0, "g2": 2, "g3": 3}


def test_calls_that_come_together_over_https_each_get_their_own_result(dps: LocalService) -> None:
    signing = root().pem

    def act(client: Client, number: int) -> Reply:
        group = f"g{number}"
        if number % 4 == 3:
            return client.serve("PUT", f"/enrollmentGroups/{group}", group_body("another", signing=signing))
        body = group_body(group, signing=signing, initialTwin={"tags": {"number": number}})
        return client.serve("PUT", f"/enrollmentGroups/{group}", body)

    with crowd(dps) as meet:
        replies = meet(act)
    assert len({reply.headers["x-ms-request-id"] for reply in replies}) == CLIENTS
    refused = range(3, CLIENTS, 4)
    assert [number for number, reply in enumerate(replies) if reply.status == 400] == list(refused)
    for number in set(range(CLIENTS)) - set(refused):
        made = replies[number].json
        assert (made["enrollmentGroupId"], made["initialTwin"]["tags"]["number"]) == (f"g{number}", number)
        assert dps.group(f"g{number}") == made
    kept = {group["enrollmentGroupId"] for group in dps.everything()["groups"]}
    assert kept == {f"g{number}" for number in set(range(CLIENTS)) - set(refused)}


@pytest.mark.linux
def test_a_full_disk_refuses_requests_that_share_a_commit_and_stores_none_of_them(server: Server) -> None:
    """The limit on file sizes stands in for the disk: the write-ahead log can't grow."""
    dps = server.start(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # no log file, which would be full as well
    signing = root().pem
    dps.put_group(group_body("before", signing=signing))
    before = dps.everything()
    free = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)

    def put(client: Client, number: int) -> Reply:
        return client.serve("PUT", f"/enrollmentGroups/g{number}", group_body(f"g{number}", signing=signing))

    with crowd(dps, 8) as meet:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4096, free[1]))
        replies = meet(put)
        assert [(reply.status, reply.json["errorCode"]) for reply in replies] == [(500, 500000)] * 8
        assert dps.everything() == before
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, free)
        assert [reply.status for reply in meet(put)] == [200] * 8
    last = dps.everything()["groups"]
    server.kill()
    assert server.start().everything()["groups"] == last


@pytest.mark.linux
def test_a_call_that_is_too_large_for_the_disk_does_not_affect_its_neighbours(server: Server) -> None:
    dps = server.start(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    signing = root().pem
    assert dps.service_token
    size = (server.state / "dps.sqlite3-wal").stat().st_size
    room = size + 128 * 1024
    large = {"tags": {"large": "x" * 220_000}}
    free = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)

    def put(client: Client, number: int) -> Reply:
        more = {"initialTwin": large} if number == 0 else {}
        return client.serve("PUT", f"/enrollmentGroups/g{number}", group_body(f"g{number}", signing=signing, **more))

    with crowd(dps, 4) as meet:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (room, free[1]))
        assert [reply.status for reply in meet(put)] == [500, 200, 200, 200]
    assert {group["enrollmentGroupId"] for group in dps.everything()["groups"]} == {"g1", "g2", "g3"}
    server.kill()
    assert {group["enrollmentGroupId"] for group in server.start().everything()["groups"]} == {"g1", "g2", "g3"}
