"""azure-iot-device, unmodified, sync and aio, over MQTT and a websocket: it registers, and reports a rejection."""

import asyncio
import gc
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from azure.iot.device import X509, ProvisioningDeviceClient, ProxyOptions
from azure.iot.device.aio import ProvisioningDeviceClient as AioProvisioningDeviceClient
from azure.iot.device.exceptions import ClientError, ServiceError

from helpers.local_dps import RequestRecord, running
from tests.clients.devices import INTERMEDIATE, ROOT, STRANGER, WITHDRAWN, device_certificate, prepare
from tests.crafting import Crafted
from tests.local_dps.devices import write_chain
from tests.local_dps.wire import LocalService

HOST = "global.azure-devices-provisioning.net"
OPERATION = re.compile(r"\d\.[0-9a-f]{16}\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# The client selects its TLS version in a deprecated way, about which Python warns.
pytestmark = pytest.mark.filterwarnings("ignore:ssl.PROTOCOL_TLSv1_2 is deprecated:DeprecationWarning")


@dataclass(frozen=True)
class PythonDevice:
    """A device: its registration id, its certificate, and the CAs that it sends."""

    registration: str
    certificate: Crafted
    above: tuple[Crafted, ...] = ()
    scope: str | None = None

    def client(self, factory: Any, transport: str, dps: LocalService, folder: Path) -> Any:
        """Return one of Azure's clients; only the proxy leads it to this local DPS."""
        own = folder / self.registration
        own.mkdir()
        chain, private = write_chain(own, self.certificate, *self.above)
        given = dps.connection
        address, _, port = given["proxy_endpoint"].rpartition(":")
        return factory.create_from_x509_certificate(
            HOST,
            self.registration,
            self.scope or given["id_scope"],
            X509(str(chain), str(private)),
            server_verification_cert=Path(given["ca_file"]).read_text(),
            websockets=transport == "websocket",
            proxy_options=ProxyOptions("HTTP", address, int(port)),
        )


@dataclass(frozen=True)
class Fleet:
    """Registers devices in one form of the client and over one transport, all at once: each waits for two seconds."""

    form: str
    transport: str
    dps: LocalService
    folder: Path

    def register(self, devices: Iterable[PythonDevice]) -> dict[str, Any]:
        """Return the result or the raised error, by registration id."""
        known = list(devices)
        outcomes = self._aio(known) if self.form == "aio" else self._sync(known)
        # A rejected client stays connected, and connects again when it is disconnected. It ends when its object is collected,
        # which a traceback would prevent.
        for each in outcomes:
            while isinstance(each, Exception):
                each = each.with_traceback(None).__cause__
        gc.collect()
        return dict(zip([each.registration for each in known], outcomes, strict=True))

    def _sync(self, devices: list[PythonDevice]) -> list[Any]:
        def outcome(client: ProvisioningDeviceClient) -> Any:
            try:
                return client.register()
            except Exception as error:
                return error

        clients = [each.client(ProvisioningDeviceClient, self.transport, self.dps, self.folder) for each in devices]
        with ThreadPoolExecutor(len(clients)) as threads:
            return list(threads.map(outcome, clients))

    def _aio(self, devices: list[PythonDevice]) -> list[Any]:
        async def outcomes() -> list[Any]:
            factory = AioProvisioningDeviceClient
            clients = [each.client(factory, self.transport, self.dps, self.folder) for each in devices]
            return await asyncio.gather(*(each.register() for each in clients), return_exceptions=True)

        return asyncio.run(outcomes())


@pytest.fixture(params=["sync", "aio"])
def form(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=["MQTT", "websocket"])
def transport(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def fleet(form: str, transport: str, service: LocalService, tmp_path: Path) -> Fleet:
    return Fleet(form, transport, service, tmp_path)


def device(
    registration: str, *above: Crafted, issuer: Crafted, kind: str = "P-256", called: str | None = None
) -> PythonDevice:
    return PythonDevice(registration, device_certificate(called or registration, issuer, kind), above)


def assert_assigned(dps: LocalService, registration: str, result: Any) -> None:
    """Check that the device's answer is the service plane's record."""
    assert not isinstance(result, Exception), (registration, result, result.__cause__)
    state = result.registration_state
    assert result.status == "assigned"
    assert OPERATION.fullmatch(result.operation_id)
    assert state.assigned_hub in dps.connection["iot_hubs"]
    assert dps.serve("GET", f"/registrations/{registration}").json == {
        "registrationId": registration,
        "deviceId": state.device_id,
        "status": "assigned",
        "substatus": state.sub_status,
        "assignedHub": state.assigned_hub,
        "createdDateTimeUtc": state.created_date_time,
        "lastUpdatedDateTimeUtc": state.last_update_date_time,
        "etag": state.etag,
    }
    assert (state.device_id, state.sub_status, state.response_payload) == (registration, "initialAssignment", "null")


def test_azures_device_client_is_assigned_to_a_hub_and_the_record_matches_its_answer(
    fleet: Fleet, service: LocalService, exchanges: list[RequestRecord]
) -> None:
    began = len(exchanges)
    outcomes = fleet.register(
        [
            device("p256-below-root", issuer=ROOT),
            device("p256-below-intermediate", INTERMEDIATE, issuer=INTERMEDIATE),
            device("rsa-below-root", issuer=ROOT, kind="RSA-2048"),
            device("rsa-below-intermediate", INTERMEDIATE, issuer=INTERMEDIATE, kind="RSA-2048"),
        ]
    )
    by_client = exchanges[began:]
    for registration, result in outcomes.items():
        assert_assigned(service, registration, result)
        prefix = f"/{service.connection['id_scope']}/registrations/{registration}/"
        mine = [(each.method, each.path, each.status) for each in by_client if each.path.startswith(prefix)]
        polled = f"{prefix}operations/{result.operation_id}"
        assert mine == [("MQTT", f"{prefix}register", 202), ("MQTT", polled, 200)]


def assert_refused(error: Any, reason: str) -> None:
    """Check the error. The client drops the answer's body, so the error's cause has only the status."""
    assert type(error) is ClientError, error
    assert str(error) == "Unexpected failure"
    assert type(error.__cause__) is ServiceError
    assert str(error.__cause__) == reason


UNAUTHORIZED = "register request returned a service error status code 401"
REJECTED: Mapping[str, tuple[PythonDevice, int, str]] = {
    "another CA of the same name": (
        device("strange", STRANGER, issuer=STRANGER), 401002, "CA certificate not found."
    ),
    "the intermediate was not sent": (device("lonely", issuer=INTERMEDIATE), 401002, "CA certificate not found."),
    "the certificate names another": (device("other", issuer=ROOT, called="someone"), 401000, "Unauthorized"),
    "an unknown ID scope": (replace(device("lost", issuer=ROOT), scope="0neFFFFFFFF"), 401000, "Unauthorized"),
}  # fmt: skip


def test_azures_device_client_raises_for_a_rejected_device(
    fleet: Fleet, service: LocalService, exchanges: list[RequestRecord]
) -> None:
    began = len(exchanges)
    outcomes = fleet.register([each for each, _, _ in REJECTED.values()])
    refusals = {each.path.split("/")[3]: each.refusal for each in exchanges[began:]}
    for each, code, message in REJECTED.values():
        assert_refused(outcomes[each.registration], UNAUTHORIZED)
        refusal = refusals[each.registration]
        assert refusal is not None
        assert (refusal.code, refusal.message) == (code, message)
        assert service.serve("GET", f"/registrations/{each.registration}").status == 404


def test_azures_device_client_raises_where_the_group_is_disabled_or_no_hub_is_linked(
    form: str, service: LocalService, tmp_path: Path
) -> None:
    document = service.manage("GET").json
    document["properties"]["iotHubs"] = []
    assert service.manage("PUT", "", document).status == 201
    outcomes = Fleet(form, "MQTT", service, tmp_path).register(
        [device("withdrawn", WITHDRAWN, issuer=WITHDRAWN), device("homeless", issuer=ROOT)]
    )
    assert_refused(
        outcomes["withdrawn"],
        "Query Status Operation encountered an invalid registration status disabled with a status code of 200",
    )
    assert_refused(
        outcomes["homeless"],
        "Query Status operation returned a failed registration status with a status code of 200",
    )
    records = {each: service.serve("GET", f"/registrations/{each}").json for each in outcomes}
    assert {each: record["status"] for each, record in records.items()} == {
        "withdrawn": "disabled",
        "homeless": "failed",
    }
    assert records["homeless"]["errorCode"] == 400208
    for record in records.values():
        assert record["etag"]
        assert "assignedHub" not in record


def test_thirty_devices_register_at_once(service: LocalService, tmp_path: Path) -> None:
    ids = [f"device-{number}" for number in range(30)]
    devices = [device(each, INTERMEDIATE, issuer=INTERMEDIATE) for each in ids]
    outcomes = Fleet("aio", "MQTT", service, tmp_path).register(devices)
    for registration, result in outcomes.items():
        assert_assigned(service, registration, result)
    records = service.serve("POST", "/registrations/ours/query").json
    assert sorted(each["registrationId"] for each in records) == sorted(ids)
    assert len({result.operation_id for result in outcomes.values()}) == 30


def test_a_client_that_stays_connected_after_its_refusal_does_not_disturb_the_end(
    state: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running(state) as connection:
        dps = LocalService(connection, state)
        prepare(dps)
        refused = device("lonely", issuer=INTERMEDIATE)
        for transport in ("MQTT", "websocket"):
            own = tmp_path / transport
            own.mkdir()
            assert_refused(Fleet("sync", transport, dps, own).register([refused])["lonely"], UNAUTHORIZED)
    assert [each.getMessage() for each in caplog.records if each.name == "asyncio"] == []
