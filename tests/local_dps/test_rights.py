"""Which right opens which call of the service plane, for a key that has one right alone."""

import pytest

from helpers.local_dps.store import OWNER_RIGHTS
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


@pytest.mark.parametrize("right", OWNER_RIGHTS)
def test_a_key_opens_the_calls_of_its_right_and_no_other(dps: LocalService, right: str) -> None:
    owner = dps.keys()
    service = dps.manage("GET").json
    service["properties"]["authorizationPolicies"] = [owner, {"keyName": "narrow", "rights": right}]
    assert dps.manage("PUT", "", service).status == 200
    key = dps.manage("POST", "/keys/narrow/listkeys").json["primaryKey"]
    headers = {"Authorization": signature(dps.host, key, policy="narrow")}
    for needed, calls in CALLS.items():
        for method, path in calls:
            reply = dps.call(method, f"{path}?api-version=2021-10-01", {}, headers)
            assert (reply.status == 401) == (needed != right), (method, path, reply.status)
