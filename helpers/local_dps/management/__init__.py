"""The management plane: provisioning services and their CA certificates, as Azure Resource Manager serves them."""

from helpers.local_dps.endpoints import Endpoints
from helpers.local_dps.management.certificates import Certificates
from helpers.local_dps.management.front_door import FrontDoor
from helpers.local_dps.management.resources import Resources
from helpers.local_dps.management.services import Services
from helpers.local_dps.routing import Route
from helpers.local_dps.store import Store

__all__ = ["ManagementPlane"]


class ManagementPlane:
    """Resource Manager's own calls, then those of the resource provider Microsoft.Devices."""

    def __init__(self, store: Store, endpoints: Endpoints) -> None:
        door = FrontDoor(store)
        self.routes: tuple[Route, ...] = (
            *Certificates(store, door).routes,
            *Services(store, door, endpoints).routes,
            *Resources(store, door).routes,
        )
