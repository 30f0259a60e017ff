"""The health of the machine: what could get into a learner's way, and how to mend it, before it does."""

import os
import platform
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from helpers.certificates import Check, Examination, describe, read_certificates
from helpers.dps import AZURE_DEVICE_PLANE
from helpers.files import read_bytes, write_atomically
from helpers.workspace import Workspace

__all__ = ["examine_machine", "examine_way_of_devices"]

_ROOM = 100 << 20  # bytes; a fleet of 500 and the executed copies take a tenth of it
_PROJECT = Path(__file__).resolve().parents[2]
_OURS = ("*", "helpers/**/*.py", "notebooks/*")  # and no environment, which may be made of older or newer files
_DEVICE_HOST, _MQTT_PORT = AZURE_DEVICE_PLANE.host, 8883
_WAIT_SECONDS = 3.0


def examine_machine(workspace: Workspace) -> Examination:
    """Versions, ports, clock, permissions: one check each, with the fix for what is found."""
    checks = (
        _python(),
        _packages(),
        _loopback(),
        _proxy(),
        _clock(workspace),
        _folder(workspace),
        _keys(workspace),
        _modes(workspace),
        _room(workspace),
    )
    return Examination("This machine", checks)


def _check(name: str, passed: bool, reason: str, remedy: str) -> Check:
    return Check(name, passed, reason, "" if passed else remedy)


def _python() -> Check:
    return _check(
        "Python",
        sys.version_info >= (3, 11),
        f"It is {platform.python_version()}; 3.11 or newer is needed.",
        "Install a newer Python, then make clean and make lab.",
    )


def _packages() -> Check:
    wrong = list(_unmet())
    return _check(
        "Packages",
        not wrong,
        f"Not as needed: {', '.join(wrong)}." if wrong else "Every package has a version that is known to work.",
        "Run make clean and make lab; or pip install -e . in the project's folder, and restart the kernel.",
    )


def _unmet() -> Iterator[str]:
    from packaging.requirements import Requirement

    for text in requires("helpers") or ():
        wanted = Requirement(text)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            present = version(wanted.name)
        except PackageNotFoundError:
            yield f"{wanted.name} is missing"
        else:
            if present not in wanted.specifier:
                yield f"{wanted.name} is {present}, not {wanted.specifier}"


def _loopback() -> Check:
    """The local DPS listens on free ports of 127.0.0.1, and everybody finds it as localhost."""
    reason = "A port of this machine can be opened and reached as localhost."
    try:
        with closing(socket.create_server(("127.0.0.1", 0))) as server:
            server.settimeout(_WAIT_SECONDS)
            socket.create_connection(("localhost", server.getsockname()[1]), timeout=_WAIT_SECONDS).close()
    except OSError as error:
        reason = f"No port of this machine could be opened and reached as localhost: {error}."
        return _check(
            "Ports", False, reason, "Have 127.0.0.1 localhost in /etc/hosts, and let no firewall block loopback."
        )
    return _check("Ports", True, reason, "")


def _proxy() -> Check:
    name = next(
        (name for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy") if os.environ.get(name)), None
    )
    if name is None:
        return _check("Proxy", True, "None is set, so nothing gets between the SDKs and the local DPS.", "")
    from requests.utils import should_bypass_proxies

    return _check(
        "Proxy",
        bool(should_bypass_proxies("https://localhost", None)),
        f"{name} is set; requests for localhost must not go through it.",
        "Add localhost,127.0.0.1 to NO_PROXY in the environment, and start JupyterLab anew.",
    )


def examine_way_of_devices(workspace: Workspace) -> Examination:
    """Whether devices can reach the target that was chosen. Everything but 06 goes without it."""
    where = f"{_DEVICE_HOST} at port {_MQTT_PORT}"
    if workspace.facts.target == "local":
        check = Check("Way of devices", True, "It is not needed: the devices of a local DPS stay on this machine.")
    else:
        try:
            socket.create_connection((_DEVICE_HOST, _MQTT_PORT), timeout=_WAIT_SECONDS).close()
        except OSError as error:
            mend = (
                "See that this machine can look up names of the internet"
                if isinstance(error, socket.gaierror)
                else "Ask for the port to be opened"
            )
            remedy = f"{mend}. Until then the devices of 06 can't register; all else goes on without."
            check = Check("Way of devices", False, f"They can't reach {where}: {error}.", remedy)
        else:
            check = Check("Way of devices", True, f"They can reach {where}.")
    return Examination("The way of devices", (check,))


def _clock(workspace: Workspace) -> Check:
    """It can't be checked without another clock; but it must not be behind what has certainly happened already."""
    now = datetime.now(UTC)
    happened = [
        datetime.fromtimestamp(file.stat().st_mtime, UTC) for pattern in _OURS for file in _PROJECT.glob(pattern)
    ]
    for file in (workspace.folder / "ca").glob("*.cer"):
        happened += [describe(each).not_before for each in read_certificates(read_bytes(file), file.name)]
    latest = max(happened, default=now)
    return _check(
        "Clock",
        latest <= now,
        f"It says {now:%Y-%m-%d %H:%M} UTC (time zone here: {time.tzname[0]}; certificates know UTC alone)."
        + ("" if latest <= now else f" But something here happened at {latest:%Y-%m-%d %H:%M} UTC."),
        "Set the clock (timedatectl set-ntp true): what is signed with a wrong one is not valid yet, or has expired.",
    )


def _folder(workspace: Workspace) -> Check:
    mode = workspace.folder.stat().st_mode & 0o777
    private = not mode & 0o077
    return _check(
        "Workspace",
        private,
        f"Its permissions are {mode:o}: {'you alone' if private else 'others, too,'} may enter.",
        f"Run: chmod 700 {workspace.folder.name} in its parent.",
    )


def _keys(workspace: Workspace) -> Check:
    keys = [*(workspace.folder / "ca").glob("*.key.pem"), *workspace.devices_folder.rglob("*.key")]
    open_ones = [file for file in keys if file.stat().st_mode & 0o077]
    return _check(
        "Private keys",
        not open_ones,
        f"{open_ones[0].name} may be read by others."
        if open_ones
        else f"{len(keys)} here, each for you alone."
        if keys
        else "None is here yet.",
        "Run: chmod 600 ca/*.key.pem devices/*.key in the workspace. If others use this machine, make new keys.",
    )


def _modes(workspace: Workspace) -> Check:
    """Some disks (a Windows drive under WSL, for one) let everybody read everything, whatever chmod says."""
    probe = workspace.folder / ".probe"
    write_atomically(probe, b"", mode=0o600)
    mode = probe.stat().st_mode & 0o777
    probe.unlink()
    return _check(
        "Permissions",
        mode == 0o600,
        "The disk keeps a file's permissions."
        if mode == 0o600
        else f"A file made for you alone has permissions {mode:o}.",
        "Keep the workspace on a disk of Linux or macOS: under WSL in your home folder, not below /mnt.",
    )


def _room(workspace: Workspace) -> Check:
    free = shutil.disk_usage(workspace.folder).free
    return _check("Disk", free >= _ROOM, f"{free >> 20:,} MiB are free.", "Make room: 100 MiB are plenty.")
