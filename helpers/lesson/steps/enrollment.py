"""The step of 05: an enrollment group bound to the verified CA."""

from dataclasses import replace

from helpers.dps import (
    AllocationPolicy,
    CaReference,
    CustomAllocation,
    DpsError,
    EnrollmentGroup,
    ProvisioningService,
    read_and_change,
)
from helpers.lesson.inputs import CreateEnrollmentGroup
from helpers.lesson.portal import Portal, Service
from helpers.lesson.steps.order import run_first
from helpers.problem import Problem
from helpers.urls import with_key
from helpers.workspace import Workspace

__all__ = ["bind_enrollment_group", "change_group", "group_now", "hubs_of"]


def bind_enrollment_group(
    workspace: Workspace, dps: Service, inputs: CreateEnrollmentGroup, webhook_key: str | None = None
) -> EnrollmentGroup:
    """The enrollment group bound to the verified CA: a new one, or the one that this walkthrough made, as the form says now.

    Args:
        webhook_key: of the function at the form's URL, if it demands one. In the portal a person chooses the function instead.

    Raises:
        Problem: the CA is not verified yet (run 04_verify_ca), or a hub is not linked.
        DpsError: a group of that name exists that is bound to something else (409).
        YourTurn: the target is portal, and nobody has said that it is done.
    """
    inputs.require_complete()
    facts = workspace.facts
    if not facts.verified or facts.certificate_name is None:
        raise run_first("04_verify_ca", "No verified CA is known in this workspace.")
    if facts.enrollment_group_id not in (None, inputs.enrollment_group_id):
        raise Problem(
            f"This walkthrough has created the enrollment group “{facts.enrollment_group_id}” already.",
            "One walkthrough has one group.",
            f"Put “{facts.enrollment_group_id}” back, or run 10_clean_up first.",
        )
    wanted = EnrollmentGroup(
        inputs.enrollment_group_id,
        CaReference(facts.certificate_name),
        allocation_policy=inputs.allocation_policy,
        iot_hubs=_hubs(inputs, dps),
        custom_allocation=_custom_allocation(inputs.webhook_url, None if isinstance(dps, Portal) else webhook_key),
    )
    if isinstance(dps, Portal):
        return dps.bind(wanted, done=inputs.done_in_portal)
    with dps.wire.chapter("group"):
        return _bind(workspace, dps, wanted)


def _bind(workspace: Workspace, dps: ProvisioningService, wanted: EnrollmentGroup) -> EnrollmentGroup:
    if workspace.facts.enrollment_group_id is None:
        try:
            created = dps.enrollment_groups.create(wanted)
            workspace.update(enrollment_group_id=created.group_id)
            return created
        except DpsError as error:
            if error.status != 409:
                raise
            present = dps.enrollment_groups.get(wanted.group_id)
            if present.attestation != wanted.attestation:
                raise
        workspace.update(enrollment_group_id=wanted.group_id)  # of a run that was interrupted before it wrote that down
    return change_group(
        dps,
        wanted.group_id,
        attestation=wanted.attestation,
        enabled=True,
        allocation_policy=wanted.allocation_policy,
        iot_hubs=wanted.iot_hubs,
        custom_allocation=wanted.custom_allocation,
    )


def change_group(dps: ProvisioningService, group_id: str, **changes: object) -> EnrollmentGroup:
    """The group with these fields; the others stay. Nothing is sent if it has them already."""

    def change(group: EnrollmentGroup) -> EnrollmentGroup:
        wanted = replace(group, **changes)  # type: ignore[arg-type]  # field names of the dataclass
        return group if wanted == group else dps.enrollment_groups.update(wanted)

    return read_and_change(lambda: dps.enrollment_groups.get(group_id), change)


def group_now(workspace: Workspace, dps: Service) -> EnrollmentGroup:
    """The walkthrough's group as the service has it; of a portal its name and its CA are known.

    Raises:
        Problem: there is none yet (run 05_create_enrollment_group).
    """
    facts = workspace.facts
    if facts.enrollment_group_id is None or facts.certificate_name is None:
        raise run_first("05_create_enrollment_group", "No enrollment group is known in this workspace.")
    if isinstance(dps, Portal):
        return dps.group()
    return dps.enrollment_groups.get(facts.enrollment_group_id)


def hubs_of(dps: Service, group: EnrollmentGroup) -> tuple[str, ...]:
    """The hubs among which a group chooses; of a portal only those that the group names are known."""
    return group.iot_hubs or dps.describe().iot_hubs


def _custom_allocation(url: str, key: str | None) -> CustomAllocation | None:
    return CustomAllocation(with_key(url, key) if key else url) if url else None


def _hubs(inputs: CreateEnrollmentGroup, dps: Service) -> tuple[str, ...]:
    """The hubs of the form, by the names under which they are linked.

    Raises:
        Problem: one is not linked.
    """
    named = [name.strip() for name in inputs.iot_hubs.split(",") if name.strip()]
    if isinstance(dps, Portal):
        return tuple(named)
    linked = {hub.lower(): hub for hub in dps.describe().iot_hubs}
    unknown = [name for name in named if name.lower() not in linked]
    if unknown:
        one = inputs.allocation_policy is AllocationPolicy.STATIC
        raise Problem(
            f"“{unknown[0]}” is not linked to the provisioning service.",
            f"Linked are: {', '.join(linked.values()) or 'none'}.",
            "Give the host name of a linked hub."
            if one
            else "Give the host names of linked hubs, or leave the field empty for all of them.",
        )
    return tuple(linked[name.lower()] for name in named)
