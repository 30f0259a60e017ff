"""azure-identity, unmodified, sync and aio: its credentials get tokens that are valid for the right plane and no other."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from tests.clients.forms import Clients
from tests.crafting import craft, key, name
from tests.encodings import key_files
from tests.local_dps.wire import MANAGEMENT_SCOPE, SERVICE_SCOPE, LocalService

Maker = Callable[[Clients, LocalService, pytest.MonkeyPatch], Any]


def by_secret(clients: Clients, dps: LocalService, _: pytest.MonkeyPatch) -> Any:
    return clients.credential("ClientSecretCredential")


def by_certificate(clients: Clients, dps: LocalService, _: pytest.MonkeyPatch) -> Any:
    given = dps.connection
    return certificate_credential(clients, dps, given["client_certificate_file"])


def certificate_credential(clients: Clients, dps: LocalService, file: str | Path) -> Any:
    given = dps.connection
    return clients.credential("CertificateCredential", given["tenant_id"], given["client_id"], file)


def through_environment(credential: str, secret_in: dict[str, str]) -> Maker:
    """Return a credential that reads everything from the environment, where each value is a field of the connection."""

    def make(clients: Clients, dps: LocalService, environment: pytest.MonkeyPatch) -> Any:
        set_environment(environment, dps, {name: dps.connection[member] for name, member in secret_in.items()})
        return clients.make("azure.identity", credential, disable_instance_discovery=True)

    return make


def set_environment(environment: pytest.MonkeyPatch, dps: LocalService, secret: dict[str, str]) -> None:
    given = dps.connection
    identity = {
        "AZURE_TENANT_ID": given["tenant_id"],
        "AZURE_CLIENT_ID": given["client_id"],
        "AZURE_AUTHORITY_HOST": given["authority"],
    }
    for variable in list(os.environ):
        if variable.startswith("AZURE_"):  # settings of the person who runs the tests
            environment.delenv(variable)
    for variable, value in (identity | secret).items():
        environment.setenv(variable, value)


SECRET = {"AZURE_CLIENT_SECRET": "client_secret"}
CERTIFICATE = {"AZURE_CLIENT_CERTIFICATE_PATH": "client_certificate_file"}
MAKERS: dict[str, Maker] = {
    "ClientSecretCredential": by_secret,
    "CertificateCredential": by_certificate,
    "EnvironmentCredential, secret": through_environment("EnvironmentCredential", SECRET),
    "EnvironmentCredential, certificate": through_environment("EnvironmentCredential", CERTIFICATE),
    "DefaultAzureCredential, secret": through_environment("DefaultAzureCredential", SECRET),
    "DefaultAzureCredential, certificate": through_environment("DefaultAzureCredential", CERTIFICATE),
}


@pytest.mark.parametrize("maker", MAKERS.values(), ids=list(MAKERS))
def test_a_credential_is_valid_for_both_planes_with_a_token_for_each(
    clients: Clients, dps: LocalService, monkeypatch: pytest.MonkeyPatch, maker: Maker
) -> None:
    credential = maker(clients, dps, monkeypatch)
    tokens = {scope: credential.get_token(scope) for scope in (MANAGEMENT_SCOPE, SERVICE_SCOPE)}
    for token in tokens.values():
        assert 3000 < token.expires_on - time.time() <= 3600
    opened = {
        scope: [
            dps.manage("GET", headers={"Authorization": f"Bearer {token.token}"}).status,
            dps.serve("GET", "/enrollmentGroups/none", headers={"Authorization": f"Bearer {token.token}"}).status,
        ]
        for scope, token in tokens.items()
    }
    assert opened == {MANAGEMENT_SCOPE: [200, 401], SERVICE_SCOPE: [401, 404]}

    given = dps.connection
    service = clients.management(credential).iot_dps_resource.get(
        given["provisioning_service"], given["resource_group"]
    )
    assert service.properties.id_scope == given["id_scope"]
    group = {"enrollmentGroupId": "by-token", "attestation": {"type": "symmetricKey"}}
    clients.service(credential).enrollment_group.create_or_update("by-token", group)
    assert dps.group("by-token")["enrollmentGroupId"] == "by-token"


@pytest.mark.parametrize("scope", [MANAGEMENT_SCOPE, SERVICE_SCOPE])
def test_a_wrong_secret_gets_no_token(clients: Clients, dps: LocalService, scope: str) -> None:
    given = dps.connection
    wrong = clients.credential(
        "ClientSecretCredential", given["tenant_id"], given["client_id"], given["client_secret"] + "x"
    )
    with pytest.raises(ClientAuthenticationError, match=r"AADSTS7000215: Invalid client secret provided\."):
        wrong.get_token(scope)


def test_an_unknown_client_gets_no_token(clients: Clients, dps: LocalService) -> None:
    given = dps.connection
    another = "11111111-2222-3333-4444-555555555555"
    unknown_client = clients.credential("ClientSecretCredential", given["tenant_id"], another, given["client_secret"])
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        unknown_client.get_token(MANAGEMENT_SCOPE)
    unknown_tenant = clients.credential("ClientSecretCredential", another, given["client_id"], given["client_secret"])
    # The sync form asks for the tenant's endpoints first, and does not report why there are none.
    told = (
        "AADSTS90002: Tenant not found" if clients.is_aio else f"Unable to get authority configuration for .*{another}"
    )
    with pytest.raises(ClientAuthenticationError, match=told):
        unknown_tenant.get_token(MANAGEMENT_SCOPE)


def test_another_audience_gets_no_token(clients: Clients) -> None:
    with pytest.raises(ClientAuthenticationError, match="AADSTS70011"):
        clients.credential().get_token("https://graph.microsoft.com/.default")


@pytest.fixture
def strangers_certificate(tmp_path: Path) -> Path:
    """A certificate with the application's subject, but another key."""
    private = key("RSA-2048")
    file = tmp_path / "stranger.pem"
    made = craft(name("Local DPS application, this start only"), private)
    file.write_bytes(key_files(private)["PKCS#8 PEM"] + made.pem.encode())
    return file


@pytest.mark.parametrize("scope", [MANAGEMENT_SCOPE, SERVICE_SCOPE])
def test_an_unknown_certificate_gets_no_token(
    clients: Clients, dps: LocalService, strangers_certificate: Path, scope: str
) -> None:
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        certificate_credential(clients, dps, strangers_certificate).get_token(scope)


@pytest.mark.parametrize("credential", ["EnvironmentCredential", "DefaultAzureCredential"])
def test_a_wrong_environment_variable_is_reported(
    clients: Clients,
    dps: LocalService,
    monkeypatch: pytest.MonkeyPatch,
    strangers_certificate: Path,
    credential: str,
) -> None:
    for secret, code in (
        ({"AZURE_CLIENT_SECRET": "wrong"}, "AADSTS7000215"),
        ({"AZURE_CLIENT_CERTIFICATE_PATH": str(strangers_certificate)}, "AADSTS700027"),
    ):
        set_environment(monkeypatch, dps, secret)
        made = clients.make("azure.identity", credential, disable_instance_discovery=True)
        with pytest.raises(ClientAuthenticationError, match=code):
            made.get_token(MANAGEMENT_SCOPE)
