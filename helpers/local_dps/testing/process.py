"""A local DPS in a process of its own."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex
from typing import Self
from urllib.error import HTTPError
from urllib.request import Request

from .connection import LocalDpsConnection, NotServed, wait_for_connection
from .https import open_url

__all__ = ["LocalDpsProcess"]

_PACKAGE = __name__.rpartition(".testing")[0]
_MAX_START_SECONDS = 60.0
_MAX_STOP_SECONDS = 10.0
_MAX_LOG_SECONDS = 5.0
_LOG_POLL_SECONDS = 0.02


class LocalDpsProcess:
    """A local DPS in a process of its own, so that what a test does to its own process (a frozen clock, patches) stays there.

    Use it as a context manager: it serves inside the `with` block.
    """

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        """
        Args:
            folder: for its connection file, its state and its log.
            options: those of `local-dps serve`.
        """
        self._connection_file = folder / "connection.json"
        self._log_file = folder / "log.txt"
        self._options = tuple(options)

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", _PACKAGE, "serve", "--connection-file", str(self._connection_file)]
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen([*command, *self._options], stdout=log, stderr=subprocess.STDOUT)  # noqa: S603 - ours
        try:
            self.connection: LocalDpsConnection = wait_for_connection(
                self._connection_file, _MAX_START_SECONDS, give_up=lambda: self._process.poll() is not None
            )
        except NotServed as error:
            self.__exit__()
            raise NotServed(f"The local DPS did not start. It printed: {self._read_log()}") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(_MAX_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def mark(self) -> str:
        """Leave a mark in the log, for `log`, and return it."""
        mark = f"/log-mark-{token_hex(8)}"
        try:
            with open_url(self.connection.trust(), Request(f"{self.connection.control_endpoint}{mark}")):  # noqa: S310 - https
                pass
        except HTTPError as error:  # there is nothing at that path, but the request is in the log
            error.close()
        return mark

    def log(self, since: str) -> list[str]:
        """Return the lines of the log, one per request, with the reason for each refusal.

        Args:
            since: a mark; the lines before it are left out.
        """
        end = self.mark()
        until = time.monotonic() + _MAX_LOG_SECONDS
        while end not in (text := self._read_log()) and time.monotonic() < until:
            time.sleep(_LOG_POLL_SECONDS)  # requests are logged in their order, but a little later
        lines = text.partition(since)[2].splitlines()[1:]
        return [line for line in lines if "/log-mark-" not in line]

    def _read_log(self) -> str:
        return self._log_file.read_text(encoding="utf-8", errors="replace")
