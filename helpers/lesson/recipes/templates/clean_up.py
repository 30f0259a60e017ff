# These lines work while the $LOCAL_DPS runs. This notebook has stopped it.
for record in client.device_registration_state.query("$GROUP"):
    client.device_registration_state.delete(record["registrationId"])
client.enrollment_group.delete("$GROUP")
