# in the shell of 00_start_here, which is signed in
az iot dps certificate create --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --certificate-name "$CERTIFICATE" --path "$CA_FILE"
