"""The network: HTTP, MQTT, TLS, and the proxy to the device plane."""
