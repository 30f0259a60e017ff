az login
az account set --subscription "$SUBSCRIPTION"
