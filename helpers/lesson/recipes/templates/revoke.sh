# Run this in the shell in which you ran the commands of $START_HERE: it is signed in.
# This needs the extension azure-iot of the Azure CLI, which has not been tried with the local DPS.
az iot dps enrollment create --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --enrollment-id "$DEVICE" \
    --attestation-type x509 --certificate-path "$DEVICE_FILE" --provisioning-status disabled
