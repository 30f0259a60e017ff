# These lines work while the $LOCAL_DPS runs. This notebook has stopped it.
# Run this in the shell in which you ran the commands of $START_HERE: it is signed in.
# This needs the extension azure-iot of the Azure CLI, which has not been tried with the local DPS.
for id in $(az iot dps enrollment-group registration list --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" \
    --enrollment-id "$GROUP" --query '[].registrationId' --output tsv); do
    az iot dps enrollment-group registration delete --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --registration-id "$id"
done
az iot dps enrollment-group delete --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --enrollment-id "$GROUP"
etag=$(az iot dps certificate show --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --certificate-name "$CERTIFICATE" --query etag --output tsv)
az iot dps certificate delete --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --certificate-name "$CERTIFICATE" --etag "$etag"
