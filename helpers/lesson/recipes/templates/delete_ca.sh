# in the shell of 00_start_here, which is signed in
etag=$(az iot dps certificate show --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --certificate-name "$CERTIFICATE" --query etag --output tsv)
az iot dps certificate delete --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --certificate-name "$CERTIFICATE" --etag "$etag"
