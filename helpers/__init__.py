"""Prove to Azure IoT Hub Device Provisioning Service (DPS) that you hold a CA's private key.

The packages: `certificates` (X.509 only), `dps` (a client of a DPS, through Azure's SDKs), `local_dps` (a DPS on
loopback), `lesson` (the notebooks' forms, pictures and experiments), `walkthrough` (runs the notebooks headlessly).
"""
