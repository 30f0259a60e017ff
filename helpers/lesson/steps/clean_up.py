"""The step of 10: what the walkthrough made at DPS is removed again."""

from collections.abc import Callable

from helpers.dps import DpsError, ProvisioningService, read_and_change, stop_local_dps
from helpers.lesson.inputs import CleanUp
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
        if facts.enrollment_group_id and _is_gone(lambda: _delete_group(dps, str(facts.enrollment_group_id))):
            done.append(f"The enrollment group “{facts.enrollment_group_id}” is deleted.")
        if facts.certificate_name and _is_gone(lambda: _delete_certificate(dps, str(facts.certificate_name))):
            done.append(f"The CA certificate “{facts.certificate_name}” is deleted at DPS.")
        dps.close()
        workspace.update(
            enrollment_group_id=None,
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


def _delete_group(dps: ProvisioningService, group_id: str) -> None:
    """The group, and the records of the devices that came through it: they would outlive it."""
    for record in dps.devices.records(group_id):
        dps.devices.forget(record.registration_id)
    read_and_change(lambda: dps.enrollment_groups.get(group_id), dps.enrollment_groups.delete)


def _delete_certificate(dps: ProvisioningService, name: str) -> None:
    read_and_change(lambda: dps.certificates.get(name), dps.certificates.delete)


def _is_gone(delete: Callable[[], None]) -> bool:
    """Whether this call removed it; somebody may have done so before."""
    try:
        delete()
    except DpsError as error:
        if error.status == 404:
            return False
        raise
    return True
