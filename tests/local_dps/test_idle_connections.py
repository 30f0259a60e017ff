"""Thousands of silent connections don't affect other clients, and leave nothing behind."""

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.crafting import leaf
from tests.length import LONG
from tests.local_dps.devices import ROOT, Device, upload, write_chain
from tests.local_dps.mqtt_client import enter, over_tls
from tests.local_dps.process import Server, open_descriptors, wait_for
from tests.local_dps.tls import Files, address, hello
from tests.local_dps.wire import LocalService, group_body

if sys.platform != "win32":
    import resource

EACH = 5_000 if LONG else 1_500


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Raise this process's limit of open files, so that it can hold all connections, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= 2 * EACH + 500, f"this test opens {2 * EACH:,} connections, and the system allows {hard:,} files"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def resident_megabytes(server: Server) -> float:
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def registers(dps: LocalService, files: Files, who: str) -> None:
    """Over both."""
    assert Device(dps, who, files).outcome()["status"] == "assigned"
    with over_tls(dps, files) as line:
        assert enter(dps, line, who)["status"] == "assigned"


def open_many(dps: LocalService, stack: ExitStack) -> None:
    """Open many connections. Every tenth begins a handshake, but does not complete it."""
    begun = hello()
    for endpoint in ("device", "mqtt"):
        for number in range(EACH):
            plain = stack.enter_context(socket.create_connection(address(dps, endpoint), timeout=30))
            if number % 10 == 0:
                plain.sendall(begun)


@pytest.mark.linux
@pytest.mark.usefixtures("descriptors")
def test_devices_register_while_thousands_of_idle_connections_are_opened_and_dropped(
    server: Server, tmp_path: Path
) -> None:
    dps = server.start()
    upload(dps, "ca", ROOT, True)
    dps.put_group(group_body("group", reference="ca"))
    files = write_chain(tmp_path, leaf(ROOT))
    registers(dps, files, "device-1")
    before, memory = open_descriptors(server.process.pid), []
    for _ in range(2):
        with ExitStack() as stack:
            open_many(dps, stack)
            wait_for(lambda: open_descriptors(server.process.pid) > EACH or None)
            registers(dps, files, "device-1")
        wait_for(lambda: open_descriptors(server.process.pid) <= before + 5 or None)
        registers(dps, files, "device-1")
        memory.append(resident_megabytes(server))
    assert server.process.poll() is None
    first, second = memory
    assert first < 1_500  # asyncio alone would set aside twice as much
    assert second < first * 1.2  # the memory for the first connections is used again for the next
    assert "Traceback" not in server.log.read_text()
