"""The OpenAPI description is valid, and describes exactly the existing requests."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml

from helpers.local_dps.core import Core
from helpers.local_dps.errors import ApiPlane
from helpers.local_dps.planes.identity.assertion import new_client_certificate
from helpers.local_dps.request.endpoints import Endpoints
from helpers.local_dps.store import Store
from tests.local_dps.pages import OPENAPI

DOCUMENT = yaml.safe_load(OPENAPI.read_text())
METHODS = ("get", "head", "post", "put", "patch", "delete")


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    store = Store(tmp_path / "dps.sqlite3")
    yield Core(store, Endpoints(0), new_client_certificate(datetime.now(UTC))[1])
    store.close()


def operations() -> list[tuple[str, str, Any]]:
    return [
        (method, path, item[method]) for path, item in DOCUMENT["paths"].items() for method in METHODS if method in item
    ]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for name, value in node.items() if name == "$ref")
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from references(inner)


def test_the_description_is_valid() -> None:
    schemathesis.openapi.from_path(OPENAPI).validate()


def test_each_route_is_described_and_each_description_is_a_route(core: Core) -> None:
    described = (
        table for plane, table in core.tables.items() if plane is not ApiPlane.DEVICE
    )  # the device plane mostly uses MQTT
    routes = {(route.method, route.template) for table in described for route in table.routes}
    assert {(method.upper(), path) for method, path, _ in operations()} == routes


def test_each_call_has_a_name_of_its_own_and_says_what_it_does_and_what_it_needs() -> None:
    described = [operation for _, _, operation in operations()]
    assert len({operation["operationId"] for operation in described}) == len(described)
    assert all(operation["summary"] and "security" in operation for operation in described)


def test_each_component_exists_and_is_used() -> None:
    components = {
        f"#/components/{kind}/{name}"
        for kind, named in DOCUMENT["components"].items()
        for name in named
        if kind != "securitySchemes"
    }
    assert set(references(DOCUMENT)) == components


def test_a_500_is_described_only_where_a_certificate_is_no_certificate() -> None:
    described = [operation["operationId"] for _, _, operation in operations() if "500" in operation["responses"]]
    assert described == ["uploadCertificate", "verifyCertificate"]
