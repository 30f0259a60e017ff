"""The targets of a walkthrough: a local DPS, a service in Azure, or a service that a person operates in the portal."""

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
from helpers.lesson.targets.external_signer import ExternalSigner
from helpers.lesson.targets.notes import Notes, RehearsalNotes
from helpers.lesson.targets.portal import Portal
from helpers.lesson.targets.service import Service
from helpers.lesson.targets.your_turn import YourTurn
from helpers.notebook import Notebook
from helpers.problem import Problem
from helpers.workspace import Facts, Workspace

__all__ = ["Dps", "ExternalSigner", "Portal", "Service", "Target", "YourTurn", "connect", "rehearse", "target_of"]

Dps = Service | Portal
"""The object that the notebooks' cells call. Both classes have the same methods."""


class Target(Protocol):
    """The walkthrough's way of reaching its service.

    Attributes:
        asks_a_person: whether a person carries out the calls, and is the only source of what is known about the service.
    """

    asks_a_person: bool

    def connect(self) -> Dps:
        """Return the walkthrough's service."""

    def rehearse(self) -> Service:
        """Return a service for experiments: the walkthrough's own, or a local DPS if each attempt would take many clicks."""

    def at_hub(self, device: DeviceCredential, registration: Registration) -> HubDevice:
        """Return the device's entry in its hub."""


class LocalTarget:
    """The local DPS of the workspace, started on first use."""

    asks_a_person = False

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def connect(self) -> Service:
        """Return the local DPS."""
        return Service(connect_local(start_local_dps(self._workspace.local_dps_folder)), Notes(self._workspace))

    def rehearse(self) -> Service:
        """Return the local DPS."""
        return self.connect()

    def at_hub(self, device: DeviceCredential, registration: Registration) -> HubDevice:  # noqa: ARG002 - as of Target
        """Return the entry that the local DPS has made."""
        connection = start_local_dps(self._workspace.local_dps_folder)
        return hub_device(connection, registration.assigned_hub, registration.device_id)


class AzureTarget:
    """A provisioning service in Azure, with the learner's own sign-in."""

    asks_a_person = False

    def __init__(self, workspace: Workspace, facts: Facts) -> None:
        self._workspace, self._facts = workspace, facts

    def connect(self) -> Service:
        """Return the service in Azure."""
        dps = connect_azure(
            subscription_id=self._facts.subscription_id,
            resource_group=self._facts.resource_group,
            provisioning_service=self._facts.provisioning_service,
        )
        return Service(dps, Notes(self._workspace))

    def rehearse(self) -> Service:
        """Return the service in Azure."""
        return self.connect()

    def at_hub(self, device: DeviceCredential, registration: Registration) -> HubDevice:
        """Return the entry as DPS makes it: the notebook has no permission to read it from the hub."""
        return _entered_by_dps(device, registration)


class PortalTarget:
    """A provisioning service in Azure that a person operates in the portal."""

    asks_a_person = True

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def connect(self) -> Portal:
        """Return the service as the person describes it."""
        return Portal(self._workspace)

    def rehearse(self) -> Service:
        """Return a local DPS, because in the portal each attempt would take many clicks."""
        connection = start_local_dps(self._workspace.local_dps_folder)
        return Service(connect_local(connection), RehearsalNotes(self._workspace))

    def at_hub(self, device: DeviceCredential, registration: Registration) -> HubDevice:
        """Return the entry as DPS makes it: the notebook has no permission to read it from the hub."""
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
    """Return the walkthrough's service.

    Raises:
        Problem: no target was chosen (run 00_start_here).
    """
    return target_of(workspace).connect()


def rehearse(workspace: Workspace) -> ProvisioningService:
    """Return a service for experiments, whose calls the walkthrough does not note: its own, or a local DPS for the portal.

    Raises:
        Problem: no target was chosen (run 00_start_here).
    """
    return target_of(workspace).rehearse().unheard


def target_of(workspace: Workspace) -> Target:
    """Return the target that was chosen.

    Raises:
        Problem: no target was chosen (run 00_start_here).
    """
    target = _target(workspace)
    if target is None:
        raise Problem(
            "Another notebook must run before this one.",
            "No target has been chosen in this workspace.",
            f"Run {Notebook.START_HERE}, and continue from there.",
        )
    return target


def _entered_by_dps(device: DeviceCredential, registration: Registration) -> HubDevice:
    """Return the entry as DPS makes it: self-signed, with the certificate's SHA-256 (how-to-manage-linked-iot-hubs.md)."""
    return HubDevice(registration.device_id, "selfSigned", describe(device.certificate).sha256)
