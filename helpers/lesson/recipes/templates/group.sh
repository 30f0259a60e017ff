# Run this in the shell in which you ran the commands of $START_HERE: it is signed in.
# This needs the extension azure-iot of the Azure CLI, which has not been tried with the local DPS.
# Set $WEBHOOK_KEY_VARIABLE in the environment to the key of the webhook, as it stands in the webhook's URL.
az iot dps enrollment-group create --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" \
    --enrollment-id "$GROUP" --ca-name "$CERTIFICATE" \
    --allocation-policy "$POLICY" \
    --iot-hubs $IOT_HUBS \
    --webhook-url $WEBHOOK_URL --api-version "$WEBHOOK_API_VERSION"
