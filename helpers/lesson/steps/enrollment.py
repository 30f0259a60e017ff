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
from helpers.lesson.steps.order import run_first
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["bind_enrollment_group", "change_group"]


def bind_enrollment_group(
    workspace: Workspace, dps: ProvisioningService, inputs: CreateEnrollmentGroup
) -> EnrollmentGroup:
    """The enrollment group bound to the verified CA: a new one, or the one that this walkthrough made, as the form says now.

    Raises:
        Problem: the CA is not verified yet (run 04_verify_ca), or the hubs don't fit the policy.
        DpsError: a group of that name exists that is bound to something else (409).
    """
    facts = workspace.facts
    if not facts.verified or facts.certificate_name is None:
        raise run_first("04_verify_ca", "No verified CA is known in this workspace.")
    if facts.enrollment_group_id not in (None, inputs.enrollment_group_id):
        raise Problem(
            f"This walkthrough has created the enrollment group “{facts.enrollment_group_id}” already.",
            "One walkthrough has one group.",
            "Keep that name, or run 10_clean_up first.",
        )
    wanted = EnrollmentGroup(
        inputs.enrollment_group_id,
        CaReference(facts.certificate_name),
        allocation_policy=inputs.allocation_policy,
        iot_hubs=_hubs(inputs, dps),
        custom_allocation=CustomAllocation(inputs.webhook_url) if inputs.webhook_url else None,
    )
    if facts.enrollment_group_id is None:
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


def _hubs(inputs: CreateEnrollmentGroup, dps: ProvisioningService) -> tuple[str, ...]:
    """The hubs of the form, by the names under which they are linked.

    Raises:
        Problem: one is not linked, or the policy wants another number of them.
    """
    linked = {hub.lower(): hub for hub in dps.describe().iot_hubs}
    named = [name.strip() for name in inputs.iot_hubs.split(",") if name.strip()]
    unknown = [name for name in named if name.lower() not in linked]
    if unknown:
        raise Problem(
            f"“{unknown[0]}” is not linked to the provisioning service.",
            f"Linked are: {', '.join(linked.values()) or 'none'}.",
            "Give the host names of linked hubs, or leave the field empty for all of them.",
        )
    if inputs.allocation_policy is AllocationPolicy.STATIC and len(named) != 1:
        raise Problem(
            "The policy static needs exactly one hub.",
            "It sends every device of the group to the same hub.",
            f"Name one of: {', '.join(linked.values()) or 'none is linked'}.",
        )
    if (inputs.allocation_policy is AllocationPolicy.CUSTOM) != bool(inputs.webhook_url):
        raise Problem(
            "The policy custom and a webhook belong together.",
            "With custom, DPS asks your own function where a device goes; with the others nobody is asked.",
            "Give the function's URL, or choose another policy and leave the field empty.",
        )
    return tuple(linked[name.lower()] for name in named)
