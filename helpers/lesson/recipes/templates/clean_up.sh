# as it is done while the $LOCAL_DPS runs; by now it is stopped
# in the shell of 00_start_here, which is signed in
# needs the CLI's extension azure-iot; the local DPS has not been tried with it
for id in $(az iot dps enrollment-group registration list --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" \
    --enrollment-id "$GROUP" --query '[].registrationId' --output tsv); do
    az iot dps enrollment-group registration delete --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --registration-id "$id"
done
az iot dps enrollment-group delete --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --enrollment-id "$GROUP"
etag=$(az iot dps certificate show --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --certificate-name "$CERTIFICATE" --query etag --output tsv)
az iot dps certificate delete --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --certificate-name "$CERTIFICATE" --etag "$etag"
