from pathlib import Path

from azure.core import MatchConditions

etag = client.dps_certificate.get("$CERTIFICATE", "$RESOURCE_GROUP", "$SERVICE").etag
proof = Path('$PROOF_FILE').read_bytes()  # the SDK encodes it in base64
verified = client.dps_certificate.verify_certificate(
    "$CERTIFICATE", "$RESOURCE_GROUP", "$SERVICE", {"certificate": proof},
    etag=etag, match_condition=MatchConditions.IfNotModified,
)
print(verified.properties.is_verified)
