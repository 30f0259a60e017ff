"""A connected service, with a record of every request that the local DPS saw."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from helpers.dps import CaCertificates, EnrollmentGroups, ProvisioningService
from helpers.local_dps import RequestRecord


@dataclass
class Wire:
    """A connected service and the requests that it received."""

    service: ProvisioningService
    connection: Mapping[str, Any]
    seen: list[RequestRecord] = field(default_factory=list)

    @property
    def certificates(self) -> CaCertificates:
        return self.service.certificates

    @property
    def groups(self) -> EnrollmentGroups:
        return self.service.enrollment_groups

    def requests(self) -> list[RequestRecord]:
        """The requests, except those for a token."""
        return [each for each in self.seen if "/v2.0/" not in each.path]

    def changes(self) -> list[RequestRecord]:
        """The requests that could change something."""
        return [each for each in self.requests() if each.method != "GET" and not each.path.endswith("/query")]

    def last_if_match(self) -> str | None:
        return self.changes()[-1].headers.get("if-match")
