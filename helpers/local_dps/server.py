"""A local DPS that serves until it is stopped or idle for too long."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from .composition import Composition
from .configuration import Configuration
from .connection import published_connection
from .net.listeners import ErrorLog
from .ports import ListeningPorts
from .request.record import RequestRecord
from .state import StateFolder

__all__ = ["LocalDps", "new_event_loop"]

_FILE_NAMES = {"client_certificate_file": "client.pem", "ca_file": "ca.pem"}
_SIGNAL_POLL_SECONDS = 1.0 if sys.platform == "win32" else None  # a signal does not wake the event loop there


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop of the same kind on every system.

    On Windows, asyncio's own choice closes the listening socket if a client resets its connection too early
    (https://github.com/python/cpython/issues/93821). This one can serve about 500 connections at a time there.
    """
    return asyncio.SelectorEventLoop()


class LocalDps:
    """A local DPS with one folder of state."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._last_request = 0.0

    async def serve(
        self, stop: asyncio.Event, connection_file: Path, ready: Callable[[Mapping[str, Any]], None]
    ) -> None:
        """Serve until `stop` is set or the idle time is over. The connection file exists for as long.

        Args:
            stop: set it to stop serving.
            connection_file: where to write how clients reach this local DPS.
            ready: called once with the content of that file, as soon as clients can send requests.

        Raises:
            CannotStart: a port is taken, the state can't be opened, or another process serves it.
        """
        asyncio.get_running_loop().set_exception_handler(ErrorLog())
        folder = StateFolder(self._configuration.state)
        async with AsyncExitStack() as stack:
            stack.enter_context(folder.exclusive())
            store = stack.enter_context(
                folder.store(reset=self._configuration.reset, in_memory=self._configuration.in_memory)
            )
            ports = ListeningPorts.open(self._configuration, stack)
            composition = Composition(self._configuration, store, ports, self._observe)
            await composition.start(stack)
            files = {field: folder.write(_FILE_NAMES[field], pem) for field, pem in composition.files().items()}
            connection = {**composition.connection(self._configuration.advertised_host), **files, "pid": os.getpid()}
            stack.enter_context(published_connection(connection_file, connection))
            ready(connection)
            await self._until_stopped(stop)

    def _observe(self, record: RequestRecord) -> None:
        self._last_request = time.monotonic()
        if self._configuration.observe:
            self._configuration.observe(record)

    async def _until_stopped(self, stop: asyncio.Event) -> None:
        self._last_request = time.monotonic()
        idle_seconds = self._configuration.idle_seconds
        while not stop.is_set():
            pause = _SIGNAL_POLL_SECONDS
            if idle_seconds is not None:
                left = self._last_request + idle_seconds - time.monotonic()
                if left <= 0:
                    return
                pause = left if pause is None else min(left, pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
