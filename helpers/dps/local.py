"""The local DPS behind a connection file: the service that is there from the start, and further ones."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BaseModel, Field, SecretStr, StringConstraints, ValidationError

from helpers.dps.device_plane import DevicePlane
from helpers.dps.errors import DpsError, translated
from helpers.dps.persistence import repeat, settle
from helpers.dps.service import AZURE_DEVICE_PLANE, ProvisioningService
from helpers.dps.wire import Wire
from helpers.files import read_bytes
from helpers.problem import Problem

if TYPE_CHECKING:  # the SDKs are imported when a service is connected to
    from azure.identity import ClientSecretCredential
    from azure.mgmt.iothubprovisioningservices import IotDpsClient

__all__ = [
    "HubDevice",
    "connect_local",
    "connect_to_another",
    "hub_device",
    "local_device_plane",
    "local_id_scope",
    "remove_another",
]

_SECONDS = 10


def connect_local(connection_file: Path) -> ProvisioningService:
    """The provisioning service that a local DPS has from the start.

    Raises:
        Problem: the file is not there, or is not a connection file.
    """
    connection = _read(connection_file)
    return _connect(connection, connection.provisioning_service, connection.service_endpoint)


def connect_to_another(connection_file: Path, name: str, *, iot_hub: str) -> ProvisioningService:
    """A further provisioning service of the same local DPS, as if somebody else's: made anew, with one hub linked.

    Args:
        name: of the service; one that has it already is removed first, with all that is in it.
        iot_hub: the hub's host name.

    Raises:
        Problem: as of `connect_local`. DpsError: the local DPS refuses.
    """
    from azure.mgmt.iothubprovisioningservices.models import (
        IotDpsPropertiesDescription,
        IotDpsSkuInfo,
        IotHubDefinitionDescription,
        ProvisioningServiceDescription,
    )

    remove_another(connection_file, name)
    connection = _read(connection_file)
    group = connection.resource_group
    wanted = ProvisioningServiceDescription(
        location="local",
        sku=IotDpsSkuInfo(name="S1", capacity=1),
        properties=IotDpsPropertiesDescription(
            iot_hubs=[
                IotHubDefinitionDescription(
                    location="local",
                    # A hub is a name here; nobody signs in there.
                    connection_string=f"HostName={iot_hub};SharedAccessKeyName=iothubowner;SharedAccessKey=bm9uZQ==",
                )
            ]
        ),
    )

    def create() -> Any:
        with translated(f"create the provisioning service “{name}”"):
            return client.iot_dps_resource.begin_create_or_update(group, name, wanted, polling=False).result()

    def present() -> Any:
        with translated(f"read the provisioning service “{name}”"):
            return client.iot_dps_resource.get(name, group)

    with _management(connection, Wire()) as client:
        settle(create, lambda: _found(present))
        host = repeat(present).properties.service_operations_host_name
    return _connect(connection, name, f"https://{host}")


def remove_another(connection_file: Path, name: str) -> None:
    """Remove a further provisioning service and all that is in it, if it is there."""
    connection = _read(connection_file)

    def delete() -> bool:
        with translated(f"delete the provisioning service “{name}”"):
            client.iot_dps_resource.begin_delete(name, connection.resource_group, polling=False)
        return True

    with _management(connection, Wire()) as client:
        settle(delete, lambda: None)


def local_id_scope(connection_file: Path) -> str:
    """The ID scope of the service that is there from the start."""
    return _read(connection_file).id_scope


def local_device_plane(connection_file: Path) -> DevicePlane:
    """Where devices of a local DPS go, for somebody who knows no more of it than its ID scope."""
    return _device_plane(_read(connection_file))


@dataclass(frozen=True)
class HubDevice:
    """A device as its IoT hub knows it. thumbprint: of its certificate, SHA-256, upper-case hex."""

    device_id: str
    authentication: str
    thumbprint: str


def hub_device(connection_file: Path, hub: str, device_id: str) -> HubDevice:
    """What a hub of the local DPS has in its registry of a device that was assigned to it.

    Raises:
        Problem: the hub knows no such device.
    """
    import requests

    connection = _read(connection_file)
    answer = requests.get(
        f"{connection.control_endpoint}/hubs/{hub}/devices/{device_id}",
        headers={"Authorization": f"Bearer {connection.control_token.get_secret_value()}"},
        verify=connection.ca_file,
        timeout=_SECONDS,
    )
    if answer.status_code != 200:
        raise Problem(
            f"The hub {hub} knows no device “{device_id}”.",
            "It was never assigned there, or has been assigned to another hub since.",
            "Register it again.",
        )
    known = answer.json()["authentication"]
    return HubDevice(device_id, known["type"], known["x509Thumbprint"]["primaryThumbprint"])


def _found(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except DpsError as error:
        if error.status == 404:
            return None
        raise


def _read(connection_file: Path) -> "_Connection":
    content = read_bytes(connection_file)
    try:
        return _Connection.model_validate_json(content)
    except ValidationError as error:
        raise Problem(
            f"{connection_file.name} is not a connection file.",
            "It lacks what a local DPS writes into it.",
            "Start the local DPS again; it writes the file anew.",
        ) from error


def _credential(connection: "_Connection", wire: Wire) -> "ClientSecretCredential":
    from azure.identity import ClientSecretCredential

    return ClientSecretCredential(
        connection.tenant_id,
        connection.client_id,
        connection.client_secret.get_secret_value(),
        authority=connection.authority,
        disable_instance_discovery=True,
        connection_verify=connection.ca_file,
        raw_response_hook=wire.listener("sign-in"),
    )


def _management(connection: "_Connection", wire: Wire) -> "IotDpsClient":
    from azure.mgmt.iothubprovisioningservices import IotDpsClient

    return IotDpsClient(
        _credential(connection, wire),
        connection.subscription_id,
        base_url=connection.management_endpoint,
        connection_verify=connection.ca_file,
    )


def _connect(connection: "_Connection", name: str, service_endpoint: str) -> ProvisioningService:
    wire = Wire()
    return ProvisioningService(
        _credential(connection, wire),
        subscription_id=connection.subscription_id,
        resource_group=connection.resource_group,
        provisioning_service=name,
        service_endpoint=service_endpoint,
        device_plane=_device_plane(connection),
        management_endpoint=connection.management_endpoint,
        trust=connection.ca_file,
        wire=wire,
    )


def _device_plane(connection: "_Connection") -> DevicePlane:
    """Azure's device SDK knows only Azure's ports: the proxy of the local DPS maps them to its own."""
    host, _, port = connection.proxy_endpoint.rpartition(":")
    return DevicePlane(
        AZURE_DEVICE_PLANE.host,
        https_endpoint=f"https://{connection.device_endpoint}",
        proxy=(host, int(port)),
        trust=read_bytes(Path(connection.ca_file)).decode(),
    )


_Endpoint: TypeAlias = Annotated[str, StringConstraints(strict=True, pattern=r"^[^:]+:\d+$")]
_Text: TypeAlias = Annotated[str, StringConstraints(strict=True, min_length=1)]


class _Connection(BaseModel):
    """What is needed of a connection file. Nothing may be missing: an SDK would fall back to Azure's own endpoints."""

    tenant_id: _Text
    client_id: _Text
    client_secret: Annotated[SecretStr, Field(min_length=1)]
    authority: _Text
    subscription_id: _Text
    resource_group: _Text
    provisioning_service: _Text
    id_scope: _Text
    service_endpoint: _Text
    management_endpoint: _Text
    device_endpoint: _Endpoint
    proxy_endpoint: _Endpoint
    control_endpoint: _Text
    control_token: Annotated[SecretStr, Field(min_length=1)]
    ca_file: _Text
