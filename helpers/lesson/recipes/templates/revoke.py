from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

device, *_ = x509.load_pem_x509_certificates(Path('$DEVICE_FILE').read_bytes())
certificate = {"certificate": device.public_bytes(Encoding.PEM).decode()}
client.enrollment.create_or_update("$DEVICE", {
    "registrationId": "$DEVICE",
    "attestation": {"type": "x509", "x509": {"clientCertificates": {"primary": certificate}}},
    "provisioningStatus": "disabled",
})
