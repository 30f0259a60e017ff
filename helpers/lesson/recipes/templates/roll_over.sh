# in the shell of 00_start_here, which is signed in
# needs the CLI's extension azure-iot; the local DPS has not been tried with it
az iot dps enrollment-group update --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" \
    --enrollment-id "$GROUP" --secondary-ca-name "$NEXT_CERTIFICATE"
