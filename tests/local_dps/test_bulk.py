"""Bulk changes of both kinds of enrollment, in which each item succeeds or fails independently; and the limits of groups."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.crafting import root
from tests.local_dps.assertions import assert_service_refuses
from tests.local_dps.enrollments import (
    GROUPS,
    INDIVIDUALS,
    KINDS,
    WRONG_ETAG,
    EnrollmentClient,
    EnrollmentKind,
    get,
    put,
    symmetric,
    without,
)
from tests.local_dps.wire import LocalService

DONE = {"isSuccessful": True, "errors": []}


def bodies(kind: EnrollmentKind, count: int, **more: Any) -> list[dict[str, Any]]:
    return [kind.body(f"i{number}", **more) for number in range(count)]


def failed(answer: Mapping[str, Any], kind: EnrollmentKind) -> list[tuple[str | None, int]]:
    """Check the form of the answer, and return the ids and codes of the items that failed."""
    assert set(answer) == {"isSuccessful", "errors"}
    assert answer["isSuccessful"] is (not answer["errors"])
    for error in answer["errors"]:
        assert set(error) == {kind.id_name, "errorCode", "errorStatus"}
        assert isinstance(error["errorStatus"], str)
    return [(error[kind.id_name], error["errorCode"]) for error in answer["errors"]]


# --- the modes --------------------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("slash", ["", "/"], ids=["no slash", "slash behind"])
def test_ten_are_created_changed_and_deleted_at_once(
    shared_line: EnrollmentClient, kind: EnrollmentKind, slash: str
) -> None:
    def bulk(mode: str, items: list[Any]) -> Any:
        return shared_line.call("POST", f"/{kind.collection}{slash}", {"mode": mode, kind.collection: items}).json

    assert bulk("create", bodies(kind, 10)) == DONE
    made = shared_line.all(kind)
    assert [each[kind.id_name] for each in made] == [f"i{number}" for number in range(10)]
    changes = [{**kind.body(each[kind.id_name], provisioningStatus="disabled"), "etag": each["etag"]} for each in made]
    assert bulk("updateIfMatchETag", changes) == DONE
    changed = shared_line.all(kind)
    assert {each["provisioningStatus"] for each in changed} == {"disabled"}
    assert not {each["etag"] for each in changed} & {each["etag"] for each in made}
    again = [{**kind.body(each[kind.id_name]), "etag": each["etag"]} for each in changed]
    assert bulk("update", again) == DONE
    assert {each["provisioningStatus"] for each in shared_line.all(kind)} == {"enabled"}
    assert bulk("delete", [{kind.id_name: each[kind.id_name]} for each in made]) == DONE
    assert shared_line.all(kind) == []


@KINDS
@pytest.mark.parametrize("mode", ["create", "update"])
def test_an_item_without_an_etag_does_not_change_what_is_there(
    shared_line: EnrollmentClient, kind: EnrollmentKind, mode: str
) -> None:
    """In recordings, the service answers like this for `update`, too: 200, with a failure in the body."""
    put(shared_line, kind, kind.body("i1"))
    before = get(shared_line, kind, "i1")
    answer = shared_line.bulk(kind, mode, [kind.body("i1", provisioningStatus="disabled"), kind.body("i2")])
    status = f"{kind.item_type} already exists."
    error = {kind.id_name: "i1", "errorCode": kind.exists, "errorStatus": status}
    assert answer == {"isSuccessful": False, "errors": [error]}
    assert get(shared_line, kind, "i1") == before
    assert get(shared_line, kind, "i2")["provisioningStatus"] == "enabled"


@KINDS
def test_a_bulk_request_creates_the_same_as_a_put(shared_line: EnrollmentClient, kind: EnrollmentKind) -> None:
    body = kind.body("i1", kind.x509(root().pem), initialTwin={"tags": {"a": 1}})
    assert shared_line.bulk(kind, "create", [body, {**body, kind.id_name: "i2"}]) == DONE
    alone = put(shared_line, kind, {**body, kind.id_name: "i3"})
    own = (kind.id_name, "etag", "createdDateTimeUtc", "lastUpdatedDateTimeUtc")
    assert [without(each, *own) for each in shared_line.all(kind)] == [without(alone, *own)] * 3


@KINDS
def test_one_id_twice_in_a_bulk_is_created_once(shared_line: EnrollmentClient, kind: EnrollmentKind) -> None:
    answer = shared_line.bulk(kind, "create", [kind.body("Twice"), kind.body("tWICE", provisioningStatus="disabled")])
    assert failed(answer, kind) == [("tWICE", kind.exists)]
    assert get(shared_line, kind, "twice")["provisioningStatus"] == "enabled"


# --- what makes no sense ----------------------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("mode", ["create", "update", "updateIfMatchETag", "delete"])
@pytest.mark.parametrize("count", [0, 11])
def test_a_bulk_of_none_or_of_more_than_ten_is_refused_and_creates_nothing(
    shared_line: EnrollmentClient, kind: EnrollmentKind, mode: str, count: int
) -> None:
    put(shared_line, kind, kind.body("i0"))
    before = shared_line.all(kind)
    items = [{**body, "etag": "*"} for body in bodies(kind, count, provisioningStatus="disabled")]
    body = {"mode": mode, kind.collection: items}
    assert_service_refuses(shared_line.call("POST", f"/{kind.collection}", body), 400, 400000)
    assert shared_line.all(kind) == before


BAD_BULKS: dict[str, Callable[[EnrollmentKind], Any]] = {
    "no mode": lambda kind: {kind.collection: bodies(kind, 1)},
    "unknown mode": lambda kind: {"mode": "replace", kind.collection: bodies(kind, 1)},
    "mode of no text": lambda kind: {"mode": ["create"], kind.collection: bodies(kind, 1)},
    "no items": lambda kind: {"mode": "create"},
    "items of null": lambda kind: {"mode": "create", kind.collection: None},
    "items in an object": lambda kind: {"mode": "create", kind.collection: {"0": kind.body("i0")}},
    "items of the other kind": lambda kind: {
        "mode": "create",
        (GROUPS if kind is INDIVIDUALS else INDIVIDUALS).collection: bodies(kind, 1),
    },
    "a list": lambda kind: bodies(kind, 1),
}


@KINDS
@pytest.mark.parametrize("bad", BAD_BULKS)
def test_an_invalid_bulk_is_refused(shared_line: EnrollmentClient, kind: EnrollmentKind, bad: str) -> None:
    assert_service_refuses(shared_line.call("POST", f"/{kind.collection}", BAD_BULKS[bad](kind)), 400, 400000)
    assert shared_line.all(kind) == []


@KINDS
@pytest.mark.parametrize("mode", ["create", "update", "updateIfMatchETag", "delete"])
def test_invalid_items_are_listed_in_their_order_and_the_others_are_created(
    shared_line: EnrollmentClient, kind: EnrollmentKind, mode: str
) -> None:
    if mode in ("updateIfMatchETag", "delete"):
        shared_line.fill(kind, [kind.body("first"), kind.body("last")])
    bad_id, bad_type = {**kind.body("bad id"), "etag": "*"}, {**kind.body("i1"), "etag": 5}
    items = [
        {**kind.body("first", initialTwin={"tags": {"by": mode}}), "etag": "*"}, 5, bad_id, None, bad_type, ["x"],
        {kind.id_name: 7}, {}, {**kind.body("last", initialTwin={"tags": {"by": mode}}), "etag": "*"},
    ]  # fmt: skip
    if mode == "create":
        items = [without(item, "etag") if item in (items[0], items[-1]) else item for item in items]
    answer = shared_line.bulk(kind, mode, items)
    assert [each for each, _ in failed(answer, kind)] == [None, "bad id", None, "i1", None, None, None]
    assert {code // 1000 for _, code in failed(answer, kind)} <= {400, 404}
    made = {each[kind.id_name]: each["initialTwin"]["tags"]["by"] for each in shared_line.all(kind)}
    assert made == ({} if mode == "delete" else {"first": mode, "last": mode})


# --- any bulk at all --------------------------------------------------------------------------------------------------

NAMES = ("a", "B", "c")
ETAGS = ("none", "present", "stale", "*")
steps = st.tuples(
    st.sampled_from(["create", "update", "updateIfMatchETag", "delete"]),
    st.lists(
        st.tuples(st.sampled_from(NAMES), st.booleans(), st.sampled_from(ETAGS), st.booleans()), min_size=1, max_size=5
    ),
)


def expected(mode: str, there: bool, etag: str, broken: bool, kind: EnrollmentKind) -> int | None:
    """The code of the failure, or its status where the code is not known; None for success."""
    if mode == "delete":
        return kind.not_found if not there else 412 if etag == "stale" else None
    if mode == "create":  # the ETag of an item has no effect if the enrollment does not exist yet
        return kind.exists if there else 400000 if broken else None
    if mode == "updateIfMatchETag" and etag == "none":
        return 412
    if not there and (etag in ("present", "stale") or mode == "updateIfMatchETag"):
        return kind.not_found
    if there and etag == "none":
        return kind.exists
    if there and etag == "stale":
        return 412
    return 400000 if broken else None


@KINDS
@settings(max_examples=30, deadline=None)
@given(plan=st.lists(steps, max_size=6))
def test_each_item_of_any_bulk_is_created_or_reported(
    shared_dps: LocalService, kind: EnrollmentKind, plan: list[tuple[str, list[tuple[str, bool, str, bool]]]]
) -> None:
    """Compare with a model: a failed item changes nothing, and the others take effect in their order."""
    with EnrollmentClient(shared_dps) as line:
        model: dict[str, int] = {}
        try:
            for number, (mode, items) in enumerate(plan):
                present = {each[kind.id_name].lower(): each["etag"] for each in line.all(kind)}
                fresh = set(present)  # whose ETag is still the one from before this bulk request
                sent, failures = [], []
                for at, (enrollment, upper, etag, broken) in enumerate(items):
                    written = enrollment.upper() if upper else enrollment.lower()
                    low = enrollment.lower()
                    value = {"present": present.get(low, WRONG_ETAG), "stale": WRONG_ETAG, "*": "*"}.get(etag)
                    stamp = 100 * number + at
                    body = kind.body(written, initialTwin=5 if broken else {"tags": {"stamp": stamp}})
                    sent.append(body | ({"etag": value} if value else {}))
                    effective = "stale" if etag == "present" and low not in fresh else etag
                    code = expected(mode, low in model, effective, broken, kind)
                    if code is not None:
                        failures.append((written, code))
                    elif mode == "delete":
                        del model[low]
                        fresh.discard(low)
                    else:
                        model[low] = stamp
                        fresh.discard(low)
                got = [
                    (name, code // 1000 if code // 1000 == 412 else code)
                    for name, code in failed(line.bulk(kind, mode, sent), kind)
                ]
                assert got == failures, (mode, items)
                kept = {each[kind.id_name].lower(): each["initialTwin"]["tags"]["stamp"] for each in line.all(kind)}
                assert kept == model
        finally:
            line.clear(kind)


# --- limits -----------------------------------------------------------------------------------------------------------


def test_a_hundred_groups_of_each_attestation_can_exist_together(shared_line: EnrollmentClient) -> None:
    x509 = GROUPS.x509(root().pem)
    shared_line.fill(GROUPS, [GROUPS.body(f"x{number}", x509) for number in range(100)])
    shared_line.fill(GROUPS, [GROUPS.body(f"s{number}") for number in range(100)])
    before = shared_line.all(GROUPS)
    assert len(before) == 200
    for more, attestation in (("x100", x509), ("s100", symmetric())):
        reply = shared_line.call("PUT", f"/enrollmentGroups/{more}", GROUPS.body(more, attestation))
        assert 400 <= reply.status < 500
        answer = shared_line.bulk(GROUPS, "create", [GROUPS.body(more, attestation)])
        assert failed(answer, GROUPS) == [(more, reply.json["errorCode"])]
    for group, other in (("x0", symmetric()), ("s0", x509)):
        reply = shared_line.call("PUT", f"/enrollmentGroups/{group}", GROUPS.body(group, other), {"If-Match": "*"})
        assert 400 <= reply.status < 500
    assert shared_line.all(GROUPS) == before
    put(shared_line, INDIVIDUALS, INDIVIDUALS.body("no-group"))
    assert put(shared_line, GROUPS, GROUPS.body("x0", x509, provisioningStatus="disabled"), if_match="*")
    assert shared_line.call("DELETE", "/enrollmentGroups/s99").status == 204
    changed = put(shared_line, GROUPS, GROUPS.body("x0", symmetric()), if_match="*")
    assert changed["attestation"]["type"] == "symmetricKey"
    assert put(shared_line, GROUPS, GROUPS.body("x100", x509))
    assert len(shared_line.all(GROUPS)) == 200
