"""The credential with which Azure's clients sign in to a local DPS."""

from azure.identity import ClientSecretCredential

from tests.local_dps.wire import LocalService


def client_secret_credential(dps: LocalService, secret: str) -> ClientSecretCredential:
    """Return a credential for the application in the connection file, with that secret."""
    given = dps.connection
    return ClientSecretCredential(
        given["tenant_id"],
        given["client_id"],
        secret,
        authority=given["authority"],
        disable_instance_discovery=True,
        connection_verify=given["ca_file"],
    )
