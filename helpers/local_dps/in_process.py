"""A local DPS inside a test's own process."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .configuration import Configuration
from .core.faults import Faults
from .planes.device import RETRY_AFTER_SECONDS
from .request.record import RequestRecord
from .server import LocalDps, new_event_loop

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
    """Run a local DPS in a thread of this process, for a test. Yields the connection, and stops at the end.

    The arguments are those of `Configuration`.

    Raises:
        CannotStart
    """
    configuration = Configuration(
        state,
        observe=observe,
        faults=faults or Faults(),
        retry_after=retry_after,
        known_hubs=known_hubs,
        allow_tls_1_3=allow_tls_1_3,
    )
    thread = _ServerThread(configuration)
    connection = thread.start()
    try:
        yield connection
    finally:
        thread.stop()


class _ServerThread:
    """A local DPS with a thread and an event loop of its own."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._loop = new_event_loop()
        self._stop = asyncio.Event()
        self._reported = threading.Event()
        self._report: Mapping[str, Any] | BaseException = {}
        self._thread = threading.Thread(target=self._serve, name="local-dps")

    def start(self) -> Mapping[str, Any]:
        """Start it, and return the connection. If it did not start, raise the error."""
        self._thread.start()
        self._reported.wait()
        if isinstance(self._report, BaseException):
            self._thread.join()
            raise self._report
        return self._report

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _serve(self) -> None:
        file = self._configuration.state / "connection.json"
        try:
            self._loop.run_until_complete(LocalDps(self._configuration).serve(self._stop, file, self._tell))
        except BaseException as error:  # handed to the caller's thread
            self._tell(error)
        finally:
            self._loop.close()

    def _tell(self, report: Mapping[str, Any] | BaseException) -> None:
        self._report = report
        self._reported.set()
