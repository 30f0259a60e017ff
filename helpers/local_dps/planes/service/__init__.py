"""The service plane: enrollment groups, individual enrollments and registration records."""

from ...request.endpoints import Endpoints
from ...request.routing import Route
from ...store import Store
from .enrollment_kinds import GROUPS, INDIVIDUALS
from .enrollment_routes import EnrollmentRoutes
from .registration_routes import RegistrationRoutes
from .service_door import ServiceDoor

__all__ = ["service_routes"]


def service_routes(store: Store, endpoints: Endpoints) -> tuple[Route, ...]:
    """Return the routes of the service plane. Both kinds of enrollment share one implementation."""
    door = ServiceDoor(store, endpoints)
    return (
        *EnrollmentRoutes(GROUPS, store, door).routes,
        *EnrollmentRoutes(INDIVIDUALS, store, door).routes,
        *RegistrationRoutes(store, door).routes,
    )
