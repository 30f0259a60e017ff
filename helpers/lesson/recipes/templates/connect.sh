az iot dps show --name "$SERVICE" --resource-group "$RESOURCE_GROUP"
