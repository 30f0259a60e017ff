"""How a script in plain Python begins: its imports, and a client of one of the planes."""

from textwrap import dedent

from helpers.lesson.recipes.names import Names

__all__ = ["as_device", "managing", "serving"]

_PATH = "from pathlib import Path"
_CONNECTION = "local-dps/connection.json"


def managing(names: Names, *imports: str) -> str:
    """`client` is one of the management plane."""
    place = f'"{names.subscription_id or "SUBSCRIPTION"}"'
    if names.target == "local":
        place = 'local["subscription_id"], base_url=local["management_endpoint"], connection_verify=local["ca_file"]'
    client = "from azure.mgmt.iothubprovisioningservices import IotDpsClient"
    return f"{_signed_in(names, client, *imports)}client = IotDpsClient(credential, {place})\n\n"


def serving(names: Names, *imports: str) -> str:
    """`client` is one of the service plane."""
    place = f'"https://{names.service}.azure-devices-provisioning.net", credential'
    if names.target == "local":
        place = 'local["service_endpoint"], credential, connection_verify=local["ca_file"]'
    client = "from azure.iot.deviceprovisioning import DeviceProvisioningClient"
    return f"{_signed_in(names, client, *imports)}client = DeviceProvisioningClient({place})\n\n"


def as_device(names: Names) -> str:
    """`options` are what a device needs besides."""
    if names.target != "local":
        return _imports("from azure.iot.device import X509, ProvisioningDeviceClient") + "options = {}\n"
    imports = _imports(
        "from azure.iot.device import X509, ProvisioningDeviceClient, ProxyOptions", "import json", _PATH
    )
    return imports + dedent(f"""\
        local = json.loads(Path({names.path(_CONNECTION)!r}).read_text())
        host, port = local["proxy_endpoint"].split(":")  # it maps Azure's fixed ports to those of the local DPS
        options = {{
            "server_verification_cert": Path(local["ca_file"]).read_text(),
            "proxy_options": ProxyOptions("HTTP", host, int(port)),
        }}
        """)


def _signed_in(names: Names, *imports: str) -> str:
    """`credential` is the learner's."""
    if names.target != "local":
        default = "from azure.identity import DefaultAzureCredential"
        return _imports(default, *imports) + "credential = DefaultAzureCredential()\n"
    identity = "from azure.identity import ClientSecretCredential"
    return _imports(identity, "import json", _PATH, *imports) + dedent(f"""\
        local = json.loads(Path({names.path(_CONNECTION)!r}).read_text())
        credential = ClientSecretCredential(
            local["tenant_id"], local["client_id"], local["client_secret"],
            authority=local["authority"], disable_instance_discovery=True, connection_verify=local["ca_file"],
        )
        """)


def _imports(*lines: str) -> str:
    """Each once: modules first."""
    return "\n".join([*sorted(set(lines), key=lambda line: (line.startswith("from"), line)), "", ""])
