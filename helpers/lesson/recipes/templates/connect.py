service = client.iot_dps_resource.get("$SERVICE", "$RESOURCE_GROUP")
print(service.properties.id_scope)
