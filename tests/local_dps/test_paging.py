"""Queries in pages: every item appears, and only once."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crafting import root
from tests.local_dps.wire import LocalService, Reply, group_body

SIGNING = root().pem
SKU = {"name": "S1", "capacity": 1}


def pages(dps: LocalService, collection: str, size: int) -> Iterator[Reply]:
    """Yield every page of a query as a client requests it: with the continuation of the previous page."""
    headers = {"x-ms-max-item-count": str(size)}
    while True:
        page = dps.serve("POST", f"/{collection}/query", {"query": "SELECT *"}, headers=headers)
        assert page.status == 200, page.content
        yield page
        if "x-ms-continuation" not in page.headers:
            return
        headers["x-ms-continuation"] = page.headers["x-ms-continuation"]


def ids(page: Reply, name: str = "enrollmentGroupId") -> list[str]:
    return [each[name] for each in page.json]


def fill(dps: LocalService, bodies: list[Mapping[str, Any]], collection: str = "enrollmentGroups") -> None:
    for start in range(0, len(bodies), 10):
        sent = {"mode": "create", collection: bodies[start : start + 10]}
        assert dps.serve("POST", f"/{collection}", sent).json == {"isSuccessful": True, "errors": []}


def another_service(dps: LocalService, name: str) -> LocalService:
    """Another service of the same local DPS, reached at its own host."""
    path = dps.root.rpartition("/")[0] + f"/{name}?api-version=2026-11-01"
    bearer = {"Authorization": f"Bearer {dps.management_token}"}
    body = {"location": "local", "sku": SKU, "properties": {}}
    assert dps.call("PUT", path, body, bearer).status == 201
    host = dps.call("GET", path, None, bearer).json["properties"]["serviceOperationsHostName"]
    made = LocalService(dps.connection, dps.state)
    made.address = urlsplit(f"https://{host}")
    return made


def test_ten_services_of_a_hundred_groups_page_completely_and_each_once(dps: LocalService) -> None:
    services = [dps, *(another_service(dps, f"service-{number}") for number in range(1, 10))]
    names = {f"Group-{number}" for number in range(100)}
    for service in services:
        fill(service, [group_body(name, signing=SIGNING) for name in sorted(names)])
    for number, service in enumerate(services):
        size = (1, 3, 7, 10, 33, 50, 99, 100, 101, 1000)[number]
        got = [name for page in pages(service, "enrollmentGroups", size) for name in ids(page)]
        assert (len(got), set(got)) == (100, names)


@pytest.mark.parametrize("size", [7, 250, 999, 1000])
def test_a_thousand_enrollments_page_completely_and_each_once(shared_dps: LocalService, size: int) -> None:
    if shared_dps.serve("GET", "/enrollments/device-0").status == 404:
        attestation = {"type": "symmetricKey"}
        bodies = [{"registrationId": f"device-{number}", "attestation": attestation} for number in range(1000)]
        fill(shared_dps, bodies, "enrollments")
    got = [list(page.json) for page in pages(shared_dps, "enrollments", size)]
    assert [len(page) for page in got] == [size] * (1000 // size) + ([1000 % size] if 1000 % size else [])
    names = [each["registrationId"] for page in got for each in page]
    assert (len(names), len(set(names))) == (1000, 1000)


NAMES = st.sampled_from([f"{letter}{number}" for letter in "aB" for number in range(8)])


@settings(max_examples=25, deadline=None)
@given(
    first=st.sets(NAMES, min_size=1),
    meanwhile=st.lists(st.tuples(st.sampled_from(["put", "delete"]), NAMES), max_size=12),
    size=st.integers(1, 5),
)
def test_an_item_that_stays_appears_once_whatever_changes_between_two_pages(
    shared_dps: LocalService, first: set[str], meanwhile: list[tuple[str, str]], size: int
) -> None:
    dps = shared_dps
    for name in sorted(first):
        dps.put_group(group_body(name, signing=SIGNING))
    touched: set[str] = set()
    deleted: set[str] = set()  # an enrollment that is deleted and created again is a new one, and comes last
    got: list[str] = []
    for page in pages(dps, "enrollmentGroups", size):
        got += ids(page)
        if meanwhile:
            what, name = meanwhile.pop()
            touched.add(name)
            body = group_body(name, signing=SIGNING) if what == "put" else None
            dps.serve(what.upper(), f"/enrollmentGroups/{name}", body, if_match="*")
            deleted |= {name} if what == "delete" else set()
    stayed = [name for name in got if name not in deleted]
    assert len(stayed) == len(set(stayed))
    assert set(got) >= first - touched
    for name in {*first, *touched}:
        dps.serve("DELETE", f"/enrollmentGroups/{name}")


def test_the_last_page_has_no_continuation_and_headers_name_the_items(dps: LocalService) -> None:
    fill(dps, [group_body(name, signing=SIGNING) for name in ("b", "A", "c")])
    dps.put_group(group_body("b", signing=SIGNING), if_match="*")  # a change does not move it
    first, last = pages(dps, "enrollmentGroups", 2)
    assert (ids(first), ids(last)) == (["b", "A"], ["c"])
    for page in (first, last):
        assert (page.headers["x-ms-item-type"], page.headers["x-ms-max-item-count"]) == ("EnrollmentGroup", "2")
    whole = dps.serve("POST", "/enrollmentGroups/query", {"query": "*"})
    assert ids(whole) == ["b", "A", "c"]
    assert {"x-ms-continuation", "x-ms-max-item-count"} & {name.lower() for name in whole.headers} == set()


@pytest.mark.parametrize("collection", ["enrollmentGroups", "enrollments"])
@pytest.mark.parametrize("query", ["SELECT *", "select  * ", "*", "SELECT * FROM {0}", "Select * From {1}"])
def test_a_query_for_everything_may_be_written_in_any_form(
    shared_dps: LocalService, collection: str, query: str
) -> None:
    text = query.format(collection, collection.upper())
    assert shared_dps.serve("POST", f"/{collection}/query", {"query": text}).status == 200
