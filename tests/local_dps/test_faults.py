"""Faults: off by default, with the documented effects, repeatable, counted, logged, and at most one per request."""

import http.client
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.local_dps import Fault, Faults, RequestRecord, running
from helpers.local_dps.core import plane_of
from helpers.local_dps.request.routing import Request
from tests.crafting import root
from tests.local_dps.client import Client
from tests.local_dps.faults import MIXED, control, counts, happenings, switch_on
from tests.local_dps.process import Server
from tests.local_dps.wire import LocalService, Reply, group_body, upload_body

REFUSING = {"throttle": 429, "internal-error": 500, "unavailable": 503}
DROPPING = ("drop-request", "drop-answer")
SIGNING = root().pem


@pytest.fixture
def dps(tmp_path: Path) -> Iterator[LocalService]:
    """A local DPS with a certificate and a group, and a client that already has its tokens."""
    with running(tmp_path / "state") as connection:
        made = LocalService(connection, tmp_path / "state")
        made.upload("ca", SIGNING)
        made.put_group(group_body("g1", reference="ca"))
        yield made


Send = Callable[[LocalService], Reply]
CHANGES: dict[str, Send] = {
    "management": lambda dps: dps.manage("PUT", "/certificates/new", upload_body(SIGNING)),
    "service": lambda dps: dps.serve("PUT", "/enrollmentGroups/new", group_body("new", signing=SIGNING)),
}
PLANES: dict[str, Send] = CHANGES | {"identity": lambda dps: dps.ask_for_token()}


def test_without_faults_nothing_fails(dps: LocalService) -> None:
    with Client(dps) as client:
        assert {client.manage("GET", "/certificates/ca").status for _ in range(200)} == {200}
    told = control(dps).json
    assert set(told["rates"]) == set(told["counts"]) == {fault.value for fault in Fault}
    assert set(told["rates"].values()) == set(told["counts"].values()) == {0}


# --- each kind --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", REFUSING)
@pytest.mark.parametrize("plane", PLANES)
def test_a_fault_that_refuses_has_the_body_of_its_plane_and_changes_nothing(
    dps: LocalService, plane: str, kind: str
) -> None:
    before = dps.everything()
    switch_on(dps, {kind: 1})
    reply = PLANES[plane](dps)
    assert reply.status == REFUSING[kind]
    assert reply.headers["Retry-After"] == ("1" if kind == "throttle" else None)
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    request_id = reply.headers["x-ms-request-id"]
    if plane == "management":
        assert set(reply.json) == {"error"}
        assert isinstance(reply.json["error"]["code"], str)
        assert reply.json["error"]["message"]
    elif plane == "service":
        assert set(reply.json) == {"errorCode", "trackingId", "message", "timestampUtc"}
        assert reply.json["errorCode"] // 1000 == REFUSING[kind]
        assert reply.json["trackingId"] == request_id
    else:
        assert set(reply.json) == {"error", "error_description"}
        assert request_id in reply.json["error_description"]
    assert counts(dps) == {kind: 1}
    control(dps, "DELETE")
    assert dps.everything() == before
    assert PLANES[plane](dps).status == 200


@pytest.mark.parametrize("kind", DROPPING)
@pytest.mark.parametrize("plane", CHANGES)
def test_a_dropped_connection_ends_without_a_byte_before_or_after_the_work(
    dps: LocalService, plane: str, kind: str
) -> None:
    before = dps.everything()
    switch_on(dps, {kind: 1})
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        CHANGES[plane](dps)
    assert counts(dps) == {kind: 1}
    control(dps, "DELETE")
    if kind == "drop-request":
        assert dps.everything() == before
        assert CHANGES[plane](dps).status == 200
    elif plane == "management":
        assert dps.certificate("new")["name"] == "new"
    else:
        assert dps.group("new")["enrollmentGroupId"] == "new"


def test_a_dropped_answer_to_a_refused_call_has_changed_nothing(dps: LocalService) -> None:
    before = dps.everything()
    switch_on(dps, {"drop-answer": 1})
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        dps.serve("DELETE", "/enrollmentGroups/g1", if_match="stale")
    control(dps, "DELETE")
    assert dps.everything() == before


def test_a_slow_answer_comes_about_a_second_late_and_others_do_not_wait_for_it(dps: LocalService) -> None:
    switch_on(dps, {"slow": 1})
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(lambda: (CHANGES["service"](dps), time.monotonic() - began))
        assert control(dps).status == 200
        assert time.monotonic() - began < 0.9
        reply, seconds = late.result(30)
    assert reply.status == 200
    assert 1 <= seconds < 2.5
    assert counts(dps) == {"slow": 1}


