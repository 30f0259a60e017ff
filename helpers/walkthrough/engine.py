"""A papermill engine that runs a notebook in a standby kernel instead of starting a new one."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import papermill
from nbclient.exceptions import DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from helpers.walkthrough.kernels import StandbyKernels

__all__ = ["ENGINE", "execute"]

ENGINE = "standby"
_MAX_CELL_SECONDS = 300
# nbclient logs a kernel's death. NotebookRun.failure reports that too, and after an interrupt it is expected.
_LOG = logging.getLogger(__name__)
_LOG.addHandler(logging.NullHandler())
_LOG.propagate = False
_INJECTED = "injected-parameters"


class _Client(PapermillNotebookClient):  # type: ignore[misc]  # papermill is untyped
    """papermill's client, but without counting the cell that papermill adds: cells get the same numbers as in JupyterLab."""

    def execute_cell(self, cell: Any, cell_index: int, **options: Any) -> Any:
        if _INJECTED not in cell.metadata.get("tags", ()):
            return super().execute_cell(cell, cell_index, **options)
        executed = super().execute_cell(cell, cell_index, store_history=False)
        executed.execution_count = None
        return executed


class _StandbyEngine(NBClientEngine):  # type: ignore[misc]  # papermill is untyped
    """The engine; it expects a StandbyKernels as the engine argument `kernels`."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        kernels: StandbyKernels,
        on_cell_start: Any,
        start_timeout: int = 60,
        **_papermills: Any,
    ) -> Any:
        kernel = kernels.take()
        try:
            client = _Client(
                nb_man,
                km=kernel,
                kernel_name=kernel_name,
                log=_LOG,
                timeout=_MAX_CELL_SECONDS,
                startup_timeout=start_timeout,
                store_widget_state=False,  # otherwise a password field's value is written into the copy
                on_cell_start=on_cell_start,
            )
            try:
                return client.execute()
            finally:
                if client.kc is not None:
                    client.kc.stop_channels()
        finally:
            kernels.discard(kernel)


papermill_engines.register(ENGINE, _StandbyEngine)


def execute(
    notebook: Path,
    copy: Path,
    parameters: dict[str, Any],
    kernels: StandbyKernels,
    on_cell: Callable[[int], None],
) -> str | None:
    """Execute a notebook, and write its executed copy after each cell.

    Args:
        parameters: the notebook's parameters, by name.
        on_cell: called with a cell's number, as in JupyterLab, when the cell starts.

    Returns:
        None, or a text that says which cell failed and why.
    """
    begun = 0

    def on_cell_start(cell: Any, cell_index: int) -> None:  # noqa: ARG001 - nbclient passes both by name
        nonlocal begun
        if cell.cell_type == "code" and _INJECTED not in cell.metadata.get("tags", ()):
            begun += 1
            on_cell(begun)

    try:
        papermill.execute_notebook(
            str(notebook),
            str(copy),
            parameters=parameters,
            kernel_name="python3",
            engine_name=ENGINE,
            kernels=kernels,
            progress_bar=False,
            on_cell_start=on_cell_start,
        )
    except PapermillExecutionError as error:
        return f"{notebook.stem}, cell [{error.exec_count}]: {error.evalue}"
    except DeadKernelError:
        return f"{notebook.stem}, cell [{begun}]: The kernel died."
    except Exception as error:
        return f"{notebook.stem}, cell [{begun}]: {type(error).__name__}: {error}"
    return None
