"""The planes of the service: management, service, device and identity."""
