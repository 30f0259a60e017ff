"""Run the notebooks headlessly, through papermill."""

from helpers.walkthrough.notebook_run import NotebookRun
from helpers.walkthrough.notebooks import NOTEBOOKS, PROJECT
from helpers.walkthrough.parameters import check_parameters, read_parameters
from helpers.walkthrough.runner import fresh_workspace, run

__all__ = [
    "NOTEBOOKS",
    "PROJECT",
    "NotebookRun",
    "check_parameters",
    "fresh_workspace",
    "read_parameters",
    "run",
]
