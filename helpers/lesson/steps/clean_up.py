"""The step of 10: what the walkthrough made at DPS is removed again."""

from dataclasses import dataclass, field

from helpers.dps import DpsError, ProvisioningService, removed, stop_local_dps
from helpers.lesson.inputs import CleanUp
from helpers.lesson.portal import Portal, Service
from helpers.lesson.scratch import remove_leftovers
from helpers.lesson.steps.start import connect
from helpers.workspace import Facts, Workspace

__all__ = ["CleanedUp", "clean_up"]


@dataclass(frozen=True)
class CleanedUp:
    """What was removed.

    Attributes:
        done: a sentence for each thing. before: what the workspace knew before.
        dps: the service that was asked, closed by now; None when there was nothing to ask it.
    """

    before: Facts
    dps: Service | None = None
    done: list[str] = field(default_factory=list)


def clean_up(workspace: Workspace, inputs: CleanUp) -> CleanedUp:
    """Remove from the service what this walkthrough made there, and its CAs here if asked to.

    Run again, it finds nothing to do.

    Raises:
        YourTurn: the target is portal, and nobody has said that it is done.
    """
    facts = workspace.facts
    begun = facts.enrollment_group_id or facts.certificate_name
    cleaned = CleanedUp(facts, connect(workspace) if begun else None)
    if cleaned.dps is not None:
        with cleaned.dps.wire.chapter("clean_up"):
            if isinstance(cleaned.dps, Portal):
                cleaned.dps.remove(done=inputs.done_in_portal)
                cleaned.done.append("You have deleted the group and the CA certificate in the portal.")
            else:
                cleaned.done.extend(_remove(cleaned.dps, facts))
        cleaned.dps.close()
        _forget(workspace)
    if stop_local_dps(workspace.local_dps_folder):
        cleaned.done.append("The local DPS is stopped.")
    if inputs.delete_keys:
        cleaned.done.extend(f"{name} is deleted here." for name in workspace.delete_certificates())
    return cleaned


def _remove(dps: ProvisioningService, facts: Facts) -> list[str]:
    done = []
    if facts.revoked_device and removed(dps.individual_enrollments, facts.revoked_device):
        done.append(f"The individual enrollment of “{facts.revoked_device}” is deleted.")
    if facts.enrollment_group_id:
        done += _forget_devices(dps, facts.enrollment_group_id)
        if removed(dps.enrollment_groups, facts.enrollment_group_id):
            done.append(f"The enrollment group “{facts.enrollment_group_id}” is deleted.")
    remove_leftovers(dps)
    done += [
        f"The CA certificate “{name}” is deleted at DPS."
        for name in (facts.next_certificate_name, facts.certificate_name)
        if name and removed(dps.certificates, name)
    ]
    return done


def _forget(workspace: Workspace) -> None:
    workspace.update(
        enrollment_group_id=None,
        revoked_device=None,
        next_certificate_name=None,
        certificate_name=None,
        registered_role=None,
        etags=(),
        verification_code=None,
        used_code=None,
        verified=False,
        allocation_policy=None,
        done_in_portal=(),
    )
    workspace.delete_proof()


def _forget_devices(dps: ProvisioningService, group_id: str) -> list[str]:
    """The records of the devices that came through a group would outlive it."""
    try:
        records = dps.devices.records(group_id)
    except DpsError as error:
        if error.status == 404:
            return []  # the group is gone, and with it the way to ask for its records
        raise
    for record in records:
        dps.devices.forget(record.registration_id)
    count = f"{len(records)} registration {'record is' if len(records) == 1 else 'records are'}"
    return [f"{count} deleted."] if records else []
