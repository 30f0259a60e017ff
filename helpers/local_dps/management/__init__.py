"""The management plane: provisioning services and their CA certificates, as Azure Resource Manager serves them."""

from collections.abc import Collection

from helpers.local_dps.endpoints import Endpoints
from helpers.local_dps.management.certificates import Certificates
from helpers.local_dps.management.front_door import FrontDoor
from helpers.local_dps.management.providers import Providers
from helpers.local_dps.management.resources import Resources
from helpers.local_dps.management.services import Services
from helpers.local_dps.routing import Route
from helpers.local_dps.store import Store

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
            *Certificates(store, door).routes,
            *Services(store, door, endpoints, known_hubs).routes,
            *Resources(store, door).routes,
            *Providers(store, door).routes,
        )
