"""Files that are whole or not there, and private from their first moment."""

import os
import secrets
from pathlib import Path

from helpers.problem import Problem

__all__ = ["PRIVATE", "PUBLIC", "make_private_folder", "read_bytes", "write_atomically"]

PRIVATE = 0o600
PUBLIC = 0o644


def write_atomically(path: Path, content: bytes, *, mode: int, flush: bool = True) -> None:
    """Write `content` to `path` so that a reader, or a crash, sees the old file or the new one and nothing between.

    The bytes go to a new file beside the target that is created with `mode` (less the umask), so that a private key is
    never readable by others for a moment; then they are flushed to the disk and renamed over the target.

    Args:
        flush: wait until it outlives a power cut. It takes a hundred times longer than the rest.

    Raises:
        Problem: the folder or disk can't be written; whatever stood at `path` is still there.
    """
    folder, name = os.path.split(path)
    scratch = os.path.join(folder, f".{name}.{secrets.token_hex(6)}")  # noqa: PTH118 - for a fleet, pathlib is slow
    try:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), mode)
        try:
            try:
                _write_all(descriptor, content)
                if flush:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(scratch, path)  # noqa: PTH105
        except BaseException:
            os.unlink(scratch)  # noqa: PTH108
            raise
        if flush:
            _flush_folder(path.parent)
    except OSError as error:
        raise Problem(
            f"{path.name} could not be written.",
            f"The folder {path.parent} refused it: {error.strerror}.",
            "Check that the folder exists, is yours and is not on a full or read-only disk. Nothing is half written.",
        ) from error


def make_private_folder(path: Path) -> Path:
    """Create `path` and its parents if they are not there; a folder made here may be entered by its owner alone.

    Raises:
        Problem: it can't be created.
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


def read_bytes(path: Path, *, limit: int = 1 << 20) -> bytes:
    """The file's bytes, at most `limit` of them (1 MiB is far above any certificate, key or workspace file).

    Raises:
        Problem: it is not there, is not a file, can't be read or is too large.
    """
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
        raise Problem(
            f"{path.absolute()} could not be read.",
            f"The system says: {getattr(error, 'strerror', None) or error}.",
            "Check the path and that the file may be read by you.",
        ) from error
    if len(content) > limit:
        raise Problem(
            f"{path} was not read.",
            f"It is larger than {limit:,} bytes, more than any file of this kind.",
            "Check that it is the file you meant.",
        )
    return content


def _write_all(descriptor: int, content: bytes) -> None:
    """A full disk may take a part and say nothing until it is offered the rest."""
    written = 0
    while written < len(content):
        written += os.write(descriptor, content[written:])


def _flush_folder(folder: Path) -> None:
    """A rename is durable once the folder that holds the name is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
