# Run this in the shell in which you ran the commands of $START_HERE: it is signed in.
# Each new code voids the one before: run $SIGN_VERIFICATION_CODE again to store and sign it.
etag=$(az iot dps certificate show --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --certificate-name "$CERTIFICATE" --query etag --output tsv)
az iot dps certificate generate-verification-code --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --certificate-name "$CERTIFICATE" --etag "$etag" \
    --query properties.verificationCode --output tsv
