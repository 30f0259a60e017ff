"""A real local DPS, reached through the real SDKs, with a record of every request that it saw."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from helpers.certificates import CertificateAuthority, certificate_pem
from helpers.dps import CaCertificates, EnrollmentGroups, ProvisioningService, RegisteredCertificate, connect_local
from helpers.local_dps import RequestRecord, running


@dataclass
class Wire:
    """One connected service and what went over the line."""

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
        """All but those for a token."""
        return [each for each in self.seen if "/v2.0/" not in each.path]

    def changes(self) -> list[RequestRecord]:
        """The requests that could change something."""
        return [each for each in self.requests() if each.method != "GET" and not each.path.endswith("/query")]

    def last_if_match(self) -> str | None:
        return self.changes()[-1].headers.get("if-match")


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    state, seen = tmp_path / "state", list[RequestRecord]()
    with running(state, observe=seen.append, retry_after=0) as connection:
        service = connect_local(state / "connection.json")
        yield Wire(service, connection, seen)
        service.close()


@pytest.fixture(scope="session")
def ca() -> CertificateAuthority:
    return CertificateAuthority.create_root("Factory Root")


@pytest.fixture(scope="session")
def other_ca() -> CertificateAuthority:
    return CertificateAuthority.create_root("Another Root")


@pytest.fixture
def registered(wire: Wire, ca: CertificateAuthority) -> RegisteredCertificate:
    """`ca` as the service has it, unverified."""
    return wire.certificates.upload("factory", certificate_pem(ca.certificate))
