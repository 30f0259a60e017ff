"""The steps of 06: devices with certificates from the proved CA are let in, and no others."""

from helpers.certificates import CertificateAuthority, DeviceCredential, describe, issue_fleet, read_certificates
from helpers.dps import (
    DpsError,
    Event,
    HubDevice,
    Registration,
    hub_device,
    require_registered,
    start_local_dps,
)
from helpers.files import read_bytes
from helpers.lesson.inputs import ProvisionDevices
from helpers.lesson.portal import Portal, Service
from helpers.lesson.steps.order import run_first
from helpers.lesson.steps.registration import registered_certificate
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = [
    "group_of",
    "issue_device",
    "issue_kept",
    "provision_device",
    "provision_fleet",
    "provision_stranger",
    "read_records",
    "see_at_hub",
]

_NOTEBOOK = "06_provision_devices"


def issue_device(workspace: Workspace, inputs: ProvisionDevices, passphrase: str | None) -> DeviceCredential:
    """The first device, with a certificate signed by the lowest CA; the one that is there already if it fits.

    Raises:
        Problem: no CA is registered (run 02_upload_ca), or its key can't be opened.
    """
    workspace.forget_outcomes(_NOTEBOOK)
    return issue_kept(workspace, [inputs.device_id], passphrase)[0]


def provision_device(workspace: Workspace, dps: Service, inputs: ProvisionDevices) -> tuple[Registration, list[Event]]:
    """Register the first device, as it would itself; where it landed, and what happened until then.

    Raises:
        Problem: there is no group yet (run 05_create_enrollment_group), or no such device (run the cell before).
        DpsError: it is not let in.
    """
    group_of(workspace)
    registration, events = dps.devices.register_with_azure_sdk(_kept(workspace, inputs.device_id))
    workspace.note(_NOTEBOOK, device=_with_a_hub([registration]))
    return registration, events


def provision_fleet(
    workspace: Workspace, dps: Service, inputs: ProvisionDevices, passphrase: str | None
) -> list[Registration]:
    """Issue certificates to a fleet, and register all of it at once.

    Raises:
        Problem: some were not let in.
    """
    group_of(workspace)
    names = [f"{inputs.device_id}-{number:03}" for number in range(1, inputs.fleet_size + 1)]
    fleet = require_registered(dps.devices.register_all(issue_kept(workspace, names, passphrase), resume=True))
    workspace.note(_NOTEBOOK, fleet=_with_a_hub(fleet))
    return fleet


def read_records(workspace: Workspace, dps: Service, told: list[Registration]) -> list[Registration]:
    """The service's records of the devices that came through the group.

    Args:
        told: what the devices themselves were told: all there is with the target portal, where nothing can be asked for.
    """
    if isinstance(dps, Portal):
        return told
    with dps.wire.chapter("records"):
        return dps.devices.records(group_of(workspace))


def see_at_hub(workspace: Workspace, device: DeviceCredential, registration: Registration) -> HubDevice:
    """The device as its hub knows it: asked for at the local DPS; in Azure, where this notebook has no right to ask a hub,
    what DPS has entered there (how-to-manage-linked-iot-hubs.md): self-signed, by the certificate's SHA-256.
    """
    if workspace.facts.target == "local":
        connection = start_local_dps(workspace.local_dps_folder)
        return hub_device(connection, registration.assigned_hub, registration.device_id)
    leaf, *_ = read_certificates(read_bytes(device.chain_file), device.chain_file.name)
    return HubDevice(registration.device_id, "selfSigned", describe(leaf).sha256)


def provision_stranger(workspace: Workspace, dps: Service) -> DpsError:
    """A device whose certificate comes from another CA of the same name: what the service says to it.

    Raises:
        Problem: it was let in, which must not be.
    """
    group_of(workspace)
    namesake = CertificateAuthority.create_root(describe(registered_certificate(workspace)).common_name)
    (stranger,) = issue_fleet(namesake, ["stranger"], workspace.devices_folder)
    try:
        dps.devices.register(stranger)
    except DpsError as refused:
        workspace.note(_NOTEBOOK, stranger=refused.status)
        return refused
    raise Problem(
        "A stranger was let in.",
        "Its certificate was signed by another CA that merely has the same name.",
        "Look at your enrollments: one of them lets in more than it should.",
    )


def issue_kept(workspace: Workspace, names: list[str], passphrase: str | None) -> list[DeviceCredential]:
    """Devices with certificates of the lowest CA: the registered one, or one below it. What is kept and still good stays."""
    if workspace.facts.registered_role is None:
        raise run_first("02_upload_ca", "No CA is registered with DPS in this workspace.")
    *_, lowest = workspace.authority_roles()
    return issue_fleet(workspace.authority(lowest, passphrase=passphrase), names, workspace.devices_folder)


def _with_a_hub(registrations: list[Registration]) -> list[str]:
    return [each.registration_id for each in registrations if each.assigned_hub]


def _kept(workspace: Workspace, name: str) -> DeviceCredential:
    device = DeviceCredential.in_folder(workspace.devices_folder, name)
    if not (device.chain_file.exists() and device.key_file.exists()):
        raise Problem(
            f"There is no device “{name}” in this workspace.",
            "It has no certificate yet.",
            "Run the cell before this one: it issues the certificate.",
        )
    return device


def group_of(workspace: Workspace) -> str:
    """The id of the walkthrough's enrollment group.

    Raises:
        Problem: there is none yet (run 05_create_enrollment_group).
    """
    group = workspace.facts.enrollment_group_id
    if group is None:
        raise run_first("05_create_enrollment_group", "No enrollment group is known in this workspace.")
    return group
