"""The folder in which a local DPS keeps its state: one process at a time, readable by its owner alone."""

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .store import Store

__all__ = ["CannotStart", "StateFolder", "write_private"]

_DATABASE = "dps.sqlite3"


class CannotStart(Exception):
    """The local DPS could not begin to serve: the message says why and what to do."""


class StateFolder:
    """A folder that holds the state, created when it is not there.

    Every method raises CannotStart if the folder can't be used.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other processes from serving the folder. The lock goes with the process, however that ends."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if (self._folder / _DATABASE).exists():
                self._folder.chmod(0o700)  # our own, and it may have been open to others
            descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise CannotStart(
                f"The folder {self._folder} can't be used: {error.strerror}. Choose another with --state."
            ) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise CannotStart(
                    f"Another local DPS serves {self._folder} already. Use it, or choose another folder with --state."
                ) from error
            self.write("pid", str(os.getpid()).encode())  # a process that waits for the lock can name its owner
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def store(self, *, reset: bool) -> Iterator[Store]:
        """Open the store.

        Args:
            reset: forget first what it holds.
        """
        try:
            if reset:
                for file in self._folder.glob(f"{_DATABASE}*"):
                    file.unlink()
            store = Store(self._folder / _DATABASE)
        except (sqlite3.Error, OSError) as error:
            raise CannotStart(
                f"The state in {self._folder} can't be opened: {error}. Check that the disk may be written, choose another "
                "folder with --state, or begin again with --reset."
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
    """Write a file whole or not at all, and never readable by others: it may hold a secret.

    Raises:
        CannotStart
    """
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise CannotStart(f"{path} could not be written: {error.strerror}. Choose another place for it.") from error
