# Run this in the shell in which you ran the commands of $START_HERE: it is signed in.
az iot dps certificate create --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --certificate-name "$CERTIFICATE" --path "$CA_FILE"
