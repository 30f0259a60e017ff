# This command reaches Azure only. For a $LOCAL_DPS, use the Python below.
# This needs the extension azure-iot of the Azure CLI, which has not been tried with the local DPS.
az iot device registration create --id-scope "$ID_SCOPE" \
    --registration-id "$DEVICE" --certificate-file-path "$DEVICE_FILE" \
    --key-file-path "$DEVICE_KEY_FILE"
