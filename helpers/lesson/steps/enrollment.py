"""The step of 05: an enrollment group bound to the verified CA."""

from helpers.dps import CaReference, DpsError, EnrollmentGroup, ProvisioningService
from helpers.lesson.inputs import CreateEnrollmentGroup
from helpers.lesson.steps.order import run_first
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["bind_enrollment_group"]


def bind_enrollment_group(
    workspace: Workspace, dps: ProvisioningService, inputs: CreateEnrollmentGroup
) -> EnrollmentGroup:
    """The enrollment group bound to the verified CA: the one that this walkthrough made, or a new one.

    Raises:
        Problem: the CA is not verified yet (run 04_verify_ca).
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
    if facts.enrollment_group_id is not None:
        return dps.enrollment_groups.get(inputs.enrollment_group_id)
    wanted = EnrollmentGroup(inputs.enrollment_group_id, CaReference(facts.certificate_name))
    try:
        group = dps.enrollment_groups.create(wanted)
    except DpsError as error:
        if error.status != 409:
            raise
        group = dps.enrollment_groups.get(wanted.group_id)
        if group.attestation != wanted.attestation:  # else a run that was interrupted before it could write it down
            raise
    workspace.update(enrollment_group_id=group.group_id)
    return group
