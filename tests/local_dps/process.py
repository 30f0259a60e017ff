"""The local DPS as its own process, started by its command."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from tests.local_dps.wire import LocalService

T = TypeVar("T")
PATIENCE = 30.0  # seconds until a wait counts as failed


class Server:
    """`python -m helpers local-dps` on one state folder, started and ended as often as a test likes."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.connection_file = folder / "connection.json"
        self.log = folder / "log.txt"
        self.processes: list[subprocess.Popen[bytes]] = []
        self._of_an_earlier_start: bytes | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    def command(self, *options: str) -> list[str]:
        given = ("--connection-file", str(self.connection_file), "--state", str(self.state))
        return [sys.executable, "-m", "helpers", "local-dps", *given, *options]

    def launch(self, *options: str, **popen: Any) -> subprocess.Popen[bytes]:
        """Start the process without waiting for it."""
        self._of_an_earlier_start = self.connection_file.read_bytes() if self.connection_file.exists() else None
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self.command(*options), **{"stdout": log, "stderr": subprocess.STDOUT, "umask": 0} | popen
            )
        self.processes.append(process)
        return process

    def start(self, *options: str, **popen: Any) -> LocalService:
        """Start it, and wait until its connection file names it."""
        self.launch(*options, **popen)
        return self.connected()

    def connected(self) -> LocalService:
        """Wait for the connection file of the last launch."""

        def ready() -> Mapping[str, Any] | None:
            assert self.process.poll() is None, self.log.read_text()
            try:
                content = self.connection_file.read_bytes()
            except FileNotFoundError:
                return None
            # Not by its pid: on Windows, the Python of an environment starts another one, which serves.
            if content == self._of_an_earlier_start:
                return None
            connection: Mapping[str, Any] = json.loads(content)  # the file must never be incomplete
            return connection

        return LocalService(wait_for(ready), self.state)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        return self.processes[-1]

    def kill(self) -> None:
        """Kill the process, like a power failure: no code of the program runs any more."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self) -> int:
        """Interrupt the process, like Ctrl-C: the program ends by itself."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def refused(self, *options: str) -> str:
        """Start the process, which must fail, and return what it writes to stderr."""
        result = subprocess.run(self.command(*options), capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert result.returncode == 1, (result.returncode, result.stdout, result.stderr)
        assert "Traceback" not in result.stderr
        return result.stderr


def wait_for(ask: Callable[[], T | None]) -> T:
    """Call the function until it returns something other than None, and return that."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def open_descriptors(pid: int | None = None) -> int:
    """Return the number of files that a process has open: this process, or on Linux another one."""
    return len(list(Path("/dev/fd" if pid is None else f"/proc/{pid}/fd").iterdir()))
