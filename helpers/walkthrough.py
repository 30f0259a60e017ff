"""Runs the notebooks in order, headlessly, through papermill in this process."""

import difflib
import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import nbformat
import papermill
import yaml
from nbconvert import HTMLExporter
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from helpers.dps import stop_local_dps
from helpers.files import PRIVATE, make_private_folder, read_bytes, write_atomically
from helpers.lesson.inputs import FORMS, StartHere
from helpers.lesson.journey import JOURNEY
from helpers.problem import Problem
from helpers.workspace import Workspace, remove_workspace

__all__ = ["NOTEBOOKS", "PROJECT", "Outcome", "check_parameters", "fresh_workspace", "read_parameters", "run"]

PROJECT = Path(__file__).resolve().parent.parent
_NOTEBOOKS = PROJECT / "notebooks"
NOTEBOOKS = tuple(sorted(_NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")))
_CELL_SECONDS = 300


@dataclass(frozen=True)
class Outcome:
    """What became of one notebook.

    Attributes:
        executed: the executed copy; html: the same for a browser.
        failure: None, or which cell failed and why, in plain words.
    """

    name: str
    seconds: float
    executed: Path
    html: Path
    failure: str | None


def read_parameters(file: Path | None, given: Sequence[str] = ()) -> dict[str, Any]:
    """Parameters from a YAML file and from `name=value` texts, which win; a value is read as YAML.

    Raises:
        Problem: the file is not a YAML mapping, a text has no `=`, or no notebook has a parameter of that name.
    """
    parameters: dict[str, Any] = {}
    sources = [(file.name, read_bytes(file).decode(errors="replace"))] if file else []
    try:
        for source, text in sources:
            values = yaml.safe_load(text)
            values = {} if values is None else values
            if not isinstance(values, dict):
                raise Problem(
                    f"{source} holds no parameters.", "It is not a YAML mapping.", "Write name: value, a line each."
                )
            parameters |= values
        for text in given:
            name, equals, value = text.partition("=")
            if not equals:
                raise Problem(f"-p {text} is not a parameter.", "It has no “=”.", "Write -p name=value.")
            parameters[name.strip()] = yaml.safe_load(value) if value else ""
    except yaml.YAMLError as error:
        raise Problem(
            "The parameters could not be read.", f"Not YAML: {error}.", "Mend the file or the value."
        ) from error
    _require_known(parameters)
    return parameters


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Whether the forms will take them, from the first notebook to the last, when nothing is known from an earlier run.

    Raises:
        Problem: one is invalid, has no meaning beside the others, or is missing.
    """
    target = parameters.get("target", StartHere.model_fields["target"].default)
    for form in FORMS:
        given = {name: value for name, value in parameters.items() if name in form.model_fields}
        with chdir(_NOTEBOOKS):  # where the kernels run: a path is relative to it
            value = form.checked(**given)
        value.require_meaning(given, target=target)
        value.require_complete()


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
    progress: Callable[[str, int, int], None],
) -> list[Outcome]:
    """Execute the notebooks in order and stop at the first that fails. The local DPS is stopped at the end.

    Args:
        parameters: by name; each notebook takes those that it has.
        progress: called with (notebook, cell, number of cells) when a cell begins.

    Returns:
        an outcome for each notebook that was begun. Copies, HTML and `index.html` are in `executed` in the workspace.
    """
    _require_known(parameters)
    executed = make_private_folder(workspace.folder / "executed")
    outcomes: list[Outcome] = []
    try:
        for notebook in notebooks:
            outcomes.append(_execute(notebook, executed, {**parameters, "workspace": str(workspace.folder)}, progress))
            if outcomes[-1].failure:
                break
    finally:
        stop_local_dps(workspace.local_dps_folder)
        write_atomically(executed / "index.html", _index(outcomes).encode(), mode=PRIVATE)
    return outcomes


def _execute(
    notebook: Path, folder: Path, parameters: Mapping[str, Any], progress: Callable[[str, int, int], None]
) -> Outcome:
    copy, html = folder / notebook.name, folder / f"{notebook.stem}.html"
    own = {name: value for name, value in parameters.items() if name in _parameters_of(notebook)}
    cells = (
        sum(cell.cell_type == "code" for cell in nbformat.read(notebook, as_version=4).cells) + 1
    )  # the injected one
    begun = [0]

    def cell_begins(cell: Any, cell_index: int) -> None:  # noqa: ARG001 - nbclient passes both by name
        if cell.cell_type == "code":
            begun[0] += 1
            progress(notebook.stem, begun[0], cells)

    failure = None
    began = time.monotonic()
    try:
        with (
            tempfile.TemporaryDirectory() as sockets,
            chdir(PROJECT),
        ):  # relative, so that the copy's metadata holds no path outside of the workspace
            papermill.execute_notebook(
                str(notebook.relative_to(PROJECT)) if notebook.is_relative_to(PROJECT) else str(notebook),
                os.path.relpath(copy, PROJECT),
                parameters=own,
                cwd="notebooks",
                kernel_name="python3",
                progress_bar=False,
                execution_timeout=_CELL_SECONDS,
                store_widget_state=False,  # a password field's value would be written into the copy
                shutdown_kernel="immediate",
                on_cell_start=cell_begins,
                config=Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}}),
            )
    except PapermillExecutionError as error:
        failure = f"{notebook.stem}, cell {error.exec_count} of {cells}: {error.evalue}"
    except Exception as error:
        failure = f"{notebook.stem}: the kernel failed: {type(error).__name__}: {error}"
    _finish(copy, html)
    return Outcome(notebook.stem, time.monotonic() - began, copy, html, failure)


def _finish(copy: Path, html: Path) -> None:
    """Take out of the executed copy what is dead in it, and write it as HTML that asks no network for anything."""
    if not copy.exists():
        return
    notebook = nbformat.read(copy, as_version=4)
    notebook.metadata.get("papermill", {}).update(input_path=copy.name, output_path=copy.name)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    write_atomically(copy, nbformat.writes(notebook).encode(), mode=PRIVATE)
    exporter = HTMLExporter(mathjax_url="", require_js_url="", mermaid_js_url="", jquery_url="")
    text, _ = exporter.from_notebook_node(notebook)
    # Where one notebook leads to another, its HTML leads to the other's HTML.
    text = re.sub(r"(href=['\"]\d\d_\w+)\.ipynb", r"\1.html", text)
    write_atomically(html, text.encode(), mode=PRIVATE)


def _index(outcomes: Sequence[Outcome]) -> str:
    ideas = {stop.notebook: stop.idea for stop in JOURNEY}
    rows = "".join(
        f"<tr><td>{'✘' if each.failure else '✔'}</td><td><a href='{escape(each.html.name)}'>{escape(each.name)}</a></td>"
        f"<td>{escape(ideas[each.name])}</td><td>{each.seconds:.1f} s</td>"
        f"<td>{f'<pre>{escape(each.failure)}</pre>' if each.failure else ''}</td></tr>"
        for each in outcomes
    )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Walkthrough</title>"
        f"<h1>The executed walkthrough</h1><table>{rows}</table></html>"
    )


def _parameters_of(notebook: Path) -> list[str]:
    return list(papermill.inspect_notebook(str(notebook)))


def _require_known(parameters: Mapping[str, Any]) -> None:
    """papermill only warns about a name that no notebook has; a typing error would go unseen."""
    known = {name for notebook in NOTEBOOKS for name in _parameters_of(notebook)} - {"workspace"}
    for name in parameters:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            raise Problem(
                f"No notebook has a parameter {name}.",
                f"The nearest is {near[0]}." if near else f"There are {', '.join(sorted(known))}.",
                "Mend the name. (The workspace is chosen with --workspace.)",
            )
