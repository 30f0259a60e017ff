"""The log of requests on standard output."""

import asyncio
import os
import sys

from ..request.record import RequestRecord

__all__ = ["RequestLog"]


class RequestLog:
    """Writes one line per request to standard output: at once on a terminal, otherwise ten times a second."""

    def __init__(self, megabytes: int | None = None) -> None:
        """
        Args:
            megabytes: the size above which the log file, if standard output is one, is emptied and started again.
        """
        self._waiting: list[RequestRecord] = []
        self._pause = 0.0 if sys.stdout.isatty() else 0.1  # seconds
        self._limit = megabytes and megabytes << 20
        self._is_read = True

    def note(self, record: RequestRecord) -> None:
        """Write the line of a request, soon."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(self._pause, self.flush)
        self._waiting.append(record)

    def flush(self) -> None:
        """Write the lines that are waiting."""
        records, self._waiting = self._waiting, []
        if not records or not self._is_read:
            return
        text = "".join(f"{record.line()}\n" for record in records)
        try:
            self._write(text)
        except BrokenPipeError:
            self._is_read = False
        except OSError:
            pass  # the disk is full: these lines are lost, but later ones may succeed

    def _write(self, text: str) -> None:
        """Write without Python's buffer: it would keep the bytes that a full disk rejected, and fail with them at exit."""
        output = sys.stdout.fileno()
        if self._limit is not None and os.fstat(output).st_size > self._limit:
            os.ftruncate(output, 0)
            os.lseek(output, 0, os.SEEK_SET)  # a file that is not open for appending would get a hole
            text = f"(This log exceeded {self._limit >> 20} MB. The earlier lines were deleted.)\n{text}"
        content = text.encode(errors="replace")
        while content:
            content = content[os.write(output, content) :]
