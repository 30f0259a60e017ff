"""For tests of clients: a provisioning service for each test, CAs that are already proved, devices that it accepts.

The pytest fixture `local_dps` gives a `ServiceForTests`. Other frameworks start a `LocalDpsProcess`, and create a
`ServiceForTests` on it.
"""

from .authority import CaForTests, DeviceForTests
from .connection import Address, LocalDpsConnection, NotServed, wait_for_connection
from .https import RequestFailed
from .process import LocalDpsProcess
from .service import ServiceForTests

__all__ = [
    "Address",
    "CaForTests",
    "DeviceForTests",
    "LocalDpsConnection",
    "LocalDpsProcess",
    "NotServed",
    "RequestFailed",
    "ServiceForTests",
    "wait_for_connection",
]
