import json
from pathlib import Path

from azure.iot.device import X509, ProvisioningDeviceClient, ProxyOptions

local = json.loads(Path('$CONNECTION_FILE').read_text())
host, port = local["proxy_endpoint"].split(":")  # it maps the fixed ports of Azure to those of the local DPS
options = {
    "server_verification_cert": Path(local["ca_file"]).read_text(),
    "proxy_options": ProxyOptions("HTTP", host, int(port)),
}
client = ProvisioningDeviceClient.create_from_x509_certificate(
    "global.azure-devices-provisioning.net",
    "$DEVICE",
    "$ID_SCOPE",
    X509('$DEVICE_FILE', '$DEVICE_KEY_FILE'),
    **options,
)
print(client.register().registration_state.assigned_hub)
