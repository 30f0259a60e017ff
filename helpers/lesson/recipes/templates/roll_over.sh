# Run this in the shell in which you ran the commands of $START_HERE: it is signed in.
# This needs the extension azure-iot of the Azure CLI, which has not been tried with the local DPS.
az iot dps enrollment-group update --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" \
    --enrollment-id "$GROUP" --secondary-ca-name "$NEXT_CERTIFICATE"
