"""Other processes, and the resources that they use."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["cpu_seconds", "memory_folder", "most_megabytes", "started"]

_TICKS = 100.0  # of /proc/PID/stat a second, on every Linux
_ENOUGH = 2 << 30  # bytes


@contextmanager
def started(module: str, given: Any = None) -> Iterator[tuple[int, Any]]:
    """Run a module as a process that reads JSON, and prints a line of JSON once it is ready. Yield its process id and that
    line."""
    process = subprocess.Popen([sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(given).encode())
        process.stdin.close()
        yield process.pid, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def most_megabytes(pid: int) -> float:
    """Return the peak memory of the process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def memory_folder() -> Path | None:
    """Return a file system in memory, if there is one that is large enough: the time that a disk takes varies tenfold with
    the load by others."""
    folder = Path("/dev/shm")
    return folder if folder.is_dir() and shutil.disk_usage(folder).free > _ENOUGH else None
