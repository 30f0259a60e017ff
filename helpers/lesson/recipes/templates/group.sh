# in the shell of 00_start_here, which is signed in
# needs the CLI's extension azure-iot; the local DPS has not been tried with it
# $WEBHOOK_KEY_VARIABLE in the environment: the function's key as it stands in the function's URL
az iot dps enrollment-group create --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" \
    --enrollment-id "$GROUP" --ca-name "$CERTIFICATE" \
    --allocation-policy "$POLICY" \
    --iot-hubs $IOT_HUBS \
    --webhook-url $WEBHOOK_URL --api-version "$WEBHOOK_API_VERSION"
