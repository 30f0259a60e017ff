"""Any request gets an answer that matches the OpenAPI description, and a refused request changes nothing."""

import base64
import json
import random
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.schemas import APIOperation

from helpers.local_dps import running
from tests import crafting
from tests.length import LONG
from tests.local_dps.pages import OPENAPI
from tests.local_dps.wire import LocalService, group_body, signature

DESCRIPTION = schemathesis.openapi.from_path(OPENAPI)
DESCRIPTION.config.generation.update(with_security_parameters=False)  # the tests bring credentials of their own
OPERATIONS = [result.ok() for result in DESCRIPTION.get_all_operations()]
CHECKS = [
    schemathesis.checks.CHECKS.get_one(f"{what}_conformance")
    for what in ("status_code", "content_type", "response_headers", "response_schema")
]
CHANCE = st.randoms(use_true_random=True)  # from a seed that Hypothesis draws
_LETTERS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_categories=["Cc"]), max_size=40)
CREDENTIALS = st.tuples(
    st.sampled_from(
        ["", "Bearer ", "Bearer a.b.", "SharedAccessSignature ", "SharedAccessSignature sr=a&sig=b&se=1&skn="]
    ),
    _LETTERS,
).map("".join)
each_operation = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda operation: operation.definition.raw["operationId"]
)
ROOT = crafting.root()
TABLES = ("identity", "resource_group", "service", "certificate", "enrollment", "registration")
Rows = Mapping[str, list[tuple[Any, ...]]]


