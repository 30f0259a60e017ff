from azure.mgmt.iothubprovisioningservices import IotDpsClient

client = IotDpsClient(credential, "$SUBSCRIPTION")
