import os
from urllib.parse import quote

wanted = "$ENROLLMENT_GROUP"
allocation = wanted["customAllocationDefinition"]
key = quote(os.environ["$WEBHOOK_KEY_VARIABLE"], safe="%")  # the key may already be escaped
allocation["webhookUrl"] = allocation["webhookUrl"].replace("$WEBHOOK_KEY_VARIABLE", key)
group = client.enrollment_group.create_or_update("$GROUP", wanted)
print(group["etag"])
