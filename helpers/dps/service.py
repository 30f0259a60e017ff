"""A connection to one provisioning service: all its planes behind one object, with one credential."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from helpers.dps.ca_certificates import CaCertificates
from helpers.dps.device_plane import DevicePlane
from helpers.dps.devices import Devices
from helpers.dps.enrollment_groups import EnrollmentGroups
from helpers.dps.individual_enrollments import IndividualEnrollments
from helpers.dps.refusals import KnownCas
from helpers.dps.retries import retry_read
from helpers.dps.wire import Wire
from helpers.problem import Problem

if TYPE_CHECKING:  # the SDKs are imported only when a connection is made
    from azure.core.credentials import TokenCredential

__all__ = ["AZURE_DEVICE_PLANE", "ProvisioningService", "ServiceDescription", "connect_azure"]

AZURE_DEVICE_PLANE = DevicePlane("global.azure-devices-provisioning.net")


@dataclass(frozen=True)
class ServiceDescription:
    """A provisioning service's properties.

    Attributes:
        id_scope: identifies the service to a device, which sends it when it registers.
        iot_hubs: host names of the linked hubs.
    """

    name: str
    location: str
    id_scope: str
    allocation_policy: str
    iot_hubs: tuple[str, ...]


class ProvisioningService:
    """One provisioning service.

    `certificates` is on the management plane, `enrollment_groups` and `individual_enrollments` are on the service plane, and
    `devices` is on the device plane, where devices register themselves. `wire` records the requests on the first two planes.
    """

    def __init__(
        self,
        credential: "TokenCredential",
        *,
        subscription_id: str,
        resource_group: str,
        provisioning_service: str,
        service_endpoint: str,
        device_plane: DevicePlane,
        management_endpoint: str | None = None,
        trust: str | bool = True,
        wire: Wire,
    ) -> None:
        """
        Args:
            service_endpoint: the service plane's URL (https).
            device_plane: the endpoint at which devices register.
            management_endpoint: the management plane's URL; None for Azure's own.
            trust: the PEM file of the CA that issued the endpoints' TLS certificates; True for the public CAs.
            wire: records the requests; the same one that records the credential's sign-in.
        """
        from azure.iot.deviceprovisioning import DeviceProvisioningClient
        from azure.mgmt.iothubprovisioningservices import IotDpsClient

        self.wire = wire
        self.subscription_id, self.resource_group, self.name = subscription_id, resource_group, provisioning_service
        self._management = IotDpsClient(
            credential,
            subscription_id,
            base_url=management_endpoint,
            connection_verify=trust,
            raw_response_hook=wire.listener("management"),
        )
        self._service = DeviceProvisioningClient(
            service_endpoint, credential, transport=wire.transport("service", connection_verify=trust)
        )
        self.certificates = CaCertificates(self._management, resource_group, provisioning_service)
        self.enrollment_groups = EnrollmentGroups(self._service.enrollment_group)
        self.individual_enrollments = IndividualEnrollments(self._service.enrollment)
        self.devices = Devices(device_plane, lambda: self.describe().id_scope, self._known_cas, self._service)

    def describe(self) -> ServiceDescription:
        """Return the service's properties. If this succeeds, the service can be reached and accepts the credential."""
        answer = retry_read(
            f"read the provisioning service “{self.name}”",
            lambda: self._management.iot_dps_resource.get(self.name, self.resource_group),
        )
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
        """Close the connections to the management plane and the service plane."""
        self._management.close()
        self._service.close()


def connect_azure(*, subscription_id: str, resource_group: str, provisioning_service: str) -> ProvisioningService:
    """Connect to a provisioning service in Azure with DefaultAzureCredential (az login, environment variables, …).

    Raises:
        Problem: one of the three names is missing.
    """
    from azure.identity import DefaultAzureCredential

    names = {
        "subscription_id": subscription_id,
        "resource_group": resource_group,
        "provisioning_service": provisioning_service,
    }
    missing = [name for name, value in names.items() if not value.strip()]
    if missing:
        raise Problem(
            f"The target azure needs {' and '.join(missing)}.",
            "Together, the three names identify the provisioning service.",
            "Copy the missing ones from the service's overview page in the Azure portal.",
        )
    wire = Wire()
    _keep_the_sign_in_log_quiet()
    return ProvisioningService(
        DefaultAzureCredential(raw_response_hook=wire.listener("sign-in")),
        service_endpoint=f"https://{provisioning_service}.azure-devices-provisioning.net",
        device_plane=AZURE_DEVICE_PLANE,
        wire=wire,
        **names,
    )


def _keep_the_sign_in_log_quiet() -> None:
    """Keep azure-identity's warnings off standard error: the error says in one sentence what they say in twenty lines.

    Python prints the warnings of a logger that has no handler. A program that has set up logging still receives them.
    """
    log = logging.getLogger("azure.identity")
    if not log.handlers:
        log.addHandler(logging.NullHandler())
