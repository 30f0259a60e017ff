"""The fleet's cell of 06, interrupted as by JupyterLab's stop button: it prints a sentence within a second, and the next run
continues."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.dps import stop_local_dps
from helpers.walkthrough.kernels import StandbyKernels
from helpers.workspace import Workspace
from tests.browser.prepared import ready_for

BEFORE = """
from helpers import lesson
from helpers.certificates import issue_fleet
walkthrough = lesson.open({folder!r})
dps = walkthrough.dps
authority = walkthrough.signing_authority()
names = [f"pump-1-{{number:03}}" for number in range(1, 401)]
"""
FLEET = "fleet = dps.devices.register_all(issue_fleet(authority, names, walkthrough.workspace.devices_folder))"


@pytest.fixture
def ready(tmp_path: Path) -> Iterator[Workspace]:
    workspace = ready_for("06_provision_devices", tmp_path / "workspace")
    yield workspace
    stop_local_dps(workspace.local_dps_folder)


def test_an_interrupted_fleet_says_how_far_it_got_and_continues(ready: Workspace, tmp_path: Path) -> None:
    log = ready.local_dps_folder / "log.txt"

    async def learn() -> tuple[dict[str, Any], float, dict[str, Any], dict[str, Any]]:
        client = kernel.client()
        client.start_channels()
        try:
            await client.wait_for_ready(60)
            await client.execute(BEFORE.format(folder=str(ready.folder)), reply=True, timeout=60)
            running = asyncio.create_task(client.execute(FLEET, reply=True, timeout=60))
            while log.read_text().count("/operations/") < 20:
                assert not running.done(), running.result()
                await asyncio.sleep(0.01)
            began = time.monotonic()
            await kernel.interrupt_kernel()
            interrupted = await running
            seconds = time.monotonic() - began
            await asyncio.sleep(0.6)  # until the kernel no longer cancels what Run All might have sent
            again = await client.execute(FLEET, reply=True, timeout=60)
            count = await client.execute("", user_expressions={"count": "len(fleet)"}, reply=True, timeout=60)
            return interrupted["content"], seconds, again["content"], count["content"]
        finally:
            client.stop_channels()

    with StandbyKernels(tmp_path) as kernels:
        kernel = kernels.take()
        interrupted, seconds, again, count = asyncio.run(learn())
    assert interrupted["status"] == "error"
    (sentence,) = interrupted["traceback"]
    assert sentence.endswith(" of 400 devices are registered; run the cell again to continue."), sentence
    done = int(sentence.split()[0])
    assert 0 < done < 400
    assert seconds < 6, "a second, and more on a busy machine"
    assert again["status"] == "ok", again
    assert count["user_expressions"]["count"]["data"]["text/plain"] == "400"
    asked = [line for line in log.read_text().splitlines() if "/register" in line]
    assert len({line.split("/registrations/")[1].split("/")[0] for line in asked}) == 400
    assert len(asked) <= 400 + 60, (
        "those that were registered are not asked for again, but for the 50 that were under way"
    )
