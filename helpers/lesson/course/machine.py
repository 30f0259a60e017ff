"""The health check of the machine: it finds what would stop a learner later, and says how to fix it."""

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
from helpers.files import can_others_read, read_bytes, write_atomically
from helpers.notebook import Notebook
from helpers.systems import door, set_clock
from helpers.workspace import Workspace

__all__ = ["examine_device_connection", "examine_machine"]

_MIN_FREE_BYTES = 100 << 20  # a fleet of 500 and the executed notebooks take a tenth of this
_PROJECT = Path(__file__).resolve().parents[3]
_OWN_FILES = ("*", "helpers/**/*.py", "notebooks/*")  # not .venv: its files may have any date
_DEVICE_HOST, _MQTT_PORT = AZURE_DEVICE_PLANE.host, 8883
_CONNECT_TIMEOUT_SECONDS = 3.0


def examine_machine(workspace: Workspace) -> Examination:
    """Check versions, ports, clock, permissions and disk space; each failed check comes with its fix."""
    permissions: tuple[Check, ...] = (_folder(workspace), _keys(workspace), _modes(workspace))
    if sys.platform == "win32":  # has access lists instead of permission bits
        permissions = (_access_list(workspace),)
    checks = (_python(), _packages(), _loopback(), _proxy(), _clock(workspace), *permissions, _free_space(workspace))
    return Examination("This machine", checks)


def _check(name: str, passed: bool, reason: str, remedy: str) -> Check:
    return Check(name, reason, "" if passed else remedy)


def _python() -> Check:
    return _check(
        "Python",
        sys.version_info >= (3, 11),
        f"This is Python {platform.python_version()}; 3.11 or newer is required.",
        f"Install a newer Python, then run {door('clean')} and {door('lab')}.",
    )


