"""One walkthrough's record as text."""

from collections.abc import Iterable

from helpers import walkthrough
from tests.record.commands import run_command
from tests.record.placeholders import Placeholders
from tests.record.service import service_lines
from tests.record.walk import Walk
from tests.record.wire import WireText
from tests.record.workspace import workspace_lines

__all__ = ["Record"]


class Record:
    """The text of a walkthrough's record: headings, and lines under them."""

    def __init__(self, walk: Walk) -> None:
        folder = walk.workspace.folder
        with walk.service() as dps:
            services = dps.root.rpartition("/")[0]
        places = {services: "…", str(folder): "<workspace>", str(folder.parent): "<folder>"}
        self._placeholders = Placeholders({**places, str(walkthrough.PROJECT): "<project>"})
        self._wire = WireText(self._placeholders)
        self._walk = walk
        self._status = ""
        self._workspace: list[str] = []
        self._lines: list[str] = []

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)

    def notebook_ended(self, outcome: walkthrough.NotebookRun) -> None:
        """Write the notebook's requests, its error if it stopped with one, and what `status` prints if that has changed."""
        self._write(outcome.name, self._wire.lines(self._walk.heard()))
        if outcome.failure:
            self._write(f"{outcome.name} stops", self._placeholders.text(outcome.failure).splitlines())
        status = run_command("status", "--workspace", self._walk.workspace.folder).stdout
        if status != self._status:
            self._write(f"status after {outcome.name}", status.splitlines())
            self._status = status

    def state(self, when: str, *, with_copies: bool) -> None:
        """Write what the service holds, and what has changed in the workspace since this was last written."""
        folder, before = self._walk.workspace.folder, self._workspace
        described = list(workspace_lines(folder, self._placeholders, with_copies=with_copies))
        # A certificate is described where it first appears. The second time, the lines are the ones that come later, too.
        self._workspace = list(workspace_lines(folder, self._placeholders, with_copies=with_copies))
        gone = [f"gone: {line}" for line in before if line not in self._workspace]
        new = [line for line, as_later in zip(described, self._workspace, strict=True) if as_later not in before]
        self._write(f"the workspace {when}", [*gone, *new])
        with self._walk.service() as dps:
            self._write(f"the service {when}", service_lines(dps, self._placeholders))

    def _write(self, heading: str, lines: Iterable[str]) -> None:
        self._lines += [f"=== {heading}", *lines, ""]
