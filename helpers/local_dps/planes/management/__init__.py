"""The management plane: provisioning services and their CA certificates, as in Azure Resource Manager."""

from collections.abc import Collection

from ...request.endpoints import Endpoints
from ...request.routing import Route
from ...store import Store
from .certificate_routes import CertificateRoutes
from .management_door import ManagementDoor
from .provider_routes import ProviderRoutes
from .resource_routes import ResourceRoutes
from .service_routes import ServiceRoutes

__all__ = ["management_routes"]


def management_routes(store: Store, endpoints: Endpoints, known_hubs: Collection[str]) -> tuple[Route, ...]:
    """Return the routes of Resource Manager itself and of the resource provider Microsoft.Devices.

    Args:
        known_hubs: see `ServiceRoutes`.
    """
    door = ManagementDoor(store)
    return (
        *CertificateRoutes(store, door).routes,
        *ServiceRoutes(store, door, endpoints, known_hubs).routes,
        *ResourceRoutes(store, door).routes,
        *ProviderRoutes(store, door).routes,
    )
