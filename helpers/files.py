"""Write files atomically, with their final permissions from the start; read files of limited size; lock files.

Windows has no permission bits. There, `make_private_folder` gives a new folder an access list that admits only you and the
administrators, and the files in it inherit that list (since Python 3.12.4). With an older Python they inherit the list of
the folder around it, which in your user profile is closed to other users as well.
"""

import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from helpers.problem import Problem

__all__ = [
    "PRIVATE",
    "PUBLIC",
    "can_others_read",
    "file_lock",
    "make_private_folder",
    "read_bytes",
    "remove_folder",
    "write_atomically",
]

PRIVATE = 0o600
PUBLIC = 0o644
_POLL_INTERVAL_SECONDS = 0.005
_MAX_SHARING_SECONDS = 1.0
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
if sys.platform == "win32":
    _NEW_FILE |= os.O_BINARY  # otherwise each \n would become \r\n, even in DER
else:
    _NEW_FILE |= os.O_NOFOLLOW

_Result = TypeVar("_Result")


def write_atomically(path: Path, content: bytes, *, mode: int, flush: bool = True) -> None:
    """Write `content` to `path` atomically: readers see the old file or the new one, even after a crash.

    The bytes go to a new file beside the target. It is created with `mode` (less the umask), so that no other user can read
    a private key even for a moment. The new file is then flushed to the disk and renamed over the target.

    Args:
        flush: fsync, so that the write survives a power failure. This takes a hundred times longer than the rest.

    Raises:
        Problem: the folder or the disk can't be written; a file that was at `path` before is unchanged.
    """
    folder, name = os.path.split(path)
    scratch = os.path.join(folder, f".{name}.{secrets.token_hex(6)}")  # noqa: PTH118 - for a fleet, pathlib is slow
    try:
        descriptor = os.open(scratch, _NEW_FILE, mode)
        try:
            try:
                _write_all(descriptor, content)
                if flush:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            _sharing(lambda: os.replace(scratch, path))  # noqa: PTH105
        except BaseException:
            os.unlink(scratch)  # noqa: PTH108
            raise
        if flush:
            _flush_folder(path.parent)
    except OSError as error:
        raise Problem(
            f"{path.name} could not be written.",
            f"The system could not write to the folder {path.parent}: {error.strerror}.",
            "Check that the folder exists, that you may write to it, and that its disk is neither full nor read-only. "
            "No half-written file is left.",
        ) from error


def make_private_folder(path: Path) -> Path:
    """Create `path` and its parents unless they exist; only its owner may enter the new folder `path`.

    Raises:
        Problem: the folder can't be created.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(
            f"The folder {path} could not be created.",
            f"The system says: {error.strerror}.",
            "Choose a folder that you may write to.",
        ) from error
    return path


def remove_folder(path: Path) -> None:
    """Remove a folder with everything in it.

    Raises:
        OSError: something in it can't be removed.
    """
    _sharing(lambda: shutil.rmtree(path))


def can_others_read(path: Path) -> bool:
    """Return whether the permission bits let users other than the owner read a file. Windows has none."""
    return sys.platform != "win32" and bool(path.stat().st_mode & 0o077)


def file_lock(path: Path, *, wait: bool = True) -> FileLock:
    """Return a lock for a `with` statement that at most one process at a time can hold, and one thread of it.

    The lock ends with its process, even if the process is killed. The file stays.

    Args:
        wait: wait for another holder; otherwise, entering raises filelock.Timeout if there is one.

    Raises:
        OSError: on entering, the file can't be created or opened.
    """
    return FileLock(
        path,
        mode=PRIVATE,
        blocking=wait,
        poll_interval=_POLL_INTERVAL_SECONDS,
        preserve_lock_file=True,  # so that a lock is always the system's: no other kind ends with its process
    )


def read_bytes(path: Path, *, limit: int = 1 << 20) -> bytes:
    """Return the bytes of a file of at most `limit` bytes; 1 MiB is far more than any certificate, key or workspace file.

    Raises:
        Problem: there is no such file, or it can't be read, or it is too large.
    """
    try:
        with _sharing(lambda: path.open("rb")) as file:
            content = file.read(limit + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        raise Problem(
            f"{path.absolute()} could not be read.",
            f"The system says: {getattr(error, 'strerror', None) or error}.",
            "Check the path, and that you may read the file.",
        ) from error
    if len(content) > limit:
        raise Problem(
            f"{path} was not read.",
            f"It is larger than {limit:,} bytes, more than any file of this kind.",
            "Check that it is the file you meant.",
        )
    return content


def _write_all(descriptor: int, content: bytes) -> None:
    """Write all bytes. A full disk may accept some of them, and report the error only at the next write."""
    written = 0
    while written < len(content):
        written += os.write(descriptor, content[written:])


def _flush_folder(folder: Path) -> None:
    """Flush the folder to the disk: a rename survives a power failure only then. Windows can't flush a folder."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sharing(action: Callable[[], _Result]) -> _Result:
    """Run an action on a file. Windows denies it while another process has the file open, so there it is tried again."""
    if sys.platform == "win32":
        end = time.monotonic() + _MAX_SHARING_SECONDS
        while time.monotonic() < end:
            try:
                return action()
            except PermissionError:
                time.sleep(_POLL_INTERVAL_SECONDS)
    return action()
