# Each new code voids the one before: run $SIGN_VERIFICATION_CODE again to store and sign it.
from azure.core import MatchConditions

etag = client.dps_certificate.get("$CERTIFICATE", "$RESOURCE_GROUP", "$SERVICE").etag
answer = client.dps_certificate.generate_verification_code(
    "$CERTIFICATE", "$RESOURCE_GROUP", "$SERVICE",
    etag=etag, match_condition=MatchConditions.IfNotModified,
)
print(answer.properties.verification_code)
