value() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' \
    "$CONNECTION_FILE" "$1"; }
export AZURE_CONFIG_DIR=$(mktemp -d) REQUESTS_CA_BUNDLE=$(value ca_file)  # keeps your own sign-in as it is
az cloud register --name local --endpoint-resource-manager "$(value management_endpoint)"
az cloud set --name local
az config set core.instance_discovery=false
value client_secret > "$AZURE_CONFIG_DIR/secret"  # a file, because others can see arguments
az login --service-principal --username "$(value client_id)" --password "@$AZURE_CONFIG_DIR/secret" \
    --tenant "$(value tenant_id)"
