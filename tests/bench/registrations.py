"""Registrations a second over HTTPS and MQTT, the part of them that is the bare TLS handshake, and 10,000 in one run."""

import base64
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode

from helpers.certificates import CertificateAuthority, DeviceCredential, certificate_pem, issue_fleet
from helpers.dps import DevicePlane, DeviceRegistrar, KnownCas, require_registered
from tests.bench.certificates import fleet
from tests.bench.devices import Device, everyone, over_https, over_mqtt, shake_hands
from tests.bench.processes import cpu_seconds, most_megabytes, started
from tests.bench.report import Figure
from tests.bench.size import Size
from tests.local_dps.process import Server
from tests.local_dps.wire import LocalService, group_body, upload_body

__all__ = ["registrations"]

_GROUP = "fleet"


@dataclass(frozen=True)
class Plane:
    """A way to register."""

    name: str
    register: Callable[[LocalService, Device], None]


HTTPS = Plane("HTTPS", over_https)
MQTT = Plane("MQTT", over_mqtt)


@dataclass(frozen=True)
class Cost:
    """The cost of one device: seconds of elapsed time, and of the server's CPU time."""

    clock: float
    cpu: float


def registrations(authority: CertificateAuthority, folder: Path, memory: Path, size: Size) -> Iterator[Figure]:
    """The devices' certificates lie in `memory`, the local DPS's state in `folder`."""
    folder.mkdir()
    credentials = fleet(authority, size.fleet + 2 * size.rounds * size.devices, memory / "registrations")
    fresh = iter(credentials[size.fleet :])
    with Server(folder) as server:
        dps = server.start("--retry-after", "0")
        _enroll(dps, authority)
        yield from the_readmes_fleet(dps, authority, memory, size)
        for plane in (HTTPS, MQTT):
            yield from beside_the_handshake(server, dps, plane, fresh, size)
        yield from in_one_run(server, dps, HTTPS, credentials[: size.fleet])


def the_readmes_fleet(dps: LocalService, authority: CertificateAuthority, folder: Path, size: Size) -> Iterator[Figure]:
    """A fleet of 1,000 by the helpers, certificates included; beside handshakes alone of the same devices."""
    count = min(1_000, 5 * size.devices)
    plane = DevicePlane("localhost", f"https://{dps.connection['device_endpoint']}", trust=_trust(dps))
    registrar = DeviceRegistrar(plane, lambda: dps.connection["id_scope"], KnownCas)
    ours, theirs = [], []
    with started("tests.bench.acceptor") as (_, said):
        for round_number in range(size.rounds):
            names = [f"truck-{round_number}-{number}" for number in range(count)]
            began = time.perf_counter()
            with redirect_stderr(StringIO()):
                credentials = issue_fleet(authority, names, folder / f"trucks-{round_number}")
                require_registered(registrar.register_all(credentials))
            ours.append(time.perf_counter() - began)
            callers = _devices(credentials, said["authority"])
            theirs.append(_clock(callers, lambda device: shake_hands(said["port"], device)))
    goal = 6.0 if count == 1_000 else None
    yield Figure(f"a fleet of {count:,}, issued and registered", "s", ours, "bare handshakes", theirs, goal=goal)


def beside_the_handshake(
    server: Server, dps: LocalService, plane: Plane, credentials: Iterator[DeviceCredential], size: Size
) -> Iterator[Figure]:
    """Whole registrations, and bare handshakes of the same devices with an acceptor that has the same TLS, in turn."""
    pairs = []
    with started("tests.bench.acceptor") as (pid, said):
        for _ in range(size.rounds):
            new = list(islice(credentials, size.devices))
            devices, callers = _devices(new, _trust(dps)), _devices(new, said["authority"])
            whole = _cost(server.process.pid, devices, lambda device: plane.register(dps, device))
            bare = _cost(pid, callers, lambda device: shake_hands(said["port"], device))
            pairs.append((whole, bare))
    yield Figure(
        f"registrations over {plane.name}", "/s", [1 / whole.clock for whole, _ in pairs], higher_is_better=True
    )
    yield Figure(
        f"the server's CPU for a registration over {plane.name}",
        "us",
        [whole.cpu * 1e6 for whole, _ in pairs],
        "a bare handshake",
        [max(bare.cpu, 1e-5) * 1e6 for _, bare in pairs],
    )


def in_one_run(
    server: Server, dps: LocalService, plane: Plane, credentials: Sequence[DeviceCredential]
) -> Iterator[Figure]:
    """Register all devices, one tenth after the other."""
    tenths, megabytes, tenth = [], [], len(credentials) // 10
    for start in range(0, len(credentials), tenth):
        devices = _devices(credentials[start : start + tenth], _trust(dps))
        tenths.append(_cost(server.process.pid, devices, lambda device: plane.register(dps, device)))
        megabytes.append(most_megabytes(server.process.pid))
    names = {each.registration_id for each in credentials}
    lost = len(names - _assigned(dps)) + len(names - _at_hubs(dps))
    what = f"{len(credentials):,} in one run"
    yield Figure(f"{what}: lost", "devices", [lost], goal=0)
    yield Figure(
        f"{what}: memory at the end", "MB", megabytes[-1:], "after a tenth", megabytes[:1], goal=1.1, goal_of_ratio=True
    )
    first, last = tenths[0].cpu * 1e6, tenths[-1].cpu * 1e6
    yield Figure(
        f"{what}: CPU of the last", "us", [last], "of the first", [max(first, 1)], goal=1.1, goal_of_ratio=True
    )


def _enroll(dps: LocalService, authority: CertificateAuthority) -> None:
    """Verify a root, and create a group for its devices."""
    root = base64.b64encode(certificate_pem(authority.issuers[-1])).decode()
    assert dps.manage("PUT", "/certificates/root", upload_body(root, isVerified=True)).status == 200
    dps.put_group(group_body(_GROUP, reference="root"))


def _trust(dps: LocalService) -> str:
    return Path(dps.connection["ca_file"]).read_text()


def _devices(credentials: Sequence[DeviceCredential], trust: str) -> list[Device]:
    return [Device(each, trust) for each in credentials]


def _clock(devices: Sequence[Device], errand: Callable[[Device], None]) -> float:
    began = time.perf_counter()
    everyone(devices, errand)
    return time.perf_counter() - began


def _cost(pid: int, devices: Sequence[Device], errand: Callable[[Device], None]) -> Cost:
    began, cpu = time.perf_counter(), cpu_seconds(pid)
    everyone(devices, errand)
    return Cost((time.perf_counter() - began) / len(devices), (cpu_seconds(pid) - cpu) / len(devices))


def _assigned(dps: LocalService) -> set[str]:
    """Return the ids of the devices that are recorded as assigned, from every page of the service plane."""
    found: set[str] = set()
    headers: dict[str, str | bytes] = {}
    while True:
        page = dps.serve("POST", f"/registrations/{_GROUP}/query", headers=headers)
        assert page.status == 200, page.content
        found.update(each["registrationId"] for each in page.json if each["status"] == "assigned")
        if "x-ms-continuation" not in page.headers:
            return found
        headers = {"x-ms-continuation": page.headers["x-ms-continuation"]}


def _at_hubs(dps: LocalService) -> set[str]:
    """Return the ids of the devices in the hubs."""
    found: set[str] = set()
    for hub in dps.connection["iot_hubs"]:
        after: str | None = ""
        while after is not None:
            page = dps.control("GET", f"/hubs/{hub}/devices?{urlencode({'after': after})}").json
            found.update(each["deviceId"] for each in page["devices"])
            after = page.get("next")
    return found
