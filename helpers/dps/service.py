"""A connection to one provisioning service: both planes behind one object, with one credential."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from azure.core.credentials import TokenCredential
from azure.identity import ClientSecretCredential, DefaultAzureCredential
from azure.iot.deviceprovisioning import DeviceProvisioningClient
from azure.mgmt.iothubprovisioningservices import IotDpsClient
from pydantic import BaseModel, Field, SecretStr, StringConstraints, ValidationError

from helpers.dps.ca_certificates import CaCertificates
from helpers.dps.devices import DevicePlane, Devices
from helpers.dps.enrollment_groups import EnrollmentGroups
from helpers.dps.errors import translated
from helpers.dps.individual_enrollments import IndividualEnrollments
from helpers.dps.persistence import repeat
from helpers.dps.refusals import KnownCas
from helpers.files import read_bytes
from helpers.problem import Problem

__all__ = ["ProvisioningService", "ServiceDescription", "connect_azure", "connect_local"]

_GLOBAL_DEVICE_HOST = "global.azure-devices-provisioning.net"


@dataclass(frozen=True)
class ServiceDescription:
    """What the service says of itself.

    Attributes:
        id_scope: what a device must know to find it. iot_hubs: host names of the linked hubs.
    """

    name: str
    location: str
    id_scope: str
    allocation_policy: str
    iot_hubs: tuple[str, ...]


class ProvisioningService:
    """One provisioning service.

    `certificates` is on the management plane, `enrollment_groups` and `individual_enrollments` are on the service plane, and
    `devices` is on the plane where devices register themselves.
    """

    def __init__(
        self,
        credential: TokenCredential,
        *,
        subscription_id: str,
        resource_group: str,
        provisioning_service: str,
        service_endpoint: str,
        device_plane: DevicePlane,
        management_endpoint: str | None = None,
        trust: str | bool = True,
    ) -> None:
        """
        Args:
            service_endpoint: https URL of the service plane.
            device_plane: where devices go. management_endpoint: None for Azure's own.
            trust: the PEM file of the CA that signed the endpoints' certificates; True for the public CAs.
        """
        self._group, self._name = resource_group, provisioning_service
        self._management = IotDpsClient(
            credential, subscription_id, base_url=management_endpoint, connection_verify=trust
        )
        self._service = DeviceProvisioningClient(service_endpoint, credential, connection_verify=trust)
        self.certificates = CaCertificates(self._management, resource_group, provisioning_service)
        self.enrollment_groups = EnrollmentGroups(self._service.enrollment_group)
        self.individual_enrollments = IndividualEnrollments(self._service.enrollment)
        self.devices = Devices(device_plane, lambda: self.describe().id_scope, self._known_cas, self._service)

    def describe(self) -> ServiceDescription:
        """Ask the service for its scope and its hubs: the first sign that it can be reached and lets you in."""

        def read() -> Any:
            with translated(f"read the provisioning service “{self._name}”"):
                return self._management.iot_dps_resource.get(self._name, self._group)

        answer = repeat(read)
        properties: Any = answer.properties
        return ServiceDescription(
            name=str(answer.name),
            location=str(answer.location),
            id_scope=properties.id_scope or "",
            allocation_policy=str(getattr(properties.allocation_policy, "value", properties.allocation_policy) or ""),
            iot_hubs=tuple(hub.name for hub in properties.iot_hubs or ()),
        )

    def _known_cas(self) -> KnownCas:
        return KnownCas(self.certificates.list(), self.enrollment_groups.list())

    def close(self) -> None:
        """Close both planes' connections."""
        self._management.close()
        self._service.close()


def connect_azure(*, subscription_id: str, resource_group: str, provisioning_service: str) -> ProvisioningService:
    """A provisioning service in Azure, with whatever credential DefaultAzureCredential finds (az login, environment, …).

    Raises:
        Problem: one of the three names is missing.
    """
    names = {
        "subscription_id": subscription_id,
        "resource_group": resource_group,
        "provisioning_service": provisioning_service,
    }
    missing = [name for name, value in names.items() if not value.strip()]
    if missing:
        raise Problem(
            f"The target azure needs {' and '.join(missing)}.",
            "Without them nobody knows which provisioning service is meant.",
            "Copy them from the service's overview page in the Azure portal.",
        )
    return ProvisioningService(
        DefaultAzureCredential(),
        service_endpoint=f"https://{provisioning_service}.azure-devices-provisioning.net",
        device_plane=DevicePlane(_GLOBAL_DEVICE_HOST),
        **names,
    )


def connect_local(connection_file: Path) -> ProvisioningService:
    """The local DPS that wrote this connection file.

    Raises:
        Problem: the file is not there, or is not a connection file.
    """
    content = read_bytes(connection_file)
    try:
        connection = _Connection.model_validate_json(content)
    except ValidationError as error:
        raise Problem(
            f"{connection_file.name} is not a connection file.",
            "It lacks what a local DPS writes into it.",
            "Start the local DPS again; it writes the file anew.",
        ) from error
    credential = ClientSecretCredential(
        connection.tenant_id,
        connection.client_id,
        connection.client_secret.get_secret_value(),
        authority=connection.authority,
        disable_instance_discovery=True,
        connection_verify=connection.ca_file,
    )
    return ProvisioningService(
        credential,
        subscription_id=connection.subscription_id,
        resource_group=connection.resource_group,
        provisioning_service=connection.provisioning_service,
        service_endpoint=connection.service_endpoint,
        # Azure's device SDK knows only Azure's ports: the proxy of the local DPS maps them to its own.
        device_plane=DevicePlane(
            _GLOBAL_DEVICE_HOST,
            _host_and_port(connection.proxy_endpoint),
            read_bytes(Path(connection.ca_file)).decode(),
        ),
        management_endpoint=connection.management_endpoint,
        trust=connection.ca_file,
    )


def _host_and_port(endpoint: str) -> tuple[str, int]:
    host, _, port = endpoint.rpartition(":")
    return host, int(port)


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
    service_endpoint: _Text
    management_endpoint: _Text
    proxy_endpoint: _Endpoint
    ca_file: _Text
