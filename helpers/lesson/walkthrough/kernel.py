"""The kernel in which the lesson runs: a failed cell stops Run All, and an error names a skipped cell as its cause."""

from types import TracebackType
from typing import Any

from IPython.core.getipython import get_ipython

from helpers.problem import Problem

__all__ = ["prepare_kernel"]

# JupyterLab sends the cells of Run All one by one. A cell that arrives more than this long after a failed one still runs.
_STOP_SECONDS = 0.5


def prepare_kernel() -> None:
    """Prepare this process's kernel, if it has one."""
    shell: Any = get_ipython()
    if shell is None:
        return
    shell.set_custom_exc((NameError,), _show_name_error)
    kernel = getattr(shell, "kernel", None)
    if kernel is not None:
        _stop_run_all_after_an_error(kernel)


def _stop_run_all_after_an_error(kernel: Any) -> None:
    """Let the kernel cancel the cells that arrive within half a second after a failed cell."""
    kernel.stop_on_error_timeout = _STOP_SECONDS
    # ipykernel 7 ignores that setting: a message from the thread that receives cells ends the cancelling at once.
    end = getattr(kernel, "_post_dummy_stop_aborting_message", None)
    if end is None or "_post_dummy_stop_aborting_message" in vars(kernel):
        return

    def end_later(subshell_id: str | None) -> None:
        kernel.shell_channel_thread.io_loop.call_later(_STOP_SECONDS, end, subshell_id)

    kernel._post_dummy_stop_aborting_message = end_later


def _show_name_error(
    shell: Any, kind: type[NameError], error: NameError, trace: TracebackType, tb_offset: int | None = None
) -> None:
    """Show a NameError that the cell itself raised as a Problem, and any other NameError as Python does."""
    if _is_of_a_cell(shell, trace):
        shell.showtraceback((Problem, _cell_above_has_not_run(error), trace))
    else:
        shell._showtraceback(kind, error, shell.InteractiveTB.structured_traceback(kind, error, trace, tb_offset))


def _is_of_a_cell(shell: Any, trace: TracebackType) -> bool:
    """Return whether the cell's own lines raised the error, and not a function that they call."""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_globals is shell.user_ns and trace.tb_frame.f_code.co_name == "<module>"


def _cell_above_has_not_run(error: NameError) -> Problem:
    return Problem(
        "A cell above has not run.",
        f"This cell uses the name “{error.name}”, and no cell has defined it yet.",
        "Run → Run All Above Selected Cell, then run this cell again. If you wrote the name yourself, check its spelling.",
    )
