"""The step of 10: what the walkthrough made at DPS is removed again."""

from helpers.dps import DpsError, ProvisioningService, stop_local_dps
from helpers.lesson.inputs import CleanUp
from helpers.lesson.steps.removal import removed
from helpers.lesson.steps.start import connect
from helpers.workspace import Workspace

__all__ = ["clean_up"]


def clean_up(workspace: Workspace, inputs: CleanUp) -> list[str]:
    """Remove from the service what this walkthrough made there, and its CAs here if asked to. Says what was removed.

    Run again, it finds nothing to do.
    """
    done: list[str] = []
    facts = workspace.facts
    if facts.enrollment_group_id or facts.certificate_name:
        dps = connect(workspace)
        if facts.revoked_device and removed(dps.individual_enrollments, facts.revoked_device):
            done.append(f"The individual enrollment of “{facts.revoked_device}” is deleted.")
        if facts.enrollment_group_id:
            _forget_devices(dps, facts.enrollment_group_id)
            if removed(dps.enrollment_groups, facts.enrollment_group_id):
                done.append(f"The enrollment group “{facts.enrollment_group_id}” is deleted.")
        done += [
            f"The CA certificate “{name}” is deleted at DPS."
            for name in (facts.next_certificate_name, facts.certificate_name)
            if name and removed(dps.certificates, name)
        ]
        dps.close()
        workspace.update(
            enrollment_group_id=None,
            revoked_device=None,
            next_certificate_name=None,
            certificate_name=None,
            registered_role=None,
            etags=(),
            verification_code=None,
            verified=False,
        )
        workspace.delete_proof()
    if facts.target == "local" and stop_local_dps(workspace.local_dps_folder):
        done.append("The local DPS is stopped.")
    if inputs.delete_keys:
        done += [f"{name} is deleted here." for name in workspace.delete_certificates()]
    return done


def _forget_devices(dps: ProvisioningService, group_id: str) -> None:
    """The records of the devices that came through a group would outlive it."""
    try:
        records = dps.devices.records(group_id)
    except DpsError as error:
        if error.status == 404:
            return  # the group is gone, and with it the way to ask for its records
        raise
    for record in records:
        dps.devices.forget(record.registration_id)
