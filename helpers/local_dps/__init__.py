"""A Device Provisioning Service on loopback that really verifies. It imports nothing from the other rooms.

`python -m helpers local-dps --connection-file PATH` serves it; `running(folder)` does in a test. What it checks and
what it assumes is in the README beside this file.
"""

from helpers.local_dps.exchange import Exchange
from helpers.local_dps.faults import Fault, Faults
from helpers.local_dps.server import CannotStart, LocalDps, running

__all__ = ["CannotStart", "Exchange", "Fault", "Faults", "LocalDps", "running"]
