wanted = "$ENROLLMENT_GROUP"
group = client.enrollment_group.create_or_update("$GROUP", wanted)
print(group["etag"])
