"""A real local DPS, reached through the real SDKs, with a record of every request that it saw."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.certificates import CertificateAuthority, certificate_pem
from helpers.dps import RegisteredCertificate, connect_local
from helpers.local_dps import RequestRecord, running
from tests.dps.wire import Wire


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
    """The state of `ca` at the service: registered and unverified."""
    return wire.certificates.upload("factory", certificate_pem(ca.certificate))
