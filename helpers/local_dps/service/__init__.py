"""The service plane: enrollment groups, individual enrollments, registration records."""

from helpers.local_dps.endpoints import Endpoints
from helpers.local_dps.routing import Route
from helpers.local_dps.service.door import Door
from helpers.local_dps.service.enrollments import Enrollments
from helpers.local_dps.service.kinds import GROUPS, INDIVIDUALS
from helpers.local_dps.service.registrations import Registrations
from helpers.local_dps.store import Store

__all__ = ["ServicePlane"]


class ServicePlane:
    """The two kinds of enrollment share one implementation; `kinds` says in what they differ."""

    def __init__(self, store: Store, endpoints: Endpoints) -> None:
        door = Door(store, endpoints)
        self.routes: tuple[Route, ...] = (
            *Enrollments(GROUPS, store, door).routes,
            *Enrollments(INDIVIDUALS, store, door).routes,
            *Registrations(store, door).routes,
        )
