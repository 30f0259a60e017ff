"""Connect to a local DPS through its connection file: to its first provisioning service, or to an additional one."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BaseModel, Field, SecretStr, StringConstraints, ValidationError

from helpers.dps.device_plane import DevicePlane
from helpers.dps.retries import found, retry_change, retry_read
from helpers.dps.service import AZURE_DEVICE_PLANE, ProvisioningService
from helpers.dps.wire import Wire
from helpers.files import read_bytes
from helpers.problem import Problem

if TYPE_CHECKING:  # the SDKs are imported only when a connection is made
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

_REQUEST_TIMEOUT_SECONDS = 10


def connect_local(connection_file: Path) -> ProvisioningService:
    """Connect to the provisioning service that a local DPS has from the start.

    Raises:
        Problem: there is no such file, or it is not a connection file.
    """
    connection = _read(connection_file)
    return _connect(connection, connection.provisioning_service, connection.service_endpoint)


def connect_to_another(connection_file: Path, name: str, *, iot_hub: str) -> ProvisioningService:
    """Create an additional provisioning service in a local DPS, link one IoT hub to it, and connect to it.

    It stands for another organization's service.

    Args:
        name: the service's name. An existing service with that name is removed first, with all that is in it.
        iot_hub: the hub's host name.

    Raises:
        Problem: as from `connect_local`.
        DpsError: the local DPS rejects the request.
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
                    # To a local DPS, a hub is only a name, so no key is needed.
                    connection_string=f"HostName={iot_hub};SharedAccessKeyName=iothubowner;SharedAccessKey=bm9uZQ==",
                )
            ]
        ),
    )

    def create() -> Any:
        return client.iot_dps_resource.begin_create_or_update(group, name, wanted, polling=False).result()

    def present() -> Any:
        reading = f"read the provisioning service “{name}”"
        return retry_read(reading, lambda: client.iot_dps_resource.get(name, group))

    with _management(connection, Wire()) as client:
        retry_change(f"create the provisioning service “{name}”", create, lambda: found(present))
        host = present().properties.service_operations_host_name
    return _connect(connection, name, f"https://{host}")


def remove_another(connection_file: Path, name: str) -> None:
    """Remove an additional provisioning service and all that is in it, if it exists."""
    connection = _read(connection_file)
    with _management(connection, Wire()) as client:
        retry_change(
            f"delete the provisioning service “{name}”",
            lambda: client.iot_dps_resource.begin_delete(name, connection.resource_group, polling=False),
            lambda: None,
        )


def local_id_scope(connection_file: Path) -> str:
    """Return the ID scope of the service that a local DPS has from the start."""
    return _read(connection_file).id_scope


def local_device_plane(connection_file: Path) -> DevicePlane:
    """Return the endpoint at which devices register with a local DPS. They need only this and the ID scope."""
    return _device_plane(_read(connection_file))


@dataclass(frozen=True)
class HubDevice:
    """A device's entry in an IoT hub's registry.

    Attributes:
        authentication: its type, such as `selfSigned`.
        thumbprint: of the device's certificate, SHA-256, upper-case hex.
    """

    device_id: str
    authentication: str
    thumbprint: str


def hub_device(connection_file: Path, hub: str, device_id: str) -> HubDevice:
    """Return a device's entry in the registry of one of a local DPS's hubs.

    Raises:
        Problem: the hub has no such entry.
    """
    import requests

    connection = _read(connection_file)
    answer = requests.get(
        f"{connection.control_endpoint}/hubs/{hub}/devices/{device_id}",
        headers={"Authorization": f"Bearer {connection.control_token.get_secret_value()}"},
        verify=connection.ca_file,
        timeout=_REQUEST_TIMEOUT_SECONDS,
    )
    if answer.status_code != 200:
        raise Problem(
            f"The hub {hub} has no device “{device_id}”.",
            "The device was never assigned to that hub, or has since been assigned to another one.",
            "Register the device again.",
        )
    known = answer.json()["authentication"]
    return HubDevice(device_id, known["type"], known["x509Thumbprint"]["primaryThumbprint"])


def _read(connection_file: Path) -> "_Connection":
    content = read_bytes(connection_file)
    try:
        return _Connection.model_validate_json(content)
    except ValidationError as error:
        raise Problem(
            f"{connection_file.name} is not a connection file.",
            "It lacks values that a local DPS writes into it.",
            "Start the local DPS again; it writes a new connection file.",
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
    """Return the local DPS's device endpoint, with its proxy: Azure's device SDK uses only Azure's ports, and the proxy
    maps these to the ports of the local DPS.
    """
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
    """The values used from a connection file. All are required: without one, an SDK would use Azure's own endpoints."""

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
