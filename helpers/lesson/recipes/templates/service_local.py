from azure.iot.deviceprovisioning import DeviceProvisioningClient

client = DeviceProvisioningClient(local["service_endpoint"], credential, connection_verify=local["ca_file"])
