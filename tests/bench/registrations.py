"""Registrations a second over HTTPS and MQTT, the part of them that is the bare TLS handshake, and 10,000 in one run."""

import base64
import ssl
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode

from helpers.certificates import CertificateAuthority, DeviceCredential, certificate_pem
from tests.bench.certificates import fleet
from tests.bench.devices import Device, everyone, over_https, over_mqtt, shake_hands
from tests.bench.processes import cpu_seconds, most_megabytes, started
from tests.local_dps.process import Server
from tests.local_dps.wire import LocalService, group_body, upload_body

__all__ = ["registrations"]

ROUNDS = 5
DEVICES = 200  # a round, and others in each: the local DPS may remember those that it has seen
FLEET = 10_000
_GROUP = "fleet"


@dataclass(frozen=True)
class Plane:
    """A way to register, and the TLS that devices have on it."""

    name: str
    register: Callable[[LocalService, Device], None]
    tls: ssl.TLSVersion


HTTPS = Plane("HTTPS", over_https, ssl.TLSVersion.TLSv1_3)
MQTT = Plane("MQTT", over_mqtt, ssl.TLSVersion.TLSv1_2)  # azure-iot-device speaks no other


@dataclass(frozen=True)
class Cost:
    """Of one device: seconds on the clock, and of a server's CPU."""

    clock: float
    cpu: float


def registrations(authority: CertificateAuthority, folder: Path, memory: Path) -> None:
    """Print a line a figure. The devices' certificates lie in `memory`, the local DPS's state in `folder`."""
    folder.mkdir()
    credentials = fleet(authority, FLEET + 2 * ROUNDS * DEVICES, memory / "registrations")
    fresh = iter(credentials[FLEET:])
    with Server(folder) as server:
        dps = server.start()
        _let_in(dps, authority)
        for plane in (HTTPS, MQTT):
            beside_the_handshake(server, dps, plane, fresh)
        in_one_run(server, dps, HTTPS, credentials[:FLEET])


def beside_the_handshake(
    server: Server, dps: LocalService, plane: Plane, credentials: Iterator[DeviceCredential]
) -> None:
    """Whole registrations, and bare handshakes of the same devices with an acceptor that has the same TLS, in turn."""
    pairs = []
    with started("tests.bench.acceptor") as (pid, said):
        for _ in range(ROUNDS):
            new = list(islice(credentials, DEVICES))
            devices, callers = _devices(new, _trust(dps), plane), _devices(new, said["authority"], plane)
            whole = _cost(server.process.pid, devices, lambda device: plane.register(dps, device))
            bare = _cost(pid, callers, lambda device: shake_hands(said["port"], device))
            pairs.append((whole, bare))
    rate = statistics.median(1 / whole.clock for whole, _ in pairs)
    cpu = statistics.median(whole.cpu for whole, _ in pairs)
    part = statistics.median(bare.cpu / whole.cpu for whole, bare in pairs)
    print(
        f"{plane.name:16} {rate:.0f} registrations/s; CPU {cpu * 1e6:.0f} us each, "
        f"of which a bare handshake in {plane.tls.name.replace('v1_', ' 1.')} is {part:.0%} (goal 80%)"
    )


def in_one_run(server: Server, dps: LocalService, plane: Plane, credentials: Sequence[DeviceCredential]) -> None:
    """All of them, a thousand after the other."""
    thousands, megabytes = [], []
    for start in range(0, len(credentials), 1000):
        devices = _devices(credentials[start : start + 1000], _trust(dps), plane)
        thousands.append(_cost(server.process.pid, devices, lambda device: plane.register(dps, device)))
        megabytes.append(most_megabytes(server.process.pid))
    names = {each.registration_id for each in credentials}
    lost = len(names - _assigned(dps)) + len(names - _at_hubs(dps))
    first, last = thousands[0], thousands[-1]
    print(
        f"{'':16} {len(credentials):,} in one run over {plane.name}: {lost} lost (goal 0); "
        f"memory {megabytes[0]:.0f} MB after the first thousand, {megabytes[-1]:.0f} MB after the last: "
        f"{megabytes[-1] / megabytes[0]:.2f} times (goal 1.10)\n"
        f"{'':16} the last thousand took {last.clock / first.clock:.2f} times as long as the first, "
        f"and {last.cpu / first.cpu:.2f} times the CPU (goal 1.10)"
    )


def _let_in(dps: LocalService, authority: CertificateAuthority) -> None:
    """A verified root, and a group of the devices below it."""
    root = base64.b64encode(certificate_pem(authority.issuers[-1])).decode()
    assert dps.manage("PUT", "/certificates/root", upload_body(root, isVerified=True)).status == 200
    dps.put_group(group_body(_GROUP, reference="root"))


def _trust(dps: LocalService) -> str:
    return Path(dps.connection["ca_file"]).read_text()


def _devices(credentials: Sequence[DeviceCredential], trust: str, plane: Plane) -> list[Device]:
    return [Device(each, trust, plane.tls) for each in credentials]


def _cost(pid: int, devices: Sequence[Device], errand: Callable[[Device], None]) -> Cost:
    began, cpu = time.perf_counter(), cpu_seconds(pid)
    everyone(devices, errand)
    return Cost((time.perf_counter() - began) / len(devices), (cpu_seconds(pid) - cpu) / len(devices))


def _assigned(dps: LocalService) -> set[str]:
    """Who is on record as assigned, from every page of the service plane."""
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
    """Whom the hubs know."""
    found: set[str] = set()
    for hub in dps.connection["iot_hubs"]:
        after: str | None = ""
        while after is not None:
            page = dps.control("GET", f"/hubs/{hub}/devices?{urlencode({'after': after})}").json
            found.update(each["deviceId"] for each in page["devices"])
            after = page.get("next")
    return found
