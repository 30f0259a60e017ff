"""A walkthrough whose notebooks run one after the other, so that each request belongs to one notebook."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from helpers import walkthrough
from helpers.walkthrough import runner
from helpers.workspace import Workspace
from tests.local_dps.wire import LocalService
from tests.notebooks.recorder import Exchange, read_recording, recording_local_dps

__all__ = ["Walk"]


class Walk:
    """One walkthrough in its own workspace, with a local DPS that records its requests."""

    def __init__(self, workspace: Workspace, recording: Path) -> None:
        self.workspace = workspace
        self._recording = recording
        self._read = 0

    @classmethod
    @contextmanager
    def begin(cls, folder: Path) -> Iterator["Walk"]:
        """Make the workspace in `folder` and start its local DPS."""
        workspace = Workspace(folder / "workspace")
        workspace.update(exhibit_seed="0123456789abcdef")  # the order of 08's requests follows from it
        recording = folder / "recording.jsonl"
        with recording_local_dps(workspace.local_dps_folder, recording):
            yield cls(workspace, recording)

    def run(
        self,
        parameters: Mapping[str, Any],
        notebooks: Sequence[Path],
        on_end: Callable[[walkthrough.NotebookRun], None],
    ) -> None:
        """Run the notebooks, and leave the local DPS running. `on_end` is called before the next notebook begins."""

        def one_after_the_other(given: Sequence[Path], *, side_by_side: bool) -> Mapping[Path, set[Path]]:
            return predecessors(given, side_by_side=False)

        predecessors = runner.predecessors
        with (
            patch.object(runner, "predecessors", one_after_the_other),
            patch.object(runner, "stop_local_dps", lambda _folder: None),
        ):
            walkthrough.run(self.workspace, parameters, notebooks=notebooks, on_end=on_end)

    @contextmanager
    def service(self) -> Iterator[LocalService]:
        """Yield the local DPS for requests that are not part of the record.

        11_clean_up stops the local DPS, so it is started again after that.
        """
        folder = self.workspace.local_dps_folder
        with ExitStack() as stack:
            if not (folder / "connection.json").exists():
                stack.enter_context(recording_local_dps(folder, self._recording))
            yield LocalService(json.loads((folder / "connection.json").read_text()), folder / "state")
        self.heard()

    def heard(self) -> list[Exchange]:
        """Return the exchanges since the last call."""
        exchanges = read_recording(self._recording)
        fresh, self._read = exchanges[self._read :], len(exchanges)
        return fresh
