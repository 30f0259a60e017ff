"""Kernels that are started before a notebook needs one, and have already imported the modules that all notebooks use.

Each notebook still has its own kernel: each kernel is used for one notebook, and killed when that notebook has ended.
"""

import asyncio
import shutil
import sys
import tempfile
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import Empty
from typing import Any, Self

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync

__all__ = ["StandbyKernels"]

_STANDBY_KERNELS = 2  # starting a kernel takes about as long as running a notebook, and two notebooks run concurrently
_IMPORTED = (
    "helpers.lesson",
    "azure.identity",
    "azure.iot.deviceprovisioning",
    "azure.mgmt.iothubprovisioningservices",
)
_PREPARE = f"""
import {", ".join(_IMPORTED)}
from helpers.lesson.course.questions.question import answer_from_solutions
answer_from_solutions()  # no learner is present
"""
_ARGUMENTS = [
    f"--IPKernelApp.exec_lines=exec({_PREPARE!r}, {{}})",
    "--HistoryManager.hist_file=:memory:",
]
_MAX_ANSWER_SECONDS = 1.0
_HAS_IPC = sys.platform != "win32"


class StandbyKernels:
    """Standby kernels, each in its own process.

    Args:
        cwd: the kernels' working directory.
    """

    def __init__(self, cwd: Path) -> None:
        self._cwd = cwd
        self._threads = ThreadPoolExecutor(_STANDBY_KERNELS + 1)
        self._sockets = Path(tempfile.mkdtemp())
        self._started = 0
        self._waiting: deque[Future[AsyncKernelManager]] = deque()
        self._taken: set[AsyncKernelManager] = set()
        for _ in range(_STANDBY_KERNELS):
            self._start_another()

    def take(self) -> AsyncKernelManager:
        """Return an unused kernel, and start another one in its place."""
        self._start_another()
        kernel = self._waiting.popleft().result()
        self._taken.add(kernel)
        return kernel

    def discard(self, kernel: AsyncKernelManager) -> None:
        """Kill a kernel that `take` returned, without waiting for its end."""
        self._taken.discard(kernel)
        self._threads.submit(_kill, kernel)

    def close(self) -> None:
        """Kill every kernel."""
        for kernel in list(self._taken):
            self.discard(kernel)
        for starting in self._waiting:
            if not starting.cancel():
                self.discard(starting.result())
        self._threads.shutdown()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start_another(self) -> None:
        self._started += 1
        self._waiting.append(self._threads.submit(self._start, self._sockets / str(self._started)))

    def _start(self, sockets: Path) -> AsyncKernelManager:
        transport: dict[str, Any] = {"transport_encryption": "required"}  # with TCP, other users could read along
        if _HAS_IPC:
            # With jupyter_client's default address, concurrent runs would receive messages of each other's kernels.
            transport = {"transport": "ipc", "ip": str(sockets)}
        kernel = AsyncKernelManager(kernel_name="python3", client_factory=_Client, **transport)
        run_sync(kernel.start_kernel)(extra_arguments=_ARGUMENTS, cwd=str(self._cwd))
        return kernel


def _kill(kernel: AsyncKernelManager) -> None:
    run_sync(kernel.shutdown_kernel)(now=True)


class _Client(AsyncKernelClient):
    """A client that continues as soon as the kernel is ready; jupyter_client's own waits 0.2 seconds longer."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - overrides a method with this argument
        deadline = asyncio.get_running_loop().time() + (timeout or float("inf"))
        while True:
            asked = self.kernel_info()
            try:
                await self._answer(self.get_shell_msg, asked, "kernel_info_reply")
                # After this message, both channels are known to work, and all earlier messages have been received.
                await self._answer(self.get_iopub_msg, asked, "status", execution_state="idle")
            except Empty:
                if not await self.is_alive():
                    raise RuntimeError("The kernel died before it was ready.") from None
                if asyncio.get_running_loop().time() > deadline:
                    raise RuntimeError(f"The kernel was not ready after {timeout} seconds.") from None
            else:
                return

    async def _answer(self, receive: Any, asked: str, kind: str, **content: str) -> None:
        """Receive messages until one of this kind arrives that answers `asked`."""
        while True:
            message = await receive(timeout=_MAX_ANSWER_SECONDS)
            if (
                message["msg_type"] == kind
                and message["parent_header"].get("msg_id") == asked
                and content.items() <= message["content"].items()
            ):
                return