class Target:
    """A local DPS with one resource of each kind, which is restored before each request."""

    def __init__(self, dps: LocalService) -> None:
        self.dps = dps
        self.session = requests.Session()
        self.session.verify = dps.connection["ca_file"]
        self.session.trust_env = False
        self.database = sqlite3.connect(dps.state / "dps.sqlite3", isolation_level=None)
        self._furnish()
        self.beginning = self.rows()

    def close(self) -> None:
        self.database.close()
        self.session.close()

    def _furnish(self) -> None:
        dps, given = self.dps, self.dps.connection
        dps.upload("root", ROOT.pem)
        code = dps.generate_code("root")["properties"]["verificationCode"]
        self.proof = crafting.proof(ROOT, code).pem
        dps.put_group(group_body("known", reference="root"))
        device = {"registrationId": "known", "attestation": {"type": "symmetricKey"}}
        assert dps.serve("PUT", "/enrollments/known", device).status == 200
        spare = f"/subscriptions/{given['subscription_id']}/resourceGroups/spare"
        manage = {"Authorization": f"Bearer {dps.management_token}"}
        body = {"location": "local", "sku": {"name": "S1"}, "properties": {}}
        services = f"{spare}/providers/Microsoft.Devices/provisioningServices"
        for path in (spare, f"{services}/spare"):
            assert dps.call("PUT", f"{path}?api-version=2022-12-12", body, manage).status == 201
        record = json.dumps({"status": "assigned", "assignedHub": given["iot_hubs"][0], "deviceId": "known"})
        stamp = "2026-11-01T12:00:00.0000000Z"
        self.database.execute(
            "INSERT INTO registration SELECT id, 'known', 'known', ?, 'etag', ?, ? FROM service WHERE name = ?",
            (record, stamp, stamp, given["provisioning_service"]),
        )
        again = dps.manage("PUT", "", dps.manage("GET").json)
        self.operation = again.headers["Azure-AsyncOperation"].rpartition("/")[2].partition("?")[0]

    def rows(self) -> Rows:
        """Return all rows, except the list of operations, which are complete anyway."""
        return {table: self.database.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall() for table in TABLES}

    def put_back(self) -> None:
        if self.rows() == self.beginning:
            return
        self.database.execute("BEGIN IMMEDIATE")
        for table, rows in self.beginning.items():
            self.database.execute(f"DELETE FROM {table}")
            self.database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        self.database.execute("COMMIT")

    def aim(self, case: Case, chance: random.Random) -> None:
        """Let a request refer to existing resources: always in its path, mostly in its headers and body."""
        given = self.dps.connection
        in_spare = case.method == "DELETE" and "name" not in case.path_parameters  # the main service must stay
        path = {
            "subscription": given["subscription_id"],
            "tenant": given["tenant_id"],
            "group": "spare" if in_spare else given["resource_group"],
            "service": "spare" if in_spare else given["provisioning_service"],
            "name": "root",
            "id": chance.choice(["known", "unknown"]),
            "key": "provisioningserviceowner",
            "operation": self.operation,
            "location": "local",
        }
        case.path_parameters = {name: path[name] for name in case.path_parameters}
        if case.method == "PUT" and chance.random() < 0.3:
            case.path_parameters[list(case.path_parameters)[-1]] = path["id"] = "fresh"
        if any(header.name == "If-Match" for header in case.operation.headers) and chance.random() < 0.8:
            case.headers["If-Match"] = "*"
        leaves: Mapping[str, tuple[Any, ...]] = {
            "certificate": (ROOT.pem, self.proof, base64.b64encode(self.proof.encode()).decode()),
            "enrollmentGroupId": (path["id"],),
            "registrationId": (path["id"],),
            "primary": ("root",),
            "secondary": ("root", None),
            "location": ("local",),
            "iotHubHostName": (given["iot_hubs"][0],),
            "iotHubs": (given["iot_hubs"][:1],),
            "primaryKey": (None, "schlüssel", given["connection_string"].rpartition("SharedAccessKey=")[2]),
            "secondaryKey": (None,),
            "rights": ("EnrollmentRead, EnrollmentWrite",),
            "hostName": (given["iot_hubs"][0],),
            "connectionString": (None, f"HostName={given['iot_hubs'][0]};SharedAccessKey=key"),
            "etag": (None, "*"),
            "mode": ("create", "update", "updateIfMatchETag", "delete"),
            "client_id": (given["client_id"],),
            "client_secret": (given["client_secret"],),
            "scope": ("https://management.azure.com/.default",),
            "resource": ("https://management.azure.com/",),
        }

        def aimed(node: Any) -> Any:
            if isinstance(node, list):
                return [aimed(each) for each in node]
            if not isinstance(node, dict):
                return node
            return {
                name: chance.choice(leaves[name])
                if name in leaves and is_text(value) and chance.random() < 0.9
                else aimed(value)
                for name, value in node.items()
            }

        case.body = aimed(case.body)

    def judge(self, case: Case, authorization: str | None) -> requests.Response:
        """Send the request. Check that the answer matches the description, and that the state changed only if it was accepted."""
        self.put_back()
        headers = {} if authorization is None else {"Authorization": authorization}
        request = case.as_transport_kwargs(self.dps.connection["management_endpoint"], headers)
        response = self.session.request(**request)  # not case.call, which tries again when a connection is dropped
        case.validate_response(response, checks=CHECKS)
        if response.status_code >= 400 or case.method in ("GET", "HEAD"):
            assert self.rows() == self.beginning
        return response


def is_text(value: Any) -> bool:
    """Return whether a known value may replace this one. A value of a wrong type stays, because it may be the point of the
    request."""
    return isinstance(value, str | None) or (isinstance(value, list) and all(isinstance(each, str) for each in value))


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    state = tmp_path_factory.mktemp("fuzzed") / "state"
    with running(state) as connection, closing(Target(LocalService(connection, state))) as made:
        yield made


