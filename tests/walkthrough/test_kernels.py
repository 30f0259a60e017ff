"""Standby kernels: each is used once, is ready at once, and is gone afterwards."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import AsyncKernelManager

from helpers.walkthrough import kernels as kernels_module
from helpers.walkthrough.kernels import StandbyKernels
from tests.local_dps.process import wait_for


@pytest.fixture
def kernels(tmp_path: Path) -> Iterator[StandbyKernels]:
    with StandbyKernels(tmp_path) as standing_by:
        yield standing_by


def ask(kernel: AsyncKernelManager, expression: str) -> str:
    """Evaluate an expression in a kernel."""

    async def answer() -> Any:
        client = kernel.client()
        client.start_channels()
        try:
            await client.wait_for_ready(60)
            return await client.execute("", user_expressions={"asked": expression}, reply=True, timeout=60)
        finally:
            client.stop_channels()

    return str(asyncio.run(answer())["content"]["user_expressions"]["asked"]["data"]["text/plain"])


def process(kernel: AsyncKernelManager) -> int:
    return int(kernel.provisioner.process.pid)  # type: ignore[union-attr]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_each_is_another_process_in_which_only_imports_have_run(kernels: StandbyKernels, tmp_path: Path) -> None:
    first, second = kernels.take(), kernels.take()
    assert process(first) != process(second)
    for kernel in (first, second):
        assert ask(kernel, "__import__('os').getcwd()") == repr(str(tmp_path.resolve()))
        assert ask(kernel, "'helpers.lesson' in __import__('sys').modules") == "True"
        assert ask(kernel, "[name for name in globals() if not name.startswith('_')]") == repr(
            ["In", "Out", "get_ipython", "exit", "quit", "open"]
        )
        assert ask(kernel, "get_ipython().execution_count") == "1"


def test_on_windows_the_connection_to_a_kernel_is_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Windows has no ipc. ipykernel would warn if the kernel's TCP ports were open to everybody on the machine."""
    monkeypatch.setattr(kernels_module, "_HAS_IPC", False)
    with StandbyKernels(tmp_path) as kernels:
        kernel = kernels.take()
        assert ask(kernel, "6 * 7") == "42"
        assert kernel.get_connection_info()["transport"] == "tcp"
    assert "without encryption" not in capfd.readouterr().err


@pytest.mark.unix
def test_a_discarded_kernel_is_gone_and_so_are_all_at_the_end(tmp_path: Path) -> None:
    with StandbyKernels(tmp_path) as kernels:
        discarded, taken = kernels.take(), kernels.take()
        pids = [process(discarded), process(taken)]
        sockets = kernels._sockets
        kernels.discard(discarded)
        wait_for(lambda: None if is_running(pids[0]) else True)
        assert is_running(pids[1])
    assert not any(map(is_running, pids))
    assert not sockets.exists()


def test_a_kernel_that_dies_before_it_is_ready_is_reported(kernels: StandbyKernels) -> None:
    kernel = kernels.take()
    os.kill(process(kernel), 9)

    async def connect() -> None:
        client = kernel.client()
        client.start_channels()
        try:
            await client.wait_for_ready(60)
        finally:
            client.stop_channels()

    with pytest.raises(RuntimeError, match="died before it was ready"):
        asyncio.run(connect())
