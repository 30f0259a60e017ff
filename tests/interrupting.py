"""An interrupt, as Ctrl-C or JupyterLab's stop button sends it to the main thread."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["interrupted_when"]


@contextmanager
def interrupted_when(condition: Callable[[], bool], *, within: float = 10) -> Iterator[None]:
    """Interrupt the `with` block as soon as the condition holds. The block must then end within that many seconds."""
    ended = threading.Event()
    at: list[float] = []

    def watch() -> None:
        while not ended.wait(0.005):
            if condition():
                at.append(time.monotonic())
                os.kill(os.getpid(), signal.SIGINT)
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        now = time.monotonic()
        ended.set()
        watcher.join()
        assert at, "it ended before it could be interrupted"
        assert now - at[0] < within
