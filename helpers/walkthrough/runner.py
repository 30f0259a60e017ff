"""Run the notebooks headlessly: in their order, two at a time where one does not need the other."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from helpers.dps import stop_local_dps
from helpers.files import PRIVATE, make_private_folder, write_atomically
from helpers.problem import Problem
from helpers.walkthrough.kernels import StandbyKernels
from helpers.walkthrough.notebooks import FOLDER, NOTEBOOKS, parameter_names, predecessors
from helpers.walkthrough.outcome import Outcome
from helpers.walkthrough.parameters import require_known, require_no_key
from helpers.workspace import Workspace, remove_workspace

__all__ = ["fresh_workspace", "run"]

_SIDE_BY_SIDE = 2


def fresh_workspace(folder: Path) -> Workspace:
    """The workspace at `folder`, emptied: an earlier run's things are removed, and its local DPS is stopped.

    Raises:
        Problem: the folder holds something else than a workspace; nothing is touched then.
    """
    if folder.is_dir():
        _require_nothing_in_azure(folder)
        stop_local_dps(folder / "local-dps")
        remove_workspace(folder)
    return Workspace(folder)


def _require_nothing_in_azure(folder: Path) -> None:
    """A workspace is the only record of what a walkthrough has registered in Azure."""
    if not (folder / "workspace.json").exists():
        return
    facts = Workspace(folder).facts
    if facts.target == "azure" and (facts.certificate_name or facts.enrollment_group_id):
        raise Problem(
            f"{folder} was not emptied.",
            f"The CA “{facts.certificate_name}” of that walkthrough is still registered with {facts.provisioning_service}.",
            "Go on with --keep, which ends in 10_clean_up, or choose another folder with --workspace.",
        )


def run(
    workspace: Workspace,
    parameters: Mapping[str, Any],
    *,
    notebooks: Sequence[Path] = NOTEBOOKS,
    on_cell: Callable[[str, int], None] = lambda _notebook, _cell: None,
    on_end: Callable[[Outcome], None] = lambda _outcome: None,
) -> list[Outcome]:
    """Execute the notebooks. After one has failed no other is begun. The local DPS is stopped at the end.

    Args:
        parameters: by name; each notebook takes those that it has.
        on_cell: called with a notebook's name and a cell's number, as JupyterLab counts, when the cell begins.
        on_end: called when a notebook has ended.

    Returns:
        an outcome for each notebook that was begun. Copies, HTML and `index.html` are in `executed` in the workspace.
    """
    require_known(parameters)
    require_no_key(parameters)
    executed = make_private_folder(workspace.folder / "executed")
    given = {**parameters, "workspace": str(workspace.folder)}
    target = parameters.get("target") or workspace.facts.target or "local"
    # In Azure the gallery's CAs come and go in the service that the other notebooks list.
    before = predecessors(notebooks, side_by_side=target != "azure")
    outcomes: dict[Path, Outcome] = {}
    try:
        # What is named last ends first: the kernels, so that an interrupt need not wait for a notebook.
        with (
            ThreadPoolExecutor(1) as exporting,
            ThreadPoolExecutor(_SIDE_BY_SIDE) as running,
            StandbyKernels(FOLDER) as kernels,
        ):
            # papermill takes half a second to import: the first kernels start meanwhile. And jsonschema, behind nbformat,
            # would compile a grammar for a format that notebooks do not use, which takes a second
            # (https://github.com/python-jsonschema/jsonschema/issues/1428); without that module it does not.
            sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None blocks an import
            from helpers.walkthrough.copies import Exporter, index
            from helpers.walkthrough.engine import execute

            def run_one(notebook: Path) -> Outcome:
                began, copy = time.monotonic(), executed / notebook.name
                own = {name: given[name] for name in parameter_names(notebook) if name in given}
                failure = execute(notebook, copy, own, kernels, lambda cell: on_cell(notebook.stem, cell))
                return Outcome(notebook.stem, time.monotonic() - began, copy, copy.with_suffix(".html"), failure)

            exporter, exports = Exporter(), []
            for notebook, outcome in _each(notebooks, before, lambda notebook: running.submit(run_one, notebook)):
                outcomes[notebook] = outcome
                on_end(outcome)
                exports.append(exporting.submit(exporter.finish, outcome.executed))
            for export in exports:
                export.result()
    finally:
        stop_local_dps(workspace.local_dps_folder)
    ordered = [outcomes[notebook] for notebook in notebooks if notebook in outcomes]
    write_atomically(executed / "index.html", index(ordered).encode(), mode=PRIVATE)
    return ordered


def _each(
    notebooks: Sequence[Path], before: Mapping[Path, set[Path]], begin: Callable[[Path], Future[Outcome]]
) -> Iterator[tuple[Path, Outcome]]:
    """Begin each notebook once its predecessors have ended; yield each as it ends. None is begun after a failure."""
    waiting, running, ended = list(notebooks), dict[Future[Outcome], Path](), set[Path]()
    while True:
        for notebook in [each for each in waiting if before[each] <= ended]:
            waiting.remove(notebook)
            running[begin(notebook)] = notebook
        if not running:
            assert not waiting, "notebooks need each other"
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            notebook = running.pop(future)
            ended.add(notebook)
            outcome = future.result()
            if outcome.failure:
                waiting.clear()
            yield notebook, outcome
