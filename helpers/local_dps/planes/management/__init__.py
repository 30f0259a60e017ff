"""The management plane: provisioning services and their CA certificates, as Azure Resource Manager serves them."""

from collections.abc import Collection

from ...request.endpoints import Endpoints
from ...request.routing import Route
from ...store import Store
from .certificates import CertificateRoutes
from .front_door import FrontDoor
from .providers import ProviderRoutes
from .resources import ResourceRoutes
from .services import ServiceRoutes

__all__ = ["ManagementPlane"]


class ManagementPlane:
    """Resource Manager's own calls, then those of the resource provider Microsoft.Devices."""

    def __init__(self, store: Store, endpoints: Endpoints, known_hubs: Collection[str]) -> None:
        """
        Args:
            known_hubs: see `Services`.
        """
        door = FrontDoor(store)
        self.routes: tuple[Route, ...] = (
            *CertificateRoutes(store, door).routes,
            *ServiceRoutes(store, door, endpoints, known_hubs).routes,
            *ResourceRoutes(store, door).routes,
            *ProviderRoutes(store, door).routes,
        )