def _packages() -> Check:
    wrong = list(_unmet())
    return _check(
        "Packages",
        not wrong,
        f"Some packages are missing or have the wrong version: {', '.join(wrong)}."
        if wrong
        else "Every package has a version that is known to work.",
        f"Run {door('clean')} and {door('lab')}. Or run pip install -e . in the project's folder, and restart the kernel.",
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
    """Check that a port of 127.0.0.1 can be reached as localhost, because that is how clients reach the local DPS."""
    reason = "A program on this machine can open a port, and others reach it as localhost."
    try:
        with closing(socket.create_server(("127.0.0.1", 0))) as server:
            server.settimeout(_CONNECT_TIMEOUT_SECONDS)
            socket.create_connection(("localhost", server.getsockname()[1]), timeout=_CONNECT_TIMEOUT_SECONDS).close()
    except OSError as error:
        reason = f"The notebook could not open a port and reach it as localhost: {error}."
        hosts = r"C:\Windows\System32\drivers\etc\hosts" if sys.platform == "win32" else "/etc/hosts"
        remedy = f"Make sure that {hosts} has a line 127.0.0.1 localhost, and that no firewall blocks loopback."
        return Check("Ports", reason, remedy)
    return Check("Ports", reason)


def _proxy() -> Check:
    name = next(
        (name for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy") if os.environ.get(name)), None
    )
    if name is None:
        return Check("Proxy", "No proxy is set, so the SDKs reach the local DPS directly.")
    from requests.utils import should_bypass_proxies

    return _check(
        "Proxy",
        bool(should_bypass_proxies("https://localhost", None)),
        f"{name} is set; requests to localhost must not go through that proxy.",
        "Add localhost,127.0.0.1 to NO_PROXY in the environment, and restart JupyterLab.",
    )


def examine_device_connection(workspace: Workspace) -> Examination:
    """Check whether devices can reach the chosen target. Only the notebook that provisions devices needs this."""
    return Examination("Device connection", (_way_of_devices(workspace),))


def _way_of_devices(workspace: Workspace) -> Check:
    name, where = "Device connection", f"{_DEVICE_HOST} at port {_MQTT_PORT}"
    if workspace.facts.target == "local":
        return Check(name, "The devices of a local DPS are on this machine, so they need no connection to Azure.")
    try:
        socket.create_connection((_DEVICE_HOST, _MQTT_PORT), timeout=_CONNECT_TIMEOUT_SECONDS).close()
    except OSError as error:
        fix = "Ask your network's administrator to open the port"
        if isinstance(error, socket.gaierror):
            fix = "Make sure that this machine can look up names on the internet"
        remedy = (
            f"{fix}. Until then, the devices of {Notebook.PROVISION_DEVICES} can't register; everything else works."
        )
        return Check(name, f"Devices can't reach {where}: {error}.", remedy)
    return Check(name, f"Devices can reach {where}.")


def _clock(workspace: Workspace) -> Check:
    """Check that the clock is not behind the dates of files and certificates. Without another clock, no more can be checked."""
    now = datetime.now(UTC)
    dates = [
        datetime.fromtimestamp(file.stat().st_mtime, UTC) for pattern in _OWN_FILES for file in _PROJECT.glob(pattern)
    ]
    for file in (workspace.folder / "ca").glob("*.cer"):
        dates += [describe(each).not_before for each in read_certificates(read_bytes(file), file.name)]
    latest = max(dates, default=now)
    return _check(
        "Clock",
        latest <= now,
        f"It says {now:%Y-%m-%d %H:%M} UTC (your time zone is {time.tzname[0]}; certificates always use UTC)."
        + ("" if latest <= now else f" But a file or certificate here dates from {latest:%Y-%m-%d %H:%M} UTC."),
        f"Set the clock ({set_clock()}): certificates made with a wrong clock are not valid yet or have expired.",
    )


def _folder(workspace: Workspace) -> Check:
    mode = workspace.folder.stat().st_mode & 0o777
    private = not mode & 0o077
    reason = "only you can open it" if private else "others can open it, too"
    return _check(
        "Workspace",
        private,
        f"The permissions of its folder are {mode:o}: {reason}.",
        f"Run chmod 700 {workspace.folder.name} in its parent folder.",
    )


def _access_list(workspace: Workspace) -> Check:
    """Check that on Windows the workspace has an access list which keeps others out (see helpers/files.py)."""
    home = Path.home()
    own_list, in_profile = sys.version_info >= (3, 12, 4), workspace.folder.is_relative_to(home.resolve())
    reason = "Its folder is neither in your user folder, nor has Python given it an access list of its own."
    if in_profile:
        reason = "Its folder is in your user folder, which Windows opens only to you and the administrators."
    elif own_list:
        reason = "Python has given its folder an access list: only you and the administrators can open it."
    return _check(
        "Workspace",
        own_list or in_profile,
        reason,
        f"Move the project into your user folder, {home}, or use Python 3.12.4 or newer and run {door('clean')}.",
    )


def _keys(workspace: Workspace) -> Check:
    keys = [*(workspace.folder / "ca").glob("*.key.pem"), *workspace.devices_folder.rglob("*.key")]
    open_ones = [file for file in keys if can_others_read(file)]
    reason = f"Only you can read the {len(keys)} in the workspace." if keys else "The workspace has none yet."
    if open_ones:
        reason = f"Others can read {open_ones[0].name}."
    return _check(
        "Private keys",
        not open_ones,
        reason,
        "Run chmod 600 ca/*.key.pem devices/*.key in the workspace. If others use this machine, create new keys.",
    )


def _modes(workspace: Workspace) -> Check:
    """Check that the disk supports permissions: some, such as a Windows drive under WSL, let everyone read everything."""
    probe = workspace.folder / ".probe"
    write_atomically(probe, b"", mode=0o600)
    mode = probe.stat().st_mode & 0o777
    probe.unlink()
    return _check(
        "Permissions",
        mode == 0o600,
        "The disk stores a file's permissions."
        if mode == 0o600
        else f"A new file that only you should be able to read has the permissions {mode:o}.",
        "Put the workspace on a disk of Linux or macOS: under WSL, in your home folder and not below /mnt.",
    )


def _free_space(workspace: Workspace) -> Check:
    free, required = shutil.disk_usage(workspace.folder).free, _MIN_FREE_BYTES >> 20
    remedy = f"Free some disk space: {required} MiB are enough."
    return _check("Disk", free >= _MIN_FREE_BYTES, f"{free >> 20:,} MiB are free.", remedy)
