"""Run the notebooks headlessly, two at a time where one does not depend on the other."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from helpers.dps import stop_local_dps
from helpers.files import PRIVATE, make_private_folder, write_atomically
from helpers.notebook import Notebook
from helpers.problem import Problem
from helpers.walkthrough.kernels import StandbyKernels
from helpers.walkthrough.notebook_run import NotebookRun
from helpers.walkthrough.notebooks import FOLDER, NOTEBOOKS, parameter_names, predecessors
from helpers.walkthrough.parameters import require_known, require_no_key
from helpers.workspace import Workspace, remove_workspace

__all__ = ["fresh_workspace", "run"]

_MAX_CONCURRENT_NOTEBOOKS = 2


def fresh_workspace(folder: Path) -> Workspace:
    """Return an empty workspace at `folder`. An earlier run's files are removed, and its local DPS is stopped.

    Raises:
        Problem: the folder holds other files but no workspace, or the workspace is the record of resources that still exist
            in Azure. Nothing is removed then.
    """
    if folder.is_dir():
        _require_nothing_in_azure(folder)
        stop_local_dps(folder / "local-dps")
        remove_workspace(folder)
    return Workspace(folder)


def _require_nothing_in_azure(folder: Path) -> None:
    """Raise a Problem if the walkthrough has registered resources in Azure: the workspace is the only record of them."""
    if not (folder / "workspace.json").exists():
        return
    facts = Workspace(folder).facts
    registered = [f"the CA “{facts.certificate_name}”"] if facts.certificate_name else []
    registered += [f"the enrollment group “{facts.enrollment_group_id}”"] if facts.enrollment_group_id else []
    if facts.target == "azure" and registered:
        raise Problem(
            f"{folder} was not emptied.",
            f"Its walkthrough has registered {' and '.join(registered)} with {facts.provisioning_service}.",
            f"Continue it with --keep; {Notebook.CLEAN_UP} then removes them. Or choose another folder with --workspace.",
        )


def run(
    workspace: Workspace,
    parameters: Mapping[str, Any],
    *,
    notebooks: Sequence[Path] = NOTEBOOKS,
    on_cell: Callable[[str, int], None] = lambda _notebook, _cell: None,
    on_end: Callable[[NotebookRun], None] = lambda _outcome: None,
) -> list[NotebookRun]:
    """Execute the notebooks, and stop the local DPS at the end. After one has failed, no other is started.

    Args:
        parameters: by name; each notebook gets those that it has.
        on_cell: called with a notebook's name and a cell's number, as in JupyterLab, when the cell starts.
        on_end: called when a notebook has ended.

    Returns:
        a NotebookRun for each notebook that was started. The copies, their HTML and `index.html` are in the workspace's
        folder `executed`.
    """
    require_known(parameters)
    require_no_key(parameters)
    executed = make_private_folder(workspace.folder / "executed")
    given = {**parameters, "workspace": str(workspace.folder)}
    target = parameters.get("target") or workspace.facts.target or "local"
    # With Azure, 08 creates and deletes CAs in the same service whose CAs the other notebooks list.
    before = predecessors(notebooks, side_by_side=target != "azure")
    outcomes: dict[Path, NotebookRun] = {}
    started = time.monotonic()
    try:
        # The last context manager ends first: after an interrupt, the kernels are killed without waiting for notebooks.
        with (
            ThreadPoolExecutor(1) as exporting,
            ThreadPoolExecutor(_MAX_CONCURRENT_NOTEBOOKS) as running,
            StandbyKernels(FOLDER) as kernels,
        ):
            # papermill takes half a second to import; the first kernels start in the meantime. Its dependency jsonschema
            # would take another second to compile a grammar for a format that notebooks do not use, unless it can't import
            # rfc3987_syntax (https://github.com/python-jsonschema/jsonschema/issues/1428).
            sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None blocks an import
            from helpers.walkthrough.copies import INDEX, Exporter
            from helpers.walkthrough.engine import execute
            from helpers.walkthrough.index_page import index

            def run_one(notebook: Path) -> NotebookRun:
                began, copy = time.monotonic(), executed / notebook.name
                own = {name: given[name] for name in parameter_names(notebook) if name in given}
                failure = execute(notebook, copy, own, kernels, lambda cell: on_cell(notebook.stem, cell))
                return NotebookRun(notebook.stem, time.monotonic() - began, copy, copy.with_suffix(".html"), failure)

            exporter, exports = Exporter(), []
            for notebook, outcome in _each(notebooks, before, lambda notebook: running.submit(run_one, notebook)):
                outcomes[notebook] = outcome
                on_end(outcome)
                exports.append(exporting.submit(exporter.finish, outcome.executed))
            exports.append(exporting.submit(exporter.add_glossary, executed))
            for export in exports:
                export.result()
    finally:
        stop_local_dps(workspace.local_dps_folder)
    ordered = [outcomes[notebook] for notebook in notebooks if notebook in outcomes]
    write_atomically(executed / INDEX, index(ordered, time.monotonic() - started).encode(), mode=PRIVATE)
    return ordered


def _each(
    notebooks: Sequence[Path], before: Mapping[Path, set[Path]], begin: Callable[[Path], Future[NotebookRun]]
) -> Iterator[tuple[Path, NotebookRun]]:
    """Start each notebook once its predecessors have ended, and yield it when it ends. After a failure, start no other."""
    waiting, running, ended = list(notebooks), dict[Future[NotebookRun], Path](), set[Path]()
    while True:
        for notebook in [each for each in waiting if before[each] <= ended]:
            waiting.remove(notebook)
            running[begin(notebook)] = notebook
        if not running:
            assert not waiting, "the notebooks' dependencies have a cycle"
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            notebook = running.pop(future)
            ended.add(notebook)
            outcome = future.result()
            if outcome.failure:
                waiting.clear()
            yield notebook, outcome
