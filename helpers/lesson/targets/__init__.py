"""Which provisioning service a walkthrough speaks to, and how: a local one, one in Azure, or one that a person works."""

from typing import Protocol

from helpers.certificates import DeviceCredential, describe
from helpers.dps import (
    HubDevice,
    ProvisioningService,
    Registration,
    connect_azure,
    connect_local,
    hub_device,
    start_local_dps,
)
from helpers.lesson.targets.notes import Notes, RehearsalNotes
from helpers.lesson.targets.portal import Portal, YourTurn
from helpers.lesson.targets.service import Service
from helpers.problem import Problem
from helpers.workspace import Facts, Workspace

__all__ = ["Dps", "Portal", "Service", "Target", "YourTurn", "connect", "rehearse", "target_of"]

Dps = Service | Portal
"""What the cells of the notebooks call: both have the same methods."""


class Target(Protocol):
    """How the walkthrough reaches its service.

    Attributes:
        asks_a_person: whether a person does what the calls say, and what is known is what the person has told.
    """

    asks_a_person: bool

    def connect(self) -> Dps:
        """The walkthrough's service."""

    def rehearse(self) -> Service:
        """A service to try things at: the walkthrough's own, or where each try would be many clicks, a local DPS."""

    def at_hub(self, device: DeviceCredential, registration: Registration) -> HubDevice:
        """The device as its hub knows it."""


class LocalTarget:
    """The local DPS of the workspace, started on first use."""

    asks_a_person = False

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def connect(self) -> Service:
        """The local DPS."""
        return Service(connect_local(start_local_dps(self._workspace.local_dps_folder)), Notes(self._workspace))

    def rehearse(self) -> Service:
        """The local DPS."""
        return self.connect()

    def at_hub(self, device: DeviceCredential, registration: Registration) -> HubDevice:  # noqa: ARG002 - as of Target
        """As the local DPS has entered it."""
        connection = start_local_dps(self._workspace.local_dps_folder)
        return hub_device(connection, registration.assigned_hub, registration.device_id)


class AzureTarget:
    """A provisioning service in Azure, with the learner's own sign-in."""

    asks_a_person = False

    def __init__(self, workspace: Workspace, facts: Facts) -> None:
        self._workspace, self._facts = workspace, facts

    def connect(self) -> Service:
        """The service in Azure."""
        dps = connect_azure(
            subscription_id=self._facts.subscription_id,
            resource_group=self._facts.resource_group,
            provisioning_service=self._facts.provisioning_service,
        )
        return Service(dps, Notes(self._workspace))

    def rehearse(self) -> Service:
        """The service in Azure."""
        return self.connect()

    def at_hub(self, device: DeviceCredential, registration: Registration) -> HubDevice:
        """As DPS enters it: this notebook has no right to ask a hub."""
        return _entered_by_dps(device, registration)


class PortalTarget:
    """A provisioning service in Azure that a person works in the portal."""

    asks_a_person = True

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def connect(self) -> Portal:
        """The service as the person tells of it."""
        return Portal(self._workspace)

    def rehearse(self) -> Service:
        """A local DPS: each try would be many clicks."""
        connection = start_local_dps(self._workspace.local_dps_folder)
        return Service(connect_local(connection), RehearsalNotes(self._workspace))

    def at_hub(self, device: DeviceCredential, registration: Registration) -> HubDevice:
        """As DPS enters it: this notebook has no right to ask a hub."""
        return _entered_by_dps(device, registration)


def _target(workspace: Workspace) -> Target | None:
    facts = workspace.facts
    match facts.target:
        case "local":
            return LocalTarget(workspace)
        case "azure":
            return AzureTarget(workspace, facts)
        case "portal":
            return PortalTarget(workspace)
        case None:
            return None


def connect(workspace: Workspace) -> Dps:
    """The walkthrough's service.

    Raises:
        Problem: no target was chosen (run 00_start_here).
    """
    return target_of(workspace).connect()


def rehearse(workspace: Workspace) -> ProvisioningService:
    """A service to try things at, without the walkthrough listening: its own, or with the target portal a local DPS.

    Raises:
        Problem: no target was chosen (run 00_start_here).
    """
    return target_of(workspace).rehearse().unheard


def target_of(workspace: Workspace) -> Target:
    """The target that was chosen.

    Raises:
        Problem: none was (run 00_start_here).
    """
    target = _target(workspace)
    if target is None:
        raise Problem(
            "This notebook needs another to be run first.",
            "No target has been chosen in this workspace.",
            "Run 00_start_here, and go on from there.",
        )
    return target


def _entered_by_dps(device: DeviceCredential, registration: Registration) -> HubDevice:
    """Self-signed, by the certificate's SHA-256 (how-to-manage-linked-iot-hubs.md)."""
    return HubDevice(registration.device_id, "selfSigned", describe(device.certificate).sha256)