def certificate_etag(dps: LocalService) -> str:
    return dps.certificate("ca")["etag"]


def service_etag(dps: LocalService) -> str:
    return dps.manage("GET").json["etag"]


def put_enrollment(dps: LocalService, if_match: str | None = None) -> Reply:
    body = {"registrationId": "d1", "attestation": {"type": "symmetricKey"}}
    return dps.serve("PUT", "/enrollments/d1", body, if_match=if_match)


Change = tuple[Callable[[LocalService], str], Callable[[LocalService, str], Reply]]
MATCHED: dict[str, Change] = {
    "certificate": (
        certificate_etag,
        lambda dps, etag: dps.manage("PUT", "/certificates/ca", upload_body(SIGNING), if_match=etag),
    ),
    "quoted": (certificate_etag, lambda dps, etag: dps.manage("DELETE", "/certificates/ca", if_match=f'"{etag}"')),
    "group": (
        lambda dps: dps.group("g1")["etag"],
        lambda dps, etag: dps.serve("PUT", "/enrollmentGroups/g1", group_body("g1", reference="ca"), if_match=etag),
    ),
    "enrollment": (lambda dps: dps.serve("GET", "/enrollments/d1").json["etag"], put_enrollment),
    "service": (service_etag, lambda dps, etag: dps.manage("PUT", "", dps.manage("GET").json, if_match=etag)),
}


@pytest.mark.parametrize("kind", MATCHED)
def test_an_etag_that_a_fault_changes_is_stale_and_the_new_one_can_be_read_and_used(
    dps: LocalService, kind: str
) -> None:
    read, change = MATCHED[kind]
    assert put_enrollment(dps).status == 200
    etag, before = read(dps), dps.everything()
    switch_on(dps, {"change-etag": 1})
    assert change(dps, etag).status == 412
    assert counts(dps) == {"change-etag": 1}
    again = read(dps)
    assert again != etag
    assert str(dps.everything()).replace(again, etag) == str(before)  # nothing else has changed
    assert change(dps, again).status == 412  # at a rate of one it happens each time
    control(dps, "DELETE")
    assert change(dps, again).status == 412
    assert change(dps, read(dps)).status in (200, 201)


def test_an_etag_does_not_change_for_a_call_that_names_none(dps: LocalService) -> None:
    switch_on(dps, {"change-etag": 1})
    before = dps.group("g1")["etag"]
    assert CHANGES["management"](dps).status == 200
    assert dps.generate_code("ca", if_match="*")["properties"]["verificationCode"]
    assert dps.group("g1")["etag"] == before
    assert counts(dps) == {}


# --- repeatable -------------------------------------------------------------------------------------------------------


def test_the_same_seed_and_requests_get_the_same_faults_and_another_seed_gets_others(dps: LocalService) -> None:
    seen = []
    for seed in (1, 1, 2):
        switch_on(dps, MIXED, seed)
        seen.append(happenings(dps, 80))
    assert seen[0] == seen[1] != seen[2]
    assert set(seen[0]) == {200, 429, 500, 503, None}


def test_faults_from_the_start_are_the_same_after_each_start_and_through_the_control(server: Server) -> None:
    rates = {"throttle": 0.3, "unavailable": 0.2}
    wanted = [f"--fault={name}={rate}" for name, rate in rates.items()]
    dps = server.start()
    dps.upload("ca", SIGNING)
    assert dps.service_token
    switch_on(dps, rates, seed=7)
    expected = happenings(dps, 60)
    token = dps.management_token
    server.stop()
    for seed, same in ((7, True), (8, False)):
        dps = server.start(*wanted, "--seed", str(seed))
        told = control(dps).json
        assert (told["seed"], {name: rate for name, rate in told["rates"].items() if rate}) == (seed, rates)
        dps.__dict__ |= {"management_token": token, "service_token": ""}
        assert (happenings(dps, 60) == expected) is same
        server.stop()


def get(if_match: str | None = None) -> Request:
    headers = {} if if_match is None else {"if-match": if_match}
    return Request("GET", "localhost", 443, plane_of("/"), "/", {}, headers, b"", datetime.now(UTC))


def drawn(rates: Mapping[Fault, float], seed: int, matches: list[str | None]) -> list[Fault | None]:
    faults = Faults(rates, seed)
    return [faults.draw(get(if_match)) for if_match in matches]


RATES = st.dictionaries(st.sampled_from(Fault), st.floats(0.05, 0.95), min_size=1)
REQUESTS = st.lists(st.sampled_from([None, "*", "etag"]), min_size=1, max_size=60)


