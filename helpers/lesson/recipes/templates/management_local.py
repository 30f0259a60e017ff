from azure.mgmt.iothubprovisioningservices import IotDpsClient

client = IotDpsClient(
    credential, local["subscription_id"],
    base_url=local["management_endpoint"], connection_verify=local["ca_file"],
)
