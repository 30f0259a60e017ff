"""The steps of 00: which provisioning service is spoken to."""

from helpers.dps import connect_azure, connect_local, start_local_dps
from helpers.lesson.inputs import StartHere
from helpers.lesson.portal import Portal, Service
from helpers.lesson.steps.order import run_first
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["choose_target", "connect"]


def choose_target(workspace: Workspace, inputs: StartHere) -> None:
    """Remember the target. A walkthrough that has begun with one can't go on with another.

    Raises:
        Problem: a CA is registered with another target already.
    """
    facts = workspace.facts
    begun = facts.certificate_name is not None
    chosen = inputs.model_dump()
    if begun and any(getattr(facts, name) != value for name, value in chosen.items()):
        raise Problem(
            f"This walkthrough has begun with the target {facts.target}.",
            f"The CA is registered there as “{facts.certificate_name}”.",
            f"Put {facts.target} back, or run 10_clean_up first.",
        )
    workspace.update(**chosen)


def connect(workspace: Workspace) -> Service:
    """The provisioning service of this walkthrough; a local DPS is started if it does not run.

    Raises:
        Problem: no target was chosen yet (run 00_start_here), or it can't be reached.
    """
    facts = workspace.facts
    match facts.target:
        case "local":
            return connect_local(start_local_dps(workspace.local_dps_folder))
        case "azure":
            return connect_azure(
                subscription_id=facts.subscription_id,
                resource_group=facts.resource_group,
                provisioning_service=facts.provisioning_service,
            )
        case "portal":
            return Portal(workspace)
        case None:
            raise run_first("00_start_here", "No target has been chosen in this workspace.")
