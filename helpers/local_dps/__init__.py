"""A Device Provisioning Service on loopback that really verifies.

The command `local-dps` serves it. `running(folder)` serves it in the caller's own process. In tests, the fixture of the
pytest plugin in `testing` is the shortest way.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .configuration import Configuration
    from .core.faults import Fault, Faults
    from .in_process import running
    from .request.record import RequestRecord
    from .server import LocalDps
    from .state import CannotStart

__all__ = [
    "CannotStart",
    "Configuration",
    "Fault",
    "Faults",
    "LocalDps",
    "RequestRecord",
    "__version__",
    "running",
]

# pytest imports this package in every suite of an environment that has it, for the plugin is in it. So an import costs
# nothing until one of these names is used: the server brings aiohttp and cryptography.
_MODULES = {
    "CannotStart": ".state",
    "Configuration": ".configuration",
    "Fault": ".core.faults",
    "Faults": ".core.faults",
    "LocalDps": ".server",
    "RequestRecord": ".request.record",
    "running": ".in_process",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name], __name__), name)
