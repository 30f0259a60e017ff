group = client.enrollment_group.get("$GROUP")
group["provisioningStatus"] = "disabled"
client.enrollment_group.create_or_update("$GROUP", group, if_match=group["etag"])
