"""A service to try things at: for what nobody should do to a service in use, or would have to do by hand."""

from helpers.dps import CaReference, DpsError, EnrollmentGroup, ProvisioningService, connect_local, start_local_dps
from helpers.lesson.portal import Portal
from helpers.lesson.steps.order import run_first
from helpers.lesson.steps.proof import prove
from helpers.lesson.steps.start import connect
from helpers.workspace import Workspace

__all__ = ["connect_to_local", "connect_to_rehearse", "rehearse"]


def connect_to_rehearse(workspace: Workspace) -> ProvisioningService:
    """The walkthrough's own service; with the target portal, where each step would be many clicks, a local DPS instead."""
    dps = connect(workspace)
    return connect_to_local(workspace) if isinstance(dps, Portal) else dps


def connect_to_local(workspace: Workspace) -> ProvisioningService:
    """The workspace's local DPS, whatever the target is."""
    return connect_local(start_local_dps(workspace.local_dps_folder))


def rehearse(workspace: Workspace, dps: ProvisioningService, passphrase: str | None) -> EnrollmentGroup:
    """The walkthrough's CA, proved, and a group bound to it, at a service which need not be the walkthrough's own.

    Raises:
        Problem: no CA is registered or no group is known (run 02_upload_ca, 05_create_enrollment_group), or the CA's key
            can't be opened.
    """
    facts = workspace.facts
    if facts.registered_role is None or facts.certificate_name is None:
        raise run_first("02_upload_ca", "No CA is registered with DPS in this workspace.")
    if facts.enrollment_group_id is None:
        raise run_first("05_create_enrollment_group", "No enrollment group is known in this workspace.")
    prove(dps, facts.certificate_name, workspace.authority(facts.registered_role, passphrase=passphrase))
    wanted = EnrollmentGroup(facts.enrollment_group_id, CaReference(facts.certificate_name))
    try:
        return dps.enrollment_groups.get(wanted.group_id)
    except DpsError as error:
        if error.status != 404:
            raise
    return dps.enrollment_groups.create(wanted)
