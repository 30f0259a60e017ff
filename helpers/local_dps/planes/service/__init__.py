"""The service plane: enrollment groups, individual enrollments, registration records."""

from ...request.endpoints import Endpoints
from ...request.routing import Route
from ...store import Store
from .door import Door
from .enrollments import EnrollmentRoutes
from .kinds import GROUPS, INDIVIDUALS
from .registrations import RegistrationRoutes

__all__ = ["ServicePlane"]


class ServicePlane:
    """The two kinds of enrollment share one implementation; `kinds` says in what they differ."""

    def __init__(self, store: Store, endpoints: Endpoints) -> None:
        door = Door(store, endpoints)
        self.routes: tuple[Route, ...] = (
            *EnrollmentRoutes(GROUPS, store, door).routes,
            *EnrollmentRoutes(INDIVIDUALS, store, door).routes,
            *RegistrationRoutes(store, door).routes,
        )
