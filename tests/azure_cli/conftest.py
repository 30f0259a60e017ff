"""A local DPS, and a CLI that has registered it as a cloud and signed in."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest

from helpers.local_dps import RequestRecord, running
from tests.azure_cli.az import VERSION, AzureCli, Outside
from tests.azure_cli.service import Service
from tests.local_dps.wire import LocalService


@pytest.fixture(scope="module")
def exchanges() -> list[RequestRecord]:
    """Every request that the local DPS received."""
    return []


@pytest.fixture(scope="module")
def dps(tmp_path_factory: pytest.TempPathFactory, exchanges: list[RequestRecord]) -> Iterator[LocalService]:
    state = tmp_path_factory.mktemp("dps") / "state"
    with running(state, observe=exchanges.append) as connection:
        yield LocalService(connection, state)


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    with Outside() as proxy:
        thread = Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, dps: LocalService, outside: Outside) -> AzureCli:
    """A CLI in which the local cloud is registered, but nobody has signed in."""
    cli = AzureCli(tmp_path_factory.mktemp("cloud") / "azure", dps, outside)
    cli.folder.mkdir()
    # The first command ever asks the world for a newer CLI, and no setting prevents it; this is what it would write.
    known = {"versions": {name: {"local": VERSION} for name in ("azure-cli", "core")}}
    (cli.folder / "versionCheck.json").write_text(json.dumps(known))
    cli("cloud", "register", "--name", "local", "--endpoint-resource-manager", dps.connection["management_endpoint"])
    cli("cloud", "set", "--name", "local")
    cli("config", "set", "core.instance_discovery=false")
    return cli


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory, cloud: AzureCli, dps: LocalService) -> AzureCli:
    """A CLI that is signed in with the secret. A whole module shares it, so its tests leave it as they found it."""
    signed_in = cloud.copy(tmp_path_factory.mktemp("cli") / "azure")
    signed_in(*signed_in.sign_in(*signed_in.secret(dps.connection["client_secret"])))
    return signed_in


@pytest.fixture
def stranger(tmp_path: Path, cloud: AzureCli) -> AzureCli:
    """A CLI in which the cloud is registered, but which has not signed in."""
    return cloud.copy(tmp_path / "azure")


@pytest.fixture
def service(dps: LocalService) -> Iterator[Service]:
    name = f"cli-{uuid4().hex[:12]}"
    group = f"/subscriptions/{dps.connection['subscription_id']}/resourceGroups/group-of-{name}"
    path = f"{group}/providers/Microsoft.Devices/provisioningServices/{name}"
    token = {"Authorization": f"Bearer {dps.management_token}"}
    body = {"location": "westeurope", "sku": {"name": "S1", "capacity": 1}, "properties": {}}
    assert dps.call("PUT", f"{group}?api-version=2024-11-01", {"location": "westeurope"}, token).status == 201
    assert dps.call("PUT", f"{path}?api-version=2026-11-01", body, token).status == 201
    yield Service(name, f"group-of-{name}", path)
    assert dps.call("DELETE", f"{group}?api-version=2024-11-01", None, token).status == 200
