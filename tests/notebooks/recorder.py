"""A local DPS that writes down every request it receives, whole: `python recorder.py FOLDER RECORDING`.

FOLDER is a workspace's local-dps folder, so that the notebooks find this one and start no other.
"""

import asyncio
import base64
import json
import signal
import sys
from pathlib import Path

from helpers.local_dps import LocalDps, RequestRecord


def main(folder: Path, recording: Path) -> None:
    with recording.open("a") as file:

        def write(exchange: RequestRecord) -> None:
            heard = [exchange.method, exchange.path, exchange.query, dict(exchange.headers)]
            file.write(json.dumps([*heard, base64.b64encode(exchange.body).decode()]) + "\n")
            file.flush()

        async def serve() -> None:
            stop = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
            dps = LocalDps(folder / "state", observe=write)
            await dps.serve(stop, folder / "connection.json", lambda connection: print("ready", flush=True))

        asyncio.run(serve())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