def fuzzed(examples: int) -> settings:
    """The same examples each time; a call that fails is reported as it is, since making it smaller takes long."""
    return settings(
        max_examples=examples if LONG else -(-examples // 3),
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def cases(operation: APIOperation) -> st.SearchStrategy[Case]:
    """Return requests that match the description, and requests that violate it somewhere."""
    return st.sampled_from(GenerationMode).flatmap(operation.as_strategy)


@each_operation
def test_any_call_with_a_good_credential_is_answered_as_described(operation: APIOperation, target: Target) -> None:
    token = target.dps.service_token if is_of_service_plane(operation) else target.dps.management_token

    @fuzzed(30 if operation.body else 8)
    @given(case=cases(operation), chance=CHANCE)
    def judge(case: Case, chance: random.Random) -> None:
        target.judge(case, f"Bearer {token}")
        target.aim(case, chance)
        target.judge(case, f"Bearer {token}")

    judge()


@each_operation
def test_no_call_with_a_bad_credential_is_accepted(operation: APIOperation, target: Target) -> None:
    if not operation.definition.raw["security"]:
        return  # a call that needs no credential has no bad one

    @fuzzed(8)
    @given(case=cases(operation), chance=CHANCE, invented=CREDENTIALS)
    def judge(case: Case, chance: random.Random, invented: str) -> None:
        target.aim(case, chance)
        credential = chance.choice([*bad_credentials(target.dps, operation), invented])
        assert target.judge(case, credential).status_code == 401

    judge()


@pytest.mark.parametrize("depth", [100, 300, 500, 700, 900, 950, 975])
def test_a_deeply_nested_body_is_stored_or_refused(target: Target, depth: int) -> None:
    dps, nested = target.dps, b"[" * depth + b"]" * depth
    target.put_back()
    service = b'{"location": "local", "sku": {"name": "S1"}, "properties": {"minTlsVersion": %s}}' % nested
    group = (
        b'{"enrollmentGroupId": "known", "attestation": {"type": "symmetricKey"}, "initialTwin": {"a": %s}}' % nested
    )
    assert dps.manage("PUT", "", service).status in (201, 400)
    assert dps.serve("PUT", "/enrollmentGroups/known", group, if_match="*").status in (200, 400)
    assert dps.manage("GET").status == 200
    assert dps.serve("POST", "/enrollmentGroups/query", {"query": "*"}).status == 200


@pytest.mark.parametrize("key", ["schlüssel", "not base64!", "c2hvcnQ=", ""])
def test_any_key_of_an_access_policy_is_stored_or_refused(target: Target, key: str) -> None:
    target.put_back()
    rule = {"keyName": "reader", "rights": "EnrollmentRead", "primaryKey": key}
    service = {"location": "local", "sku": {"name": "S1"}, "properties": {"authorizationPolicies": [rule]}}
    assert target.dps.manage("PUT", "", service).status == (400 if key else 201)


def test_a_number_too_large_for_json_is_refused(target: Target) -> None:
    target.put_back()
    group = b'{"enrollmentGroupId": "known", "attestation": {"type": "symmetricKey"}, "initialTwin": {"a": 1e999}}'
    assert target.dps.serve("PUT", "/enrollmentGroups/known", group, if_match="*").status == 400
    assert target.rows() == target.beginning


def is_of_service_plane(operation: APIOperation) -> bool:
    return "serviceToken" in str(operation.definition.raw["security"])


def bad_credentials(dps: LocalService, operation: APIOperation) -> list[str | None]:
    """Return credentials that are almost valid: another plane's, a changed one, an expired one, and one from another key."""
    good, other = dps.service_token, dps.management_token
    if not is_of_service_plane(operation):
        good, other = other, good
    head, claims, _ = good.split(".")
    expired = jwt.decode(good, options={"verify_signature": False}) | {"exp": datetime.now(UTC) - timedelta(minutes=1)}
    nested = base64.urlsafe_b64encode(b"[" * 9000).decode().rstrip("=")
    key = dps.keys()["primaryKey"]
    return [
        None,
        "Bearer",
        f"Basic {good}",
        f"Bearer {other}",
        f"Bearer {good[:-4]}AAAA",
        f"Bearer {head}.{claims}.",
        f"Bearer {jwt.encode(expired, dps.token_key(), algorithm='HS256')}",
        f"Bearer {jwt.encode({'aud': '*'}, None, algorithm='none')}",
        f"Bearer {nested}.e30.AAAA",
        signature(dps.host, key, expires=1),
        signature("localhost:1", key),
        signature(dps.host, key, policy="nobody"),
        signature(dps.host, base64.b64encode(bytes(64)).decode()),
    ]
