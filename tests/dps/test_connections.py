"""Connecting to a service, and the errors that a learner reads when that fails."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from helpers.certificates import CertificateAuthority, certificate_pem
from helpers.dps import CaReference, DpsError, EnrollmentGroup, ProvisioningService, connect_azure, connect_local
from helpers.dps import wire as dps_wire
from helpers.dps.devices import DevicePlane
from helpers.local_dps import running
from helpers.problem import Problem
from tests.dps.wire import Wire


def refusal(use: Callable[[], Any]) -> DpsError:
    """The error, after checking that none of its three parts is empty."""
    with pytest.raises(DpsError) as caught:
        use()
    error = caught.value
    assert isinstance(error, Problem)
    assert all(sentence.strip() for sentence in (error.what, error.why, error.next_step))
    assert str(error) == f"{error.what}\n  Why: {error.why}\n  Next: {error.next_step}"
    return error


def changed(connection: dict[str, Any], folder: Path, **changes: Any) -> Path:
    """A copy of the real connection file with these changes."""
    file = folder / "changed.json"
    file.write_text(json.dumps({**connection, **changes}))
    return file


# --- a service that answers ---


def test_the_service_describes_itself(wire: Wire) -> None:
    facts = wire.service.describe()
    assert facts.name == wire.connection["provisioning_service"]
    assert facts.id_scope == wire.connection["id_scope"]
    assert list(facts.iot_hubs) == wire.connection["iot_hubs"]
    assert facts.location
    assert facts.allocation_policy == "Hashed"


def test_a_missing_certificate_and_group_are_explained_in_three_sentences(wire: Wire) -> None:
    assert refusal(lambda: wire.certificates.get("nobody")).status == 404
    missing = refusal(lambda: wire.groups.get("nobody"))
    assert (missing.status, missing.code) == (404, "404204")
    assert "nobody" in missing.what


USES: dict[str, Callable[[ProvisioningService], Any]] = {
    "describe": lambda service: service.describe(),
    "certificates": lambda service: service.certificates.list(),
    "groups": lambda service: service.enrollment_groups.list(),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_wrong_secret_is_explained_and_not_shown(
    wire: Wire, tmp_path: Path, use: Callable[[ProvisioningService], Any]
) -> None:
    service = connect_local(changed(dict(wire.connection), tmp_path, client_secret="not-the-secret"))
    error = refusal(lambda: use(service))
    assert "AADSTS7000215" in error.why  # azure-identity's own text; it does not report the status
    assert "Sign in" in error.next_step
    assert "not-the-secret" not in str(error)
    service.close()


class TokenOfAnotherService:
    """A credential whose token this service never issued."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken("another-services-token", int(time.time()) + 3600)


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_token_from_elsewhere_is_a_401(wire: Wire, use: Callable[[ProvisioningService], Any]) -> None:
    names = ("subscription_id", "resource_group", "provisioning_service", "service_endpoint", "management_endpoint")
    given = {name: wire.connection[name] for name in names}
    plane = DevicePlane("localhost")
    service = ProvisioningService(
        TokenOfAnotherService(), device_plane=plane, trust=wire.connection["ca_file"], wire=dps_wire.Wire(), **given
    )
    error = refusal(lambda: use(service))
    assert error.status == 401
    assert "bearer token" in error.why
    service.close()


def test_another_resource_group_is_not_found(wire: Wire, tmp_path: Path) -> None:
    service = connect_local(changed(dict(wire.connection), tmp_path, resource_group="elsewhere"))
    assert refusal(service.describe).status == 404
    service.close()


# --- a service that does not answer ---


def test_a_stopped_service_is_named_and_loses_nothing_that_it_acknowledged(
    tmp_path: Path, ca: CertificateAuthority
) -> None:
    state = tmp_path / "state"
    with running(state):
        service = connect_local(state / "connection.json")
        registered = service.certificates.upload("factory", certificate_pem(ca.certificate))
        group = service.enrollment_groups.create(EnrollmentGroup("pumps", CaReference("factory")))
    with ThreadPoolExecutor() as pool:  # each retries for some seconds
        errors = list(pool.map(lambda use: refusal(lambda: use(service)), USES.values()))
    service.close()
    assert [(error.status, error.code) for error in errors] == [(None, "")] * 3
    assert all("did not answer" in error.what for error in errors)
    with running(state):
        again = connect_local(state / "connection.json")
        assert again.certificates.list() == [registered]
        assert again.enrollment_groups.list() == [group]
        again.close()


# --- connection files ---


def test_a_missing_connection_file_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"connection\.json could not be read"):
        connect_local(tmp_path / "connection.json")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"{}", b"[" * 100_000],
    ids=lambda content: content[:5],
)
def test_garbage_is_not_a_connection_file(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "connection.json"
    file.write_bytes(content)
    with pytest.raises(Problem, match="is not a connection file"):
        connect_local(file)


@pytest.mark.parametrize(
    "field",
    [
        "tenant_id",
        "client_id",
        "client_secret",
        "authority",
        "ca_file",
        "subscription_id",
        "resource_group",
        "provisioning_service",
        "service_endpoint",
        "management_endpoint",
    ],
)
@pytest.mark.parametrize("how", ["missing", "a number", "null"])
def test_an_incomplete_connection_file_is_a_problem(wire: Wire, tmp_path: Path, field: str, how: str) -> None:
    connection = dict(wire.connection)
    value = connection.pop(field)
    if how != "missing":
        connection[field] = 5 if how == "a number" else None
    assert value
    with pytest.raises(Problem):
        connect_local(changed(connection, tmp_path)).close()


def test_a_connection_file_whose_ca_file_is_gone_is_a_problem(wire: Wire, tmp_path: Path) -> None:
    file = changed(dict(wire.connection), tmp_path, ca_file=str(tmp_path / "gone.pem"))
    with pytest.raises(Problem):
        connect_local(file).describe()


# --- Azure ---


@pytest.mark.parametrize("missing", ["subscription_id", "resource_group", "provisioning_service"])
@pytest.mark.parametrize("empty", ["", "  "])
def test_connecting_to_azure_names_the_missing_value(missing: str, empty: str) -> None:
    names = {"subscription_id": "s", "resource_group": "g", "provisioning_service": "p"}
    with pytest.raises(Problem) as caught:
        connect_azure(**{**names, missing: empty})
    assert missing in caught.value.what
    assert not any(name in caught.value.what for name in names if name != missing)


def test_connecting_to_azure_names_all_missing_values() -> None:
    with pytest.raises(Problem, match="subscription_id and resource_group and provisioning_service"):
        connect_azure(subscription_id="", resource_group="", provisioning_service="")
