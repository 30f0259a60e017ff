from pathlib import Path

certificate = Path('$CA_FILE').read_bytes()  # the SDK encodes it in base64
uploaded = client.dps_certificate.create_or_update(
    "$RESOURCE_GROUP", "$SERVICE", "$CERTIFICATE",
    {"properties": {"certificate": certificate}},
)
print(uploaded.etag)
