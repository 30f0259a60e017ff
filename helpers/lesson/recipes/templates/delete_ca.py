from azure.core import MatchConditions

etag = client.dps_certificate.get("$CERTIFICATE", "$RESOURCE_GROUP", "$SERVICE").etag
client.dps_certificate.delete(
    "$RESOURCE_GROUP", "$SERVICE", "$CERTIFICATE",
    etag=etag, match_condition=MatchConditions.IfNotModified,
)
