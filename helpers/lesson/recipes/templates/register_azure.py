from azure.iot.device import X509, ProvisioningDeviceClient

options = {}
client = ProvisioningDeviceClient.create_from_x509_certificate(
    "global.azure-devices-provisioning.net",
    "$DEVICE",
    "$ID_SCOPE",
    X509('$DEVICE_FILE', '$DEVICE_KEY_FILE'),
    **options,
)
print(client.register().registration_state.assigned_hub)
