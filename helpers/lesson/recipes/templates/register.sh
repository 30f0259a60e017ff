# it goes to Azure's own address alone: for a $LOCAL_DPS take the Python
# needs the CLI's extension azure-iot; the local DPS has not been tried with it
az iot device registration create --id-scope "$ID_SCOPE" \
    --registration-id "$DEVICE" --certificate-file-path "$DEVICE_FILE" \
    --key-file-path "$DEVICE_KEY_FILE"
