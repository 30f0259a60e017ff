"""Run asynchronous work from synchronous code, even where an event loop is already running, as in a notebook."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import wait
from typing import Any, TypeVar

__all__ = ["run_in_background"]

T = TypeVar("T")
_TICK_INTERVAL_SECONDS = 0.1
_MAX_CANCEL_SECONDS = 0.4  # then the thread is abandoned: a DNS look-up that hangs can't be cancelled


def run_in_background(work: Coroutine[Any, Any, T], tick: Callable[[], object] = lambda: None) -> T:
    """Run `work` in an event loop on another thread and return its result.

    An interrupt (Ctrl-C, JupyterLab's stop button) cancels the work and raises KeyboardInterrupt within a second.

    Args:
        tick: called on this thread ten times a second, and once at the end, for example to update a progress bar.

    Raises:
        Exception: any that `work` raises.
    """
    loop = asyncio.SelectorEventLoop()  # on Windows, asyncio's own choice reports errors after it is closed
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    future = asyncio.run_coroutine_threadsafe(work, loop)
    try:
        while not future.done():
            wait([future], _TICK_INTERVAL_SECONDS)
            tick()
        return future.result()
    finally:
        asyncio.run_coroutine_threadsafe(_end(), loop)
        thread.join(_MAX_CANCEL_SECONDS)
        if not thread.is_alive():
            loop.close()


async def _end() -> None:
    """Cancel the tasks that are still running, and stop the loop."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    asyncio.get_running_loop().stop()
