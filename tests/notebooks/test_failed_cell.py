"""A failed cell stops Run All, and a cell that was run without those above it says so."""

import asyncio
from pathlib import Path
from typing import Any

import nbformat
import pytest

from helpers.walkthrough.kernels import StandbyKernels
from helpers.workspace import Workspace
from tests.notebooks.walking import go, shown


def with_kernel(folder: Path, work: Any) -> Any:
    """Run the block with a client of a new kernel."""

    async def connected(kernel: Any) -> Any:
        client = kernel.client()
        client.start_channels()
        try:
            await client.wait_for_ready(60)
            return await work(client)
        finally:
            client.stop_channels()

    with StandbyKernels(folder) as kernels:
        return asyncio.run(connected(kernels.take()))


async def status(client: Any, code: str) -> str:
    reply = await client.execute(code, reply=True, timeout=60)
    return str(reply["content"]["status"])


def test_cells_that_arrive_soon_after_a_failed_one_are_cancelled_and_later_ones_run(tmp_path: Path) -> None:
    """JupyterLab sends the cells one by one, so without the delay some arrive too late to be cancelled."""

    async def run_all(client: Any) -> list[str]:
        failed = await status(client, "1 / 0")
        await asyncio.sleep(0.1)
        too_late = await status(client, "seen = True")
        await asyncio.sleep(0.6)
        return [failed, too_late, await status(client, "assert 'seen' not in globals()")]

    assert with_kernel(tmp_path, run_all) == ["error", "aborted", "ok"]


@pytest.mark.parametrize(
    ("code", "says", "silent_of"),
    [
        ("walkthrough.proof_so_far()", "A cell above has not run.", "Traceback"),
        ("def learners():\n    return mispelled\n\nlearners()", "name 'mispelled' is not defined", "A cell above"),
    ],
)
def test_a_name_that_a_skipped_cell_would_have_defined_is_explained_and_no_other(
    tmp_path: Path, code: str, says: str, silent_of: str
) -> None:
    async def traceback(client: Any) -> str:
        reply = await client.execute(f"from helpers import lesson\n{code}", reply=True, timeout=60)
        assert reply["content"]["status"] == "error"
        return "\n".join(reply["content"]["traceback"])

    told = with_kernel(tmp_path, traceback)
    assert says in told
    assert silent_of not in told


def test_headless_it_fails_and_names_the_cell_and_the_name(workspace: Workspace, tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_code_cell("from helpers import lesson"),
        nbformat.v4.new_code_cell("walkthrough.dps"),
    ]
    nbformat.write(notebook, tmp_path / "11_clean_up.ipynb")
    (outcome,) = go(workspace, [tmp_path / "11_clean_up.ipynb"])
    assert outcome.failure is not None
    assert outcome.failure.startswith("11_clean_up, cell [2]: A cell above has not run.")
    assert "“walkthrough”" in outcome.failure
    assert "Run All Above Selected Cell" in outcome.failure
    assert "Traceback" not in shown(outcome)
