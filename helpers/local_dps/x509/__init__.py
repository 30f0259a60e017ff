"""Reading, describing and verifying certificates, without any knowledge of requests."""
