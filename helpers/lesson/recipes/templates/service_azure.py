from azure.iot.deviceprovisioning import DeviceProvisioningClient

client = DeviceProvisioningClient("$SERVICE_ENDPOINT", credential)
