for record in client.device_registration_state.query("$GROUP"):
    print(record["registrationId"], record["status"], record.get("assignedHub"))
