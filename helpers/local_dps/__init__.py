"""A Device Provisioning Service on loopback that really verifies. It imports nothing from the other rooms.

`python -m helpers local-dps --connection-file PATH` serves it. In a test, `running(folder)` does. CONFORMANCE.md beside
this file lists what it checks and what it assumes.
"""

from .configuration import Configuration
from .core.faults import Fault, Faults
from .request.record import RequestRecord
from .running import running
from .server import LocalDps
from .state import CannotStart

__all__ = ["CannotStart", "Configuration", "Fault", "Faults", "LocalDps", "RequestRecord", "running"]
