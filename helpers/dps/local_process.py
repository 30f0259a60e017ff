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
_PATIENCE_SECONDS = 30.0
_ANSWER_SECONDS = 5.0
_NEEDED = ("HOME", "LANG", "PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "VIRTUAL_ENV")
_NEEDED_PREFIXES = ("LC_", "LD_", "PYTHON")


def start_local_dps(folder: Path) -> Path:
    """The connection file of the local DPS in `folder`, which is started unless it runs already.

    It outlives the notebook, keeps its state in `folder`, writes one line a request to `folder`/log.txt, and goes by
    itself after two hours without a request. A process that holds the lock of the state is alive, however slowly it
    answers: no second one is started beside it.

    Raises:
        Problem: it does not start (the error quotes what it said), or runs and does not answer.
    """
    folder = make_private_folder(folder.resolve())
    connection_file = folder / "connection.json"
    with (folder / "start.lock").open("w") as lock:  # two notebooks may start at the same moment
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = folder / "state"
        if _is_served(state):
            _wait_until(
                lambda: connection_file.exists() or not _is_served(state), _ANSWER_SECONDS
            )  # it may be starting
            if _names_its_server(connection_file, state):
                _wait_until(lambda: _answers(connection_file) or not _is_served(state))
                if _is_served(state) and not _answers(connection_file):
                    raise _unresponsive(state)
            else:  # the file was damaged or deleted, and only a start writes it
                _stop(state)
        if not _answers(connection_file):
            _start(folder, connection_file)
    return connection_file


def stop_local_dps(folder: Path) -> bool:
    """Stop the local DPS in `folder` gracefully; its state stays. Returns whether there was one.

    Raises:
        Problem: it does not end.
    """
    state = folder.resolve() / "state"
    if not _is_served(state):
        return False
    _stop(state)
    return True


def _stop(state: Path) -> None:
    pid = _pid(state)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
    _wait_until(lambda: not _is_served(state))
    if _is_served(state):
        raise _unresponsive(state)


def _unresponsive(state: Path) -> Problem:
    pid = _pid(state)
    return Problem(
        "The local DPS of this workspace runs, but does not answer.",
        f"Process {pid or 'unknown'} holds {state / 'lock'} and has not answered for {_PATIENCE_SECONDS:.0f} seconds: "
        "it is suspended, or the machine is very busy.",
        f"Let it go on with kill -CONT {pid}, or end it with kill -KILL {pid} (nothing is lost); then run this again."
        if pid
        else "End the process that holds the file; then run this again.",
    )


def _start(folder: Path, connection_file: Path) -> None:
    connection_file.unlink(missing_ok=True)  # of one that was killed
    # -P: nothing is imported from the working directory, and that is not the workspace, which others may have made.
    command = [sys.executable, "-P", "-m", "helpers", "local-dps", "--connection-file", str(connection_file)]
    command += ["--state", str(folder / "state"), "--idle-seconds", str(_IDLE_SECONDS)]
    command += ["--retry-after", "0"]  # a learner's devices need not wait before they poll
    command += ["--log-megabytes", "10"]
    log_file = folder / "log.txt"
    with os.fdopen(os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE), "ab") as log:
        began = log.tell()
        process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=folder.anchor,
            env=_environment(),
        )
    _wait_until(lambda: connection_file.exists() or process.poll() is not None)
    if not _answers(connection_file):
        process.terminate()
        said = log_file.read_bytes()[began:].decode(errors="replace").strip()
        raise Problem(
            "The local DPS did not start.",
            said or f"It said nothing within {_PATIENCE_SECONDS:.0f} seconds.",
            f"Look at {log_file.name} in the folder {folder.name} of the workspace, then run this cell again.",
        )


def _environment() -> dict[str, str]:
    """What a Python needs to run, and none of the secrets that a learner's environment may hold."""
    needed = {name: value for name, value in os.environ.items() if name in _NEEDED or name.startswith(_NEEDED_PREFIXES)}
    return {**needed, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}


def _answers(connection_file: Path) -> bool:
    """Whether the process behind the file is there: it must show the certificate that the file's CA signed."""
    try:
        connection = json.loads(connection_file.read_text())
        endpoint = urlsplit(connection["management_endpoint"])
        context = ssl.create_default_context(cafile=connection["ca_file"])
        with socket.create_connection((endpoint.hostname, endpoint.port), timeout=_ANSWER_SECONDS) as raw:
            context.wrap_socket(raw, server_hostname=endpoint.hostname).close()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    return True


def _is_served(state: Path) -> bool:
    """Whether a process holds the state: it keeps the lock until all it wrote is closed."""
    try:
        lock = (state / "lock").open("r+")
    except OSError:  # it has never been served
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _pid(state: Path) -> int | None:
    """The process that holds the state; it has written that beside the lock."""
    try:
        return int((state / "pid").read_text())
    except (OSError, ValueError):
        return None


def _names_its_server(connection_file: Path, state: Path) -> bool:
    """Whether the file is whole, and of the process that holds the state now."""
    try:
        return bool(json.loads(connection_file.read_text())["pid"] == _pid(state))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _wait_until(condition: Callable[[], bool], seconds: float | None = None) -> None:
    """Wait for it, at most that long; `_PATIENCE_SECONDS` unless given."""
    end = time.monotonic() + (_PATIENCE_SECONDS if seconds is None else seconds)
    while not condition() and time.monotonic() < end:
        with suppress(InterruptedError):
            time.sleep(0.02)
