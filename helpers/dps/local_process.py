"""The local DPS process of a workspace: started on first use, shared by all notebooks, found by its connection file."""

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
_MAX_WAIT_SECONDS = 30.0
_MAX_ANSWER_SECONDS = 5.0
_NEEDED = ("HOME", "LANG", "PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "VIRTUAL_ENV")
_NEEDED_PREFIXES = ("LC_", "LD_", "PYTHON")


def start_local_dps(folder: Path) -> Path:
    """Start the local DPS in `folder` unless it is already running, and return its connection file.

    The process outlives the notebook, stores its state in `folder`, and writes one line per request to `folder`/log.txt.
    It stops after two hours without a request. A process that holds the lock of the state is running, even if it answers
    slowly; then no second one is started.

    Raises:
        Problem: the process does not start (the error quotes its output), or it is running but does not answer.
    """
    folder = make_private_folder(folder.resolve())
    connection_file = folder / "connection.json"
    with (folder / "start.lock").open("w") as lock:  # two notebooks may call this at the same moment
        fcntl.flock(lock, fcntl.LOCK_EX)
        state = folder / "state"
        if _is_served(state):
            # The process may still be starting.
            _wait_until(lambda: connection_file.exists() or not _is_served(state), _MAX_ANSWER_SECONDS)
            if _names_its_server(connection_file, state):
                _wait_until(lambda: _answers(connection_file) or not _is_served(state))
                if _is_served(state) and not _answers(connection_file):
                    raise _unresponsive(state)
            else:  # the file was damaged or deleted, and the process writes it only when it starts
                _stop(state)
        if not _answers(connection_file):
            _start(folder, connection_file)
    return connection_file


def stop_local_dps(folder: Path) -> bool:
    """Stop the local DPS in `folder` gracefully, without deleting its state. Return whether one was running.

    Raises:
        Problem: the process does not end.
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
        "The local DPS of this workspace is running, but does not answer.",
        f"{f'Process {pid}' if pid else 'A process'} holds {state / 'lock'} and has not answered for "
        f"{_MAX_WAIT_SECONDS:.0f} seconds: it is suspended, or the machine is very busy.",
        f"Resume it with kill -CONT {pid}, or end it with kill -KILL {pid} (nothing is lost). Then run this again."
        if pid
        else "Find the process with fuser or lsof, and end it (nothing is lost). Then run this again.",
    )


def _start(folder: Path, connection_file: Path) -> None:
    connection_file.unlink(missing_ok=True)  # a process that was killed leaves its file behind
    # Neither -P nor cwd lets Python import from the workspace, which may hold other people's files.
    command = [sys.executable, "-P", "-m", "helpers", "local-dps", "--connection-file", str(connection_file)]
    command += ["--state", str(folder / "state"), "--idle-seconds", str(_IDLE_SECONDS)]
    command += ["--retry-after", "0"]  # so that a learner's devices don't wait between polls
    command += ["--log-megabytes", "10"]
    log_file = folder / "log.txt"
    with os.fdopen(os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE), "ab") as log:
        began = log.tell()
        process = subprocess.Popen(  # noqa: S603 - a fixed command, without a shell
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
            said or f"It printed nothing and was not ready within {_MAX_WAIT_SECONDS:.0f} seconds.",
            f"Read {log_file.name} in the folder {folder.name} of the workspace, then run this cell again.",
        )


def _environment() -> dict[str, str]:
    """Return the environment variables that Python needs, without the secrets that others may hold."""
    needed = {name: value for name, value in os.environ.items() if name in _NEEDED or name.startswith(_NEEDED_PREFIXES)}
    return {**needed, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}


def _answers(connection_file: Path) -> bool:
    """Return whether the local DPS behind the file is running: its TLS certificate must be from the CA in the file."""
    try:
        connection = json.loads(connection_file.read_text())
        endpoint = urlsplit(connection["management_endpoint"])
        context = ssl.create_default_context(cafile=connection["ca_file"])
        with socket.create_connection((endpoint.hostname, endpoint.port), timeout=_MAX_ANSWER_SECONDS) as raw:
            context.wrap_socket(raw, server_hostname=endpoint.hostname).close()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    return True


def _is_served(state: Path) -> bool:
    """Return whether a process uses the state: it holds the lock until it has closed all its files."""
    try:
        lock = (state / "lock").open("r+")
    except OSError:  # no process has ever used this state
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _pid(state: Path) -> int | None:
    """Return the id of the process that uses the state, from the file that it writes beside the lock."""
    try:
        return int((state / "pid").read_text())
    except (OSError, ValueError):
        return None


def _names_its_server(connection_file: Path, state: Path) -> bool:
    """Return whether the file is valid JSON and was written by the process that now uses the state."""
    try:
        return bool(json.loads(connection_file.read_text())["pid"] == _pid(state))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _wait_until(condition: Callable[[], bool], seconds: float | None = None) -> None:
    """Wait until the condition holds, at most for that many seconds; by default `_MAX_WAIT_SECONDS`."""
    end = time.monotonic() + (_MAX_WAIT_SECONDS if seconds is None else seconds)
    while not condition() and time.monotonic() < end:
        with suppress(InterruptedError):
            time.sleep(0.02)
