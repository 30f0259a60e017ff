"""Prove to Azure IoT Hub Device Provisioning Service (DPS) that you hold a CA's private key.

The rooms: `certificates` (X.509 and nothing else), `dps` (speaks to a DPS through Azure's SDKs), `local_dps` (a DPS of
your own on loopback), `lesson` (what a learner sees).
"""
