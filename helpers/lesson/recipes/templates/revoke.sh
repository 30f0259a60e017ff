# in the shell of 00_start_here, which is signed in
# needs the CLI's extension azure-iot; the local DPS has not been tried with it
az iot dps enrollment create --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --enrollment-id "$DEVICE" \
    --attestation-type x509 --certificate-path "$DEVICE_FILE" --provisioning-status disabled
