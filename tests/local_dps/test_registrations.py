"""Registration records, read and deleted through the service plane."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.iot.deviceprovisioning import DeviceProvisioningClient

from helpers.local_dps import running
from helpers.local_dps.store import RegistrationRow, Store, new_etag
from tests.local_dps.assertions import assert_service_refuses
from tests.local_dps.enrollments import GROUPS, INDIVIDUALS, WRONG_ETAG, EnrollmentClient, get, put, without
from tests.local_dps.wire import LocalService

CREATED, UPDATED = "2026-01-02T03:04:05.6789012Z", "2026-02-03T04:05:06.7890123Z"
DEVICES = [f"{'Dev' if number % 2 else 'dev'}-{number:02}" for number in range(25)]
ASSIGNED = {"assignedHub": "hub.azure-devices.net", "status": "assigned", "substatus": "initialAssignment"}
FAILED = {"status": "failed", "errorCode": 400208, "errorMessage": "No IoT hub.", "payload": {"a": ["ä", None]}}


def seeded_records(service: int) -> list[RegistrationRow]:
    """25 devices of one group, one of another, one that failed, one of an individual enrollment."""

    def row(device: str, group: str | None, document: dict[str, Any]) -> RegistrationRow:
        return RegistrationRow(service, device, group, document, new_etag(), CREATED, UPDATED)

    return [
        *(row(device, "Floor-1", {**ASSIGNED, "deviceId": device}) for device in reversed(DEVICES)),
        row("dev-elsewhere", "floor-2", {**ASSIGNED, "deviceId": "dev-elsewhere"}),
        row("broken", "floor-2", FAILED),
        row("Alone", None, {**ASSIGNED, "deviceId": "kitchen"}),
    ]


@pytest.fixture
def rows(tmp_path: Path) -> dict[str, RegistrationRow]:
    """The rows in the state before the local DPS starts."""
    state = tmp_path / "state"
    state.mkdir()
    store = Store(state / "dps.sqlite3")
    records = seeded_records(store.services.all()[0].id)
    with store.transaction():
        for record in records:
            store.registrations.put(record)
    store.close()
    return {record.id: record for record in records}


@pytest.fixture
def dps(tmp_path: Path, rows: dict[str, RegistrationRow]) -> Iterator[LocalService]:
    state = tmp_path / "state"
    with running(state) as connection:
        yield LocalService(connection, state)


@pytest.fixture
def line(dps: LocalService) -> Iterator[EnrollmentClient]:
    with EnrollmentClient(dps) as made:
        for group in ("floor-1", "floor-2", "nobody"):
            put(made, GROUPS, GROUPS.body(group))
        put(made, INDIVIDUALS, INDIVIDUALS.body("alone", deviceId="kitchen"))
        yield made


def shown(row: RegistrationRow) -> dict[str, Any]:
    times = {"createdDateTimeUtc": CREATED, "lastUpdatedDateTimeUtc": UPDATED}
    return {"registrationId": row.id, **times, **row.document, "etag": row.etag}


def test_a_record_is_read_as_it_is(line: EnrollmentClient, rows: dict[str, RegistrationRow]) -> None:
    for asked, there in (("dev-00", "dev-00"), ("DEV-01", "Dev-01"), ("broken", "broken"), ("alone", "Alone")):
        reply = line.call("GET", f"/registrations/{asked}")
        assert (reply.status, reply.json) == (200, shown(rows[there]))


def test_a_record_that_is_not_there_is_not_found(line: EnrollmentClient) -> None:
    for method in ("GET", "DELETE"):
        assert_service_refuses(line.call(method, "/registrations/nobody"), 404, 404202)


@pytest.mark.parametrize("if_match", [None, "*", "{}", '"{}"'])
def test_a_record_is_deleted_alone(
    line: EnrollmentClient, rows: dict[str, RegistrationRow], if_match: str | None
) -> None:
    headers = {"If-Match": if_match.format(rows["Dev-01"].etag)} if if_match else {}
    reply = line.call("DELETE", "/registrations/dev-01", None, headers)
    assert (reply.status, reply.content) == (204, b"")
    assert_service_refuses(line.call("GET", "/registrations/Dev-01"), 404, 404202)
    left = line.call("POST", "/registrations/floor-1/query").json
    assert {record["registrationId"] for record in left} == {*DEVICES} - {"Dev-01"}


def test_a_stale_etag_deletes_no_record(line: EnrollmentClient, rows: dict[str, RegistrationRow]) -> None:
    for etag in (WRONG_ETAG, "nonsense", rows["dev-02"].etag):
        reply = line.call("DELETE", "/registrations/dev-00", None, {"If-Match": etag})
        assert_service_refuses(reply, 412, reply.json["errorCode"], "ETag is invalid")
    assert line.call("GET", "/registrations/dev-00").json == shown(rows["dev-00"])


@pytest.mark.parametrize("size", [1, 2, 5, 24, 25, 26, 1000])
def test_the_records_of_a_group_are_queried_in_pages(
    line: EnrollmentClient, rows: dict[str, RegistrationRow], size: int
) -> None:
    records, pages, token = [], 0, None
    while pages == 0 or token:
        headers = {"x-ms-max-item-count": str(size)} | ({"x-ms-continuation": token} if token else {})
        reply = line.call("POST", "/registrations/FLOOR-1/query", None, headers)
        assert reply.status == 200, reply.content
        assert reply.headers["x-ms-item-type"] == "DeviceRegistration"
        assert reply.headers["x-ms-max-item-count"] == str(size)
        records, pages, token = records + reply.json, pages + 1, reply.headers.get("x-ms-continuation")
    assert records == [shown(rows[device]) for device in reversed(DEVICES)]  # in order of creation
    assert pages == -(-len(DEVICES) // size)


def test_a_group_without_devices_has_no_records_and_an_unknown_group_is_not_found(line: EnrollmentClient) -> None:
    assert line.call("POST", "/registrations/nobody/query").json == []
    for unknown in ("alone", "dev-00", "floor"):  # an enrollment, a device, a beginning
        assert_service_refuses(line.call("POST", f"/registrations/{unknown}/query"), 404, 404204)


def test_records_of_another_group_stay_out_of_a_query(line: EnrollmentClient, rows: dict[str, RegistrationRow]) -> None:
    got = line.call("POST", "/registrations/floor-2/query").json
    assert got == [shown(rows["dev-elsewhere"]), shown(rows["broken"])]


def test_an_enrollment_shows_its_record_until_that_is_deleted(
    line: EnrollmentClient, rows: dict[str, RegistrationRow]
) -> None:
    present = get(line, INDIVIDUALS, "alone")
    assert present["registrationState"] == shown(rows["Alone"])
    assert line.all(INDIVIDUALS) == [without(present, "registrationState")]
    assert line.call("DELETE", "/registrations/alone").status == 204
    unassigned = {"registrationId": "alone", "status": "unassigned"}
    assert get(line, INDIVIDUALS, "alone") == {**present, "registrationState": unassigned}


def test_a_record_outlives_a_change_of_its_enrollment(line: EnrollmentClient, rows: dict[str, RegistrationRow]) -> None:
    put(line, INDIVIDUALS, INDIVIDUALS.body("alone", provisioningStatus="disabled"), if_match="*")
    assert get(line, INDIVIDUALS, "alone")["registrationState"] == shown(rows["Alone"])


def test_a_record_of_one_service_is_not_in_another(dps: LocalService, line: EnrollmentClient) -> None:
    other = dps.root[: dps.root.rindex("/")] + "/second"
    headers = {"Authorization": f"Bearer {dps.management_token}"}
    body = {"location": "local", "properties": {}, "sku": {"name": "S1", "capacity": 1}}
    assert dps.call("PUT", f"{other}?api-version=2026-11-01", body, headers).status == 201
    place = dps.call("GET", f"{other}?api-version=2026-11-01", headers=headers).json["properties"]
    with EnrollmentClient(dps, place["serviceOperationsHostName"]) as elsewhere:
        put(elsewhere, GROUPS, GROUPS.body("floor-1"))
        assert elsewhere.call("POST", "/registrations/floor-1/query").json == []
        assert_service_refuses(elsewhere.call("GET", "/registrations/dev-00"), 404, 404202)
        assert_service_refuses(elsewhere.call("DELETE", "/registrations/dev-00"), 404, 404202)
    assert line.call("GET", "/registrations/dev-00").status == 200


def test_azures_client_reads_queries_and_deletes_records(
    dps: LocalService, line: EnrollmentClient, rows: dict[str, RegistrationRow]
) -> None:
    given = dps.connection
    with DeviceProvisioningClient.from_connection_string(
        given["connection_string"], connection_verify=given["ca_file"]
    ) as client:
        states = client.device_registration_state
        assert states.get("dev-00") == shown(rows["dev-00"])
        pages = states.query("floor-1", top=10).by_page()
        assert [len(list(page)) for page in pages] == [10, 10, 5]
        states.delete("dev-00", if_match=rows["dev-00"].etag)
        with pytest.raises(ResourceNotFoundError):
            states.get("dev-00")
