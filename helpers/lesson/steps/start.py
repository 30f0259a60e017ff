"""The steps of 00: is this machine fit, and which provisioning service is spoken to."""

import platform
import sys
from importlib.metadata import version

from helpers.dps import ProvisioningService, connect_azure, connect_local, start_local_dps
from helpers.lesson.checkpoint import Expectation
from helpers.lesson.inputs import StartHere
from helpers.lesson.steps.order import run_first
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["check_this_machine", "choose_target", "connect"]


def check_this_machine(workspace: Workspace) -> tuple[Expectation, ...]:
    """What the walkthrough needs of this machine."""
    private = not workspace.folder.stat().st_mode & 0o077
    return (
        Expectation(
            f"Python {platform.python_version()} is 3.11 or newer",
            sys.version_info >= (3, 11),
            "Install a newer Python.",
        ),
        Expectation(
            f"cryptography {version('cryptography')} is 50 or newer",
            int(version("cryptography").split(".")[0]) >= 50,
            "Run make tutorial, which installs it.",
        ),
        Expectation(
            "The workspace may be entered by you alone",
            private,
            f"Run: chmod 700 {workspace.folder.name} in its parent.",
        ),
    )


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
            "Run 10_clean_up first, or use another workspace.",
        )
    workspace.update(**chosen)


def connect(workspace: Workspace) -> ProvisioningService:
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
        case None:
            raise run_first("00_start_here", "No target has been chosen in this workspace.")
