"""A learner's workspace in which both CAs exist, with a local DPS of its own."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from helpers.dps import ProvisioningService, stop_local_dps
from helpers.lesson.targets import rehearse
from helpers.workspace import Workspace
from tests.lesson.cells import walk

__all__ = ["learners_workspace", "rehearsing"]


@contextmanager
def learners_workspace(folder: Path) -> Iterator[Workspace]:
    """The workspace, in a folder whose name needs quoting in a shell; at the end its local DPS is stopped."""
    workspace = Workspace(folder / "it's a workspace")
    try:
        walk(workspace, "walkthrough-ca", last="01")
        yield workspace
    finally:
        stop_local_dps(workspace.local_dps_folder)


def rehearsing(workspace: Workspace) -> closing[ProvisioningService]:
    """A connection to its local DPS, closed at the end."""
    return closing(rehearse(workspace))
