"""The tasks that serve connections, which end with the local DPS."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["ConnectionTasks"]


class ConnectionTasks:
    """The tasks of one server's open connections."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count the current task among those that `close` ends, for as long as the `with` block runs."""
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    async def close(self) -> None:
        """End every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
