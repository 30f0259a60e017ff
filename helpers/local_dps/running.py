"""A local DPS inside a test's own process."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .core.faults import Faults
from .planes.device import RETRY_AFTER_SECONDS
from .request.record import RequestRecord
from .server import LocalDps

__all__ = ["running"]


@contextmanager
def running(
    state: Path,
    *,
    observe: Callable[[RequestRecord], None] | None = None,
    faults: Faults | None = None,
    retry_after: int = RETRY_AFTER_SECONDS,
    known_hubs: tuple[str, ...] = (),
    allow_tls_1_3: bool = False,
) -> Iterator[Mapping[str, Any]]:
    """A local DPS in a thread of this process, for tests: yields the connection, stops at the end.

    The arguments are those of `LocalDps`.

    Raises:
        CannotStart
    """
    outcome: list[Mapping[str, Any] | BaseException] = []
    started = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def report(value: Mapping[str, Any] | BaseException) -> None:
        outcome.append(value)
        started.set()

    def serve() -> None:
        dps = LocalDps(
            state,
            observe=observe,
            faults=faults or Faults(),
            retry_after=retry_after,
            known_hubs=known_hubs,
            allow_tls_1_3=allow_tls_1_3,
        )
        try:
            loop.run_until_complete(dps.serve(stop, state / "connection.json", report))
        except BaseException as error:  # handed to the caller's thread
            report(error)
        finally:
            loop.close()

    thread = threading.Thread(target=serve, name="local-dps")
    thread.start()
    started.wait()
    if isinstance(outcome[0], BaseException):
        thread.join()
        raise outcome[0]
    try:
        yield outcome[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