@given(RATES, st.integers(), REQUESTS)
@settings(max_examples=50, deadline=None)
def test_the_faults_depend_only_on_seed_and_requests(
    rates: dict[Fault, float], seed: int, matches: list[str | None]
) -> None:
    first = drawn(rates, seed, matches)
    assert drawn(dict(reversed(rates.items())), seed, matches) == first
    # A later setting does not change earlier requests.
    assert drawn(rates, seed, [*matches, "etag"])[:-1] == first


@given(st.sampled_from(Fault), st.floats(0.2, 0.8), st.integers(), st.integers())
@settings(max_examples=50, deadline=None)
def test_another_seed_draws_others(kind: Fault, rate: float, seed: int, other: int) -> None:
    matches: list[str | None] = ["etag"] * 400
    assert (drawn({kind: rate}, seed, matches) == drawn({kind: rate}, other, matches)) is (seed == other)


@given(RATES, st.sampled_from(Fault), st.floats(0.05, 0.95), st.integers(), REQUESTS)
@settings(max_examples=50, deadline=None)
def test_switching_on_a_fault_does_not_change_when_the_others_happen(
    rates: dict[Fault, float], kind: Fault, rate: float, seed: int, matches: list[str | None]
) -> None:
    others = {fault: each for fault, each in rates.items() if fault is not kind}
    without, alone = drawn(others, seed, matches), drawn({kind: rate}, seed, matches)
    for together, other, own in zip(drawn(others | {kind: rate}, seed, matches), without, alone, strict=True):
        assert together in (other, own)  # one of the two that it would have been
        assert (together is None) is (other is None and own is None)


@pytest.mark.parametrize("kind", Fault)
def test_of_400_requests_as_many_get_a_fault_as_its_rate_says(kind: Fault) -> None:
    """Within four standard deviations (6 each) of a tenth, and at each of several seeds."""
    for seed in range(5):
        faults = Faults({kind: 0.1}, seed)
        met = [faults.draw(get("etag")) for _ in range(400)]
        assert 16 <= sum(each is kind for each in met) <= 64
        assert faults.counts == Counter(each for each in met if each)


def test_of_400_requests_on_the_wire_as_many_get_a_fault_as_its_rate_says(dps: LocalService) -> None:
    switch_on(dps, {"throttle": 0.1}, seed=3)
    seen = Counter(happenings(dps, 400))
    assert set(seen) == {200, 429}
    assert 16 <= seen[429] <= 64
    assert counts(dps) == {"throttle": seen[429]}


def test_a_request_gets_at_most_one_fault() -> None:
    faults = Faults(dict.fromkeys(Fault, 0.5))
    met = [faults.draw(get("etag")) for _ in range(1000)]
    assert set(met) == {None, *Fault}
    assert faults.counts.total() == sum(each is not None for each in met)


def test_the_control_interface_counts_the_faults_that_clients_got(dps: LocalService) -> None:
    switch_on(dps, MIXED, seed=5)
    seen = Counter(happenings(dps, 100))
    told = dict(counts(dps))
    dropped = sum(told.pop(kind) for kind in DROPPING)
    assert dropped == seen[None]
    assert told == {kind: seen[status] for kind, status in REFUSING.items()}


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_rate_that_is_not_from_0_to_1_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="throttle"):
        Faults({Fault.THROTTLE: rate})


# --- the log ----------------------------------------------------------------------------------------------------------


@contextmanager
def observed(folder: Path) -> Iterator[tuple[LocalService, list[RequestRecord]]]:
    seen: list[RequestRecord] = []
    with running(folder / "state", observe=seen.append) as connection:
        dps = LocalService(connection, folder / "state")
        dps.upload("ca", SIGNING)
        dps.put_group(group_body("g1", reference="ca"))
        yield dps, seen


@pytest.mark.parametrize("kind", Fault)
def test_a_fault_is_visible_in_the_log(tmp_path: Path, kind: Fault) -> None:
    with observed(tmp_path) as (dps, seen):
        etag = dps.group("g1")["etag"]
        assert not any(exchange.fault for exchange in seen)
        switch_on(dps, {kind.value: 1})
        status: int | None = None
        try:
            status = dps.serve("DELETE", "/enrollmentGroups/g1", if_match=etag).status
        except (http.client.HTTPException, ConnectionError):
            assert kind.value in DROPPING
    (met,) = (exchange for exchange in seen if exchange.fault)
    assert (met.method, met.path, met.status) == ("DELETE", "/enrollmentGroups/g1", status)
    line = met.line()
    assert line.startswith(f"DELETE /enrollmentGroups/g1  {status or 'dropped'}  ")
    assert line.endswith(f"  [fault {kind.value}: {kind.meaning}]")
