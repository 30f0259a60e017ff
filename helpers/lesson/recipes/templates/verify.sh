# in the shell of 00_start_here, which is signed in
etag=$(az iot dps certificate show --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --certificate-name "$CERTIFICATE" --query etag --output tsv)
az iot dps certificate verify --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --certificate-name "$CERTIFICATE" --path "$PROOF_FILE" --etag "$etag"
