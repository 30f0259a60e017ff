"""A Device Provisioning Service on loopback that really verifies. It imports nothing from the other rooms.

`python -m helpers local-dps --connection-file PATH` serves it; `running(folder)` does in a test. What it checks and
what it assumes is in the README beside this file.
"""

from .configuration import Configuration
from .core.faults import Fault, Faults
from .request.record import RequestRecord
from .running import running
from .server import LocalDps
from .state import CannotStart

__all__ = ["CannotStart", "Configuration", "Fault", "Faults", "LocalDps", "RequestRecord", "running"]
