"""The folder that holds the state of a local DPS. Only one process at a time may use it, and only its owner may read it.

Windows has no permission bits. There, a new folder gets an access list that admits only its owner and the administrators
(since Python 3.12.4), or else inherits one, which in a user's folder is closed to other users as well.
"""

import os
import secrets
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from .store import Store

__all__ = ["CannotStart", "StateFolder", "write_private"]

_DATABASE = "dps.sqlite3"
_MAX_SHARING_SECONDS = 1.0
_RETRY_INTERVAL_SECONDS = 0.005


class CannotStart(Exception):
    """The local DPS could not start. The message says why, and what to do."""


class StateFolder:
    """A folder that holds the state. It is created if it does not exist.

    Every method raises CannotStart if the folder can't be used.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Lock the folder against other processes. The lock ends with the process, even if the process is killed."""
        # A file that stays is locked by the system alone: no other kind of lock would end with the process.
        lock = FileLock(self._folder / "lock", mode=0o600, blocking=False, preserve_lock_file=True)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (self._folder / _DATABASE).exists():
                self._folder.chmod(0o700)  # the folder is ours, and others may have been able to read it
            lock.acquire()
        except Timeout as error:
            raise CannotStart(
                f"Another local DPS already uses {self._folder}. Use that one, or choose another folder with --state."
            ) from error
        except OSError as error:
            raise CannotStart(
                f"The folder {self._folder} can't be used: {error.strerror}. Choose another with --state."
            ) from error
        try:
            self.write(
                "pid", str(os.getpid()).encode()
            )  # so that a process that waits for the lock can name its holder
            yield
        finally:
            lock.release()

    @contextmanager
    def store(self, *, reset: bool, in_memory: bool = False) -> Iterator[Store]:
        """Open the store, and close it at the end.

        Args:
            reset: delete its present content first.
            in_memory: open an empty store that is nowhere on the disk, and leave the folder's own as it is.
        """
        try:
            if reset and not in_memory:
                for file in self._folder.glob(f"{_DATABASE}*"):
                    file.unlink()
            store = Store(None if in_memory else self._folder / _DATABASE)
        except (sqlite3.Error, OSError) as error:
            raise CannotStart(
                f"The state in {self._folder} can't be opened: {error}. Check that you can write to the disk, choose another "
                "folder with --state, or start over with --reset."
            ) from error
        try:
            yield store
        finally:
            store.close()

    def write(self, name: str, content: bytes) -> str:
        """Write a file beside the state, and return its path."""
        path = self._folder / name
        write_private(path, content)
        return str(path.resolve())


def write_private(path: Path, content: bytes) -> None:
    """Write a file completely or not at all, readable by its owner only, because it may hold a secret.

    Raises:
        CannotStart
    """
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        _replace(scratch, path)
    except OSError as error:
        with suppress(OSError):  # there may be none, because its folder is a file
            scratch.unlink()
        raise CannotStart(
            f"{path} can't be written: {error.strerror}. Choose another place with --connection-file or --state."
        ) from error


def _replace(scratch: Path, path: Path) -> None:
    """Rename a file over another. Windows denies it while another process reads that one, so there it is tried again."""
    if sys.platform == "win32":
        end = time.monotonic() + _MAX_SHARING_SECONDS
        while time.monotonic() < end:
            try:
                scratch.replace(path)
            except PermissionError:
                time.sleep(_RETRY_INTERVAL_SECONDS)
            else:
                return
    scratch.replace(path)
