"""The part of MQTT 3.1.1 that a device needs to register: a codec without a network, and a session on top of it."""
