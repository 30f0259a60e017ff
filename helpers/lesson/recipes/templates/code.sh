# in the shell of 00_start_here, which is signed in
# a code that was asked for before is void then: with a new one, run 03 again
etag=$(az iot dps certificate show --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --certificate-name "$CERTIFICATE" --query etag --output tsv)
az iot dps certificate generate-verification-code --dps-name "$SERVICE" --resource-group "$RESOURCE_GROUP" --certificate-name "$CERTIFICATE" --etag "$etag" \
    --query properties.verificationCode --output tsv
