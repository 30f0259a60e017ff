"""The local DPS of a workspace as a process: started on first use, shared by every notebook, found by its file."""

import fcntl
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from helpers.files import PRIVATE, make_private_folder
from helpers.problem import Problem

__all__ = ["start_local_dps", "stop_local_dps"]

_IDLE_SECONDS = 2 * 60 * 60
_START_SECONDS = 30.0


def start_local_dps(folder: Path) -> Path:
    """The connection file of the local DPS in `folder`, which is started unless it answers already.

    It outlives the notebook, keeps its state in `folder`, writes one line a request to `folder`/log.txt, and goes by
    itself after two hours without a request.

    Raises:
        Problem: it does not start; the error quotes what it said.
    """
    folder = make_private_folder(folder.resolve())
    connection_file = folder / "connection.json"
    with (folder / "start.lock").open("w") as lock:  # two notebooks may start at the same moment
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _answers(connection_file):
            _start(folder, connection_file)
    return connection_file


def stop_local_dps(folder: Path) -> bool:
    """Stop the local DPS in `folder` gracefully; its state stays. Returns whether there was one."""
    connection_file = folder.resolve() / "connection.json"
    if not _answers(connection_file):
        return False
    pid = int(json.loads(connection_file.read_text())["pid"])
    os.kill(pid, signal.SIGTERM)
    _wait_until(lambda: not _is_served(connection_file.parent / "state"))
    return True


def _start(folder: Path, connection_file: Path) -> None:
    connection_file.unlink(missing_ok=True)  # of one that was killed
    command = [sys.executable, "-m", "helpers", "local-dps", "--connection-file", str(connection_file)]
    command += ["--state", str(folder / "state"), "--idle-seconds", str(_IDLE_SECONDS)]
    command += ["--retry-after", "0"]  # a learner's devices need not wait before they poll
    log_file = folder / "log.txt"
    with os.fdopen(os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE), "ab") as log:
        began = log.tell()
        process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=folder
        )
    _wait_until(lambda: connection_file.exists() or process.poll() is not None)
    if not _answers(connection_file):
        process.terminate()
        said = log_file.read_bytes()[began:].decode(errors="replace").strip()
        raise Problem(
            "The local DPS did not start.",
            said or f"It said nothing within {_START_SECONDS:.0f} seconds.",
            f"Look at {log_file.name} in the folder {folder.name} of the workspace, then run this cell again.",
        )


def _answers(connection_file: Path) -> bool:
    """Whether the process behind the file is there: it must show the certificate that the file's CA signed."""
    try:
        connection = json.loads(connection_file.read_text())
        endpoint = urlsplit(connection["management_endpoint"])
        context = ssl.create_default_context(cafile=connection["ca_file"])
        with socket.create_connection((endpoint.hostname, endpoint.port), timeout=5) as raw:
            context.wrap_socket(raw, server_hostname=endpoint.hostname).close()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    return True


def _is_served(state: Path) -> bool:
    """Whether a process holds the state: it keeps the lock until all it wrote is closed."""
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _START_SECONDS
    while not condition() and time.monotonic() < end:
        with suppress(InterruptedError):
            time.sleep(0.02)
