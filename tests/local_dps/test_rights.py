"""The requests to the service plane that each right allows, for a key with only one right."""

import pytest

from helpers.local_dps.store import RIGHTS
from tests.local_dps.wire import LocalService, signature

CALLS = {
    "EnrollmentRead": [
        ("GET", "/enrollmentGroups/none"),
        ("GET", "/enrollments/none"),
        ("POST", "/enrollmentGroups/query"),
        ("POST", "/enrollments/query"),
    ],
    "EnrollmentWrite": [
        ("PUT", "/enrollmentGroups/none"),
        ("PUT", "/enrollments/none"),
        ("DELETE", "/enrollmentGroups/none"),
        ("DELETE", "/enrollments/none"),
        ("POST", "/enrollmentGroups"),
        ("POST", "/enrollments/"),
        ("POST", "/enrollmentGroups/none/attestationmechanism"),
        ("POST", "/enrollments/none/attestationmechanism"),
    ],
    "RegistrationStatusRead": [("GET", "/registrations/none"), ("POST", "/registrations/none/query")],
    "RegistrationStatusWrite": [("DELETE", "/registrations/none")],
}
OPENS = {
    "EnrollmentWrite": {*CALLS},
    "RegistrationStatusWrite": {"RegistrationStatusWrite", "RegistrationStatusRead"},
}


def test_the_owner_of_a_new_service_has_three_rights_that_allow_every_call(dps: LocalService) -> None:
    owner = dps.keys()
    assert owner["rights"] == "ServiceConfig, DeviceConnect, EnrollmentWrite"
    headers = {"Authorization": signature(dps.host, owner["primaryKey"])}
    for method, path in (call for calls in CALLS.values() for call in calls):
        assert dps.call(method, f"{path}?api-version=2021-10-01", {}, headers).status in (200, 400, 404), (method, path)


@pytest.mark.parametrize("right", RIGHTS)
def test_a_key_allows_the_calls_of_its_right_and_of_those_that_it_includes(dps: LocalService, right: str) -> None:
    owner = dps.keys()
    service = dps.manage("GET").json
    service["properties"]["authorizationPolicies"] = [owner, {"keyName": "narrow", "rights": right}]
    assert dps.manage("PUT", "", service).status == 201
    key = dps.manage("POST", "/keys/narrow/listkeys").json["primaryKey"]
    headers = {"Authorization": signature(dps.host, key, policy="narrow")}
    for needed, calls in CALLS.items():
        for method, path in calls:
            reply = dps.call(method, f"{path}?api-version=2021-10-01", {}, headers)
            assert (reply.status != 401) == (needed in OPENS.get(right, {right})), (method, path, reply.status)
