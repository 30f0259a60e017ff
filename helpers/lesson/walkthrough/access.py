"""Notebook 07, in which access ends: the devices to try it with, and the return to the state that 05 left."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from helpers.certificates import CertificateAuthority, DeviceCredential, issue_fleet
from helpers.dps import CaReference, DpsError, EnrollmentGroup, removed
from helpers.lesson.figures import AccessCard, AccessMatrix
from helpers.lesson.forms.values import EndAccess
from helpers.lesson.targets.scratch import prove
from helpers.notebook import Notebook
from helpers.workspace import Workspace

if TYPE_CHECKING:
    from helpers.lesson.walkthrough import Walkthrough

__all__ = ["access_matrix", "put_back", "renew", "try_devices", "two_devices"]

_NOTEBOOK = Notebook.WHEN_ACCESS_ENDS


def two_devices(walkthrough: "Walkthrough", wanted: EndAccess) -> list[DeviceCredential]:
    """See `Walkthrough.two_devices`."""
    walkthrough.workspace.forget_outcomes(_NOTEBOOK)
    if walkthrough.target.asks_a_person:
        _rehearse(walkthrough)
    put_back(walkthrough)
    names = [wanted.registration_id, f"{wanted.registration_id}-neighbour"[-64:]]
    return issue_fleet(walkthrough.signing_authority(), names, walkthrough.workspace.devices_folder)


def try_devices(walkthrough: "Walkthrough", moment: str, devices: Sequence[DeviceCredential]) -> AccessCard:
    """See `Walkthrough.try_devices`. The notebook's checkpoint judges the results that are noted here."""
    outcomes = walkthrough.rehearsal.unheard.devices.register_all(devices)
    card = AccessCard(moment, list(zip(devices, outcomes, strict=True)))
    accepted = {device.registration_id: is_accepted for device, is_accepted in zip(devices, card.accepted, strict=True)}
    walkthrough.workspace.note(_NOTEBOOK, **{moment: accepted})
    return card


def access_matrix(workspace: Workspace) -> AccessMatrix:
    """See `Walkthrough.access_matrix`."""
    situations = workspace.outcomes(_NOTEBOOK)
    devices = dict.fromkeys(device for accepted in situations.values() for device in accepted)
    return AccessMatrix(tuple(devices), situations)


def renew(device: DeviceCredential, authority: CertificateAuthority) -> DeviceCredential:
    """See `Walkthrough.renew`."""
    chain = device.chain_file
    renewed = replace(
        device,
        chain_file=chain.with_name(f"{chain.stem}~renewed.pem"),  # no registration id contains ~
        key_file=chain.with_name(f"{chain.stem}~renewed.key"),
    )
    renewed.save(authority.issue_device(device.registration_id))
    return renewed


def put_back(walkthrough: "Walkthrough") -> EnrollmentGroup:
    """See `Walkthrough.put_back`. This also restores what an interrupted run has changed."""
    workspace, dps = walkthrough.workspace, walkthrough.rehearsal
    group_id, name = walkthrough.group().group_id, walkthrough.registered().name
    if device := workspace.facts.revoked_device:
        removed(dps.unheard.individual_enrollments, device)
        workspace.update(revoked_device=None)
    present = dps.enrollment_groups.get(group_id)
    wanted = replace(present, enabled=True, attestation=CaReference(name))
    restored = present if wanted == present else dps.enrollment_groups.update(wanted)
    if next_ca := workspace.facts.next_certificate_name:
        removed(dps.unheard.certificates, next_ca)
        workspace.update(next_certificate_name=None)
    return restored


def _rehearse(walkthrough: "Walkthrough") -> None:
    """Prove the walkthrough's CA, and bind a group to it, at the service for experiments."""
    walkthrough.workspace.update(rehearsed=True)
    dps = walkthrough.rehearsal.unheard
    registered, group = walkthrough.registered(), walkthrough.group()
    if any(
        each.name == registered.name and each.thumbprint != registered.thumbprint for each in dps.certificates.list()
    ):
        removed(dps.certificates, registered.name)  # from an earlier walkthrough in this workspace
    prove(dps, registered.name, walkthrough.registered_authority())
    try:
        dps.enrollment_groups.create(EnrollmentGroup(group.group_id, CaReference(registered.name)))
    except DpsError as error:
        if error.status != 409:  # an interrupted run has changed the group; the caller restores it with `put_back`
            raise
