"""The clean-up, which removes what the walkthrough has created at DPS."""

from typing import TYPE_CHECKING

from helpers.dps import stop_local_dps
from helpers.lesson.figures import Listing
from helpers.lesson.forms.values import CleanUp
from helpers.lesson.targets.added_services import remove_added_services
from helpers.workspace import Workspace

if TYPE_CHECKING:
    from helpers.lesson.walkthrough import Walkthrough

__all__ = ["clean_up"]


def clean_up(walkthrough: "Walkthrough", wanted: CleanUp) -> Listing:
    """See `Walkthrough.clean_up`. Another run finds nothing left to remove.

    Raises:
        YourTurn: the target is portal, and the person has not confirmed yet that it is done.
    """
    workspace, done = walkthrough.workspace, []
    facts = workspace.facts
    if facts.enrollment_group_id or facts.certificate_name:
        walkthrough.before_clean_up = facts
        dps = walkthrough.dps
        with dps.wire.chapter("clean_up"):
            done += dps.remove(facts)
        dps.close()
        if facts.rehearsed:
            done += [f"At the local DPS: {each}" for each in walkthrough.rehearsal.remove(facts)]
        _forget(workspace)
    done += [f"The service “{name}” at the local DPS is deleted." for name in remove_added_services(workspace)]
    if stop_local_dps(workspace.local_dps_folder):
        done.append("The local DPS is stopped.")
    if wanted.delete_keys:
        done += [f"{name} is deleted here." for name in workspace.delete_certificates()]
    return Listing("Removed", done or ["There was nothing to remove."])


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
        iot_hubs=(),
        webhook_url="",
        done_in_portal=(),
        rehearsed=False,
    )
    workspace.delete_proof()
