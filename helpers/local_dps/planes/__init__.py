"""What each plane of Azure answers: management, service, device and identity."""
