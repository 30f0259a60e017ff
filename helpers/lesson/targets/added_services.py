"""Provisioning services that the experiments add to the workspace's local DPS, such as those of other organizations.

The workspace notes each one before it is created, so that the clean-up also finds those of an interrupted experiment.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from helpers.dps import ProvisioningService, connect_to_another, remove_another, start_local_dps
from helpers.lesson.targets import rehearse
from helpers.workspace import Workspace

__all__ = ["add_service", "remove_added_services", "remove_service", "service_for_experiments"]


def add_service(workspace: Workspace, name: str, *, iot_hub: str) -> ProvisioningService:
    """Create a service with one linked hub, and connect to it. It replaces an earlier one with the same name."""
    workspace.add_service(name)
    return connect_to_another(start_local_dps(workspace.local_dps_folder), name, iot_hub=iot_hub)


def remove_service(workspace: Workspace, name: str) -> None:
    """Remove an added service, and all that is in it."""
    remove_another(start_local_dps(workspace.local_dps_folder), name)
    workspace.forget_service(name)


@contextmanager
def service_for_experiments(workspace: Workspace, name: str) -> Iterator[ProvisioningService]:
    """Give an experiment a service of its own at a local DPS; with the target azure, the walkthrough's own service.

    So the experiment's CAs never appear among the walkthrough's, as long as a service costs nothing.

    Raises:
        Problem: no target was chosen (run 00_start_here).
    """
    if workspace.facts.target in ("azure", None):
        yield rehearse(workspace)
        return
    dps = add_service(workspace, name, iot_hub="experiment-hub.azure-devices.net")
    try:
        yield dps
    finally:
        dps.close()
        remove_service(workspace, name)


def remove_added_services(workspace: Workspace) -> list[str]:
    """Remove every added service that is left; return their names."""
    names = workspace.facts.added_services
    for name in names:
        remove_service(workspace, name)
    return list(names)
