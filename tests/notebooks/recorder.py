"""A local DPS that records every request and its answer, both whole: `python recorder.py FOLDER RECORDING`.

FOLDER is a workspace's local-dps folder, so that the notebooks find this one and start no other.
"""

import asyncio
import base64
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from helpers.local_dps import Configuration, LocalDps, RequestRecord
from helpers.local_dps.request.routing import NO_BODY

__all__ = ["Exchange", "read_recording", "recording_local_dps"]


@dataclass(frozen=True)
class Exchange:
    """One request and its answer.

    Attributes:
        status: None if the connection was dropped instead.
        answer: the body as a JSON value; NO_BODY if there is none.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    status: int | None
    answer_headers: Mapping[str, str]
    answer: Any

    def line(self) -> str:
        """Return the exchange as a line of a recording."""
        fields = vars(self) | {"body": base64.b64encode(self.body).decode()}
        if self.answer is NO_BODY:
            del fields["answer"]
        return json.dumps(fields) + "\n"

    @classmethod
    def read(cls, line: str) -> Self:
        """Read a line of a recording."""
        fields = json.loads(line)
        return cls(**{"answer": NO_BODY, **fields, "body": base64.b64decode(fields["body"])})


def read_recording(recording: Path) -> list[Exchange]:
    """Return the exchanges recorded so far, in the order of their answers."""
    return [Exchange.read(line) for line in recording.read_text().splitlines()]


@contextmanager
def recording_local_dps(folder: Path, recording: Path) -> Iterator[None]:
    """Run the local DPS of a workspace in its own process. It appends to `recording`."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, __file__, str(folder), str(recording)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield
        finally:
            process.terminate()


def main(folder: Path, recording: Path) -> None:
    with recording.open("a") as file:

        def write(record: RequestRecord) -> None:
            response = record.response
            exchange = Exchange(
                record.method,
                record.path,
                record.query,
                dict(record.headers),
                record.body,
                record.status,
                dict(response.headers) if response else {},
                response.body if response else NO_BODY,
            )
            file.write(exchange.line())
            file.flush()

        async def serve() -> None:
            stop = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
            # helpers/dps/local_process.py starts it like this, so that devices need not wait before they poll.
            dps = LocalDps(Configuration(folder / "state", observe=write, retry_after=0))
            await dps.serve(stop, folder / "connection.json", lambda connection: print("ready", flush=True))

        asyncio.run(serve())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
