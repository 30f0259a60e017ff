"""A local DPS on a folder of its own, and Azure's own clients connected to it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.identity import ClientSecretCredential
from azure.iot.deviceprovisioning import DeviceProvisioningClient
from azure.mgmt.iothubprovisioningservices import IotDpsClient

from helpers.local_dps import running
from tests.local_dps.credentials import client_secret_credential
from tests.local_dps.enrollments import GROUPS, INDIVIDUALS, EnrollmentClient
from tests.local_dps.process import Server
from tests.local_dps.webhook import Webhook, running_webhook
from tests.local_dps.wire import KeptLine, LocalService


@pytest.fixture
def dps(tmp_path: Path) -> Iterator[LocalService]:
    state = tmp_path / "state"
    with running(state, allow_tls_1_3=True) as connection:
        yield KeptLine(connection, state)


@pytest.fixture(scope="module")
def shared_dps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    """One local DPS for a whole module, whose tests must leave it as they found it."""
    state = tmp_path_factory.mktemp("shared") / "state"
    with running(state, allow_tls_1_3=True) as connection:
        yield KeptLine(connection, state)


@pytest.fixture
def shared_line(shared_dps: LocalService) -> Iterator[EnrollmentClient]:
    """A client of the shared local DPS, whose enrollments are deleted at the end."""
    with EnrollmentClient(shared_dps) as made:
        yield made
        for kind in (GROUPS, INDIVIDUALS):
            made.clear(kind)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with running_webhook() as made:
        yield made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The local DPS as a process, which is killed at the end if it is still running."""
    with Server(tmp_path) as made:
        yield made


@pytest.fixture
def credential(dps: LocalService) -> Iterator[ClientSecretCredential]:
    given = dps.connection
    with client_secret_credential(dps, given["client_secret"]) as made:
        yield made


@pytest.fixture
def management(dps: LocalService, credential: ClientSecretCredential) -> Iterator[IotDpsClient]:
    given = dps.connection
    with IotDpsClient(
        credential,
        given["subscription_id"],
        base_url=given["management_endpoint"],
        connection_verify=given["ca_file"],
    ) as client:
        yield client


ServiceClients = dict[str, Callable[[], DeviceProvisioningClient]]


@pytest.fixture(params=["connection string", "named key", "token"])
def service(
    request: pytest.FixtureRequest, dps: LocalService, credential: ClientSecretCredential
) -> Iterator[DeviceProvisioningClient]:
    """The client for enrollment groups, with each of the credentials that it accepts."""
    given = dps.connection
    verify = {"connection_verify": given["ca_file"]}
    keys = dps.keys()
    makers: ServiceClients = {
        "connection string": lambda: DeviceProvisioningClient.from_connection_string(
            given["connection_string"], **verify
        ),
        "named key": lambda: DeviceProvisioningClient(
            given["service_endpoint"], AzureNamedKeyCredential(keys["keyName"], keys["secondaryKey"]), **verify
        ),
        "token": lambda: DeviceProvisioningClient(given["service_endpoint"], credential, **verify),
    }
    with ExitStack() as stack:
        yield stack.enter_context(makers[request.param]())
