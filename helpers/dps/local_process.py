"""The local DPS process of a workspace: started on first use, shared by all notebooks, found by its connection file."""

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
from typing import Any
from urllib.parse import urlsplit

from filelock import Timeout

from helpers.files import PRIVATE, file_lock, make_private_folder
from helpers.problem import Problem

__all__ = ["start_local_dps", "stop_local_dps"]

_IDLE_SECONDS = 2 * 60 * 60
_MAX_WAIT_SECONDS = 30.0
_MAX_ANSWER_SECONDS = 5.0
_NEEDED = ("APPDATA", "HOME", "LANG", "PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "USERPROFILE", "VIRTUAL_ENV")
_NEEDED_PREFIXES = ("LC_", "LD_", "PYTHON")
# Neither Ctrl-C in JupyterLab's terminal nor closing that terminal ends the local DPS.
_DETACHED: dict[str, Any] = {"start_new_session": True}
if sys.platform == "win32":
    _DETACHED = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}


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
    with file_lock(folder / "start.lock"):  # two notebooks may call this at the same moment
        state = folder / "state"
        if _is_served(state):
            # The process may still be starting.
            _wait_until(lambda: connection_file.exists() or not _is_served(state), _MAX_ANSWER_SECONDS)
            if _names_process(connection_file, _pid(state)):
                _wait_until(lambda: _answers(connection_file) or not _is_served(state))
                if _is_served(state) and not _answers(connection_file):
                    raise _unresponsive(state)
            else:  # the file was damaged or deleted, and the process writes it only when it starts
                _stop(state, connection_file)
        if not _answers(connection_file):
            _start(folder, connection_file)
    return connection_file


def stop_local_dps(folder: Path) -> bool:
    """Stop the local DPS in `folder` without deleting its state. Return whether one was running.

    Windows has no signal that asks a process to end, so there the process is killed. That is safe: each change that the
    local DPS has acknowledged is in its database.

    Raises:
        Problem: the process does not end.
    """
    folder = folder.resolve()
    state = folder / "state"
    if not _is_served(state):
        return False
    _stop(state, folder / "connection.json")
    return True


def _stop(state: Path, connection_file: Path) -> None:
    pid = _pid(state)
    if pid is not None:
        with suppress(OSError):  # it has just ended by itself
            os.kill(pid, signal.SIGTERM)  # on Windows, this kills it
    _wait_until(lambda: not _is_served(state))
    if _is_served(state):
        raise _unresponsive(state)
    if _names_process(connection_file, pid):  # a process that was killed leaves its file behind, with secrets in it
        connection_file.unlink(missing_ok=True)


def _unresponsive(state: Path) -> Problem:
    pid = _pid(state)
    return Problem(
        "The local DPS of this workspace is running, but does not answer.",
        f"{f'Process {pid}' if pid else 'A process'} holds {state / 'lock'} and has not answered for "
        f"{_MAX_WAIT_SECONDS:.0f} seconds: it is suspended, or the machine is very busy.",
        f"{_remedy(pid)} (nothing is lost). Then run this again.",
    )


def _remedy(pid: int | None) -> str:
    if sys.platform == "win32":
        return f"End it with taskkill /F /PID {pid}" if pid else "Find the process in Resource Monitor, and end it"
    if pid:
        return f"Resume it with kill -CONT {pid}, or end it with kill -KILL {pid}"
    return "Find the process with fuser or lsof, and end it"


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
            cwd=folder.anchor,
            env=_environment(),
            **_DETACHED,
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
        connection = json.loads(connection_file.read_bytes())
        endpoint = urlsplit(connection["management_endpoint"])
        context = ssl.create_default_context(cafile=connection["ca_file"])
        with socket.create_connection((endpoint.hostname, endpoint.port), timeout=_MAX_ANSWER_SECONDS) as raw:
            context.wrap_socket(raw, server_hostname=endpoint.hostname).close()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    return True


def _is_served(state: Path) -> bool:
    """Return whether a process uses the state: it holds the lock until it has closed all its files."""
    lock = state / "lock"
    if not lock.exists():  # no process has ever used this state
        return False
    try:
        with file_lock(lock, wait=False):
            return False
    except Timeout:
        return True
    except OSError:  # it can't be opened; the process that is started next says why
        return False


def _pid(state: Path) -> int | None:
    """Return the id of the process that uses the state, from the file that it writes beside the lock."""
    try:
        return int((state / "pid").read_bytes())
    except (OSError, ValueError):
        return None


def _names_process(connection_file: Path, pid: int | None) -> bool:
    """Return whether the file is valid JSON and was written by the process with that id."""
    try:
        return bool(json.loads(connection_file.read_bytes())["pid"] == pid)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _wait_until(condition: Callable[[], bool], seconds: float | None = None) -> None:
    """Wait until the condition holds, at most for that many seconds; by default `_MAX_WAIT_SECONDS`."""
    end = time.monotonic() + (_MAX_WAIT_SECONDS if seconds is None else seconds)
    while not condition() and time.monotonic() < end:
        with suppress(InterruptedError):
            time.sleep(0.02)
