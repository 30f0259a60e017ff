"""The first notebooks of the walkthrough in a new workspace: `python -m tests.bench.run_notebooks NUMBER`."""

import sys
import tempfile
from pathlib import Path

from helpers import walkthrough
from helpers.workspace import Workspace

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "workspace")
        outcomes = walkthrough.run(workspace, {}, notebooks=walkthrough.NOTEBOOKS[: int(sys.argv[1])])
        failures = [outcome.failure for outcome in outcomes if outcome.failure]
    sys.exit("\n".join(failures) or 0)
