# as it is done while the $LOCAL_DPS runs; by now it is stopped
for record in client.device_registration_state.query("$GROUP"):
    client.device_registration_state.delete(record["registrationId"])
client.enrollment_group.delete("$GROUP")
