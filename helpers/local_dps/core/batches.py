"""Requests that wait at the same time share one durable commit."""

import asyncio
from asyncio import Future

from ..request.outcome import RequestOutcome
from ..request.routing import Request
from . import Core

__all__ = ["WriteBatches"]

_READING_METHODS = ("GET", "HEAD")
_MAX_BATCH = 100  # requests in one transaction, so that many of them don't hold up the reading of new ones


class WriteBatches:
    """A queue in front of a core, for use in an event loop.

    A commit waits for the disk. Requests that arrive meanwhile go into the next transaction together. No request is
    answered before the commit that holds its change.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._waiting: list[tuple[Request, Future[RequestOutcome]]] = []

    async def handle(self, request: Request) -> RequestOutcome:
        """Return the outcome of one request."""
        if request.method in _READING_METHODS:
            return self._core.read(request)
        loop = asyncio.get_running_loop()
        future: Future[RequestOutcome] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._commit)
        self._waiting.append((request, future))
        return await future

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting[:_MAX_BATCH], self._waiting[_MAX_BATCH:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._commit)
        try:
            outcomes = self._core.handle([request for request, _ in waiting])
        except Exception as error:  # otherwise these requests would wait forever
            for _, future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), outcome in zip(waiting, outcomes, strict=True):
            if not future.done():  # its client may have disconnected
                future.set_result(outcome)
