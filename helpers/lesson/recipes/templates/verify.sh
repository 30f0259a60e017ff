# Run this in the shell in which you ran the commands of $START_HERE: it is signed in.
etag=$(az iot dps certificate show --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --certificate-name "$CERTIFICATE" --query etag --output tsv)
az iot dps certificate verify --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --certificate-name "$CERTIFICATE" --path "$PROOF_FILE" --etag "$etag"
