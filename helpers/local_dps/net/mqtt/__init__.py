"""MQTT 3.1.1 as far as a device needs it to register: a codec that knows no network, and a session on top of it."""

from .session import ConnectionClosed, MqttSession

__all__ = ["ConnectionClosed", "MqttSession"]
