import json
from pathlib import Path

from azure.identity import ClientSecretCredential

local = json.loads(Path('$CONNECTION_FILE').read_text())
credential = ClientSecretCredential(
    local["tenant_id"], local["client_id"], local["client_secret"],
    authority=local["authority"], disable_instance_discovery=True, connection_verify=local["ca_file"],
)
