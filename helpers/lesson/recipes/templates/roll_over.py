group = client.enrollment_group.get("$GROUP")
group["attestation"]["x509"]["caReferences"]["secondary"] = "$NEXT_CERTIFICATE"
client.enrollment_group.create_or_update("$GROUP", group, if_match=group["etag"])
