"""A fleet's files: each device has its own, and an interrupted run continues."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tqdm.auto import tqdm

from helpers.certificates import (
    CertificateAuthority,
    DeviceCredential,
    KeyAlgorithm,
    certificate_pem,
    describe,
    fleet,
    issue_fleet,
    read_certificates,
    read_private_key,
    save_authority,
)
from helpers.problem import Interrupted, Problem
from tests import openssl
from tests.modes import has_mode

ROOT = CertificateAuthority.create_root("Fleet Root")
SIGNER = ROOT.create_intermediate("Fleet Signer")


def names(count: int) -> list[str]:
    return [f"pump-{number}" for number in range(count)]


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.P256, KeyAlgorithm.RSA2048])
def test_each_device_has_a_chain_that_openssl_accepts_and_its_own_private_key(
    tmp_path: Path, algorithm: KeyAlgorithm
) -> None:
    credentials = issue_fleet(SIGNER, names(3), tmp_path / "devices", key_algorithm=algorithm)
    keys = set()
    for credential, name in zip(credentials, names(3), strict=True):
        leaf, *above = read_certificates(credential.chain_file.read_bytes(), name)
        assert above == [SIGNER.certificate]
        assert (
            (describe(leaf).common_name, describe(leaf).key)
            == (credential.registration_id, algorithm)
            == (name, algorithm)
        )
        assert openssl.verify(leaf, trusted=ROOT.certificate, untrusted=above, options=openssl.STRICT).accepted
        key = read_private_key(credential.key_file.read_bytes(), None, name)
        assert key.public_key() == leaf.public_key()
        assert has_mode(credential.key_file, 0o600)
        keys.add(credential.key_file.read_bytes())
    assert len(keys) == 3
    assert len(list((tmp_path / "devices").iterdir())) == 6  # and no other file is left there


def test_the_result_is_the_same_on_all_cores(tmp_path: Path) -> None:
    """RSA keys take so long that starting other processes pays off."""
    credentials = issue_fleet(SIGNER, names(24), tmp_path, key_algorithm=KeyAlgorithm.RSA2048, processes=3)
    for credential in credentials:
        leaf, *_ = read_certificates(credential.chain_file.read_bytes(), "")
        assert (describe(leaf).common_name, describe(leaf).key) == (credential.registration_id, "RSA-2048")
        assert credential.is_from(SIGNER, KeyAlgorithm.RSA2048)
        assert has_mode(credential.key_file, 0o600)
    assert len(list(tmp_path.iterdir())) == 48


def test_valid_files_stay(tmp_path: Path) -> None:
    issue_fleet(SIGNER, names(4), tmp_path)
    before = contents(tmp_path)
    issue_fleet(SIGNER, names(6), tmp_path)
    after = contents(tmp_path)
    assert after.items() >= before.items()
    assert len(after) == 12


SPOILED: dict[str, Callable[[DeviceCredential], object]] = {
    "no key": lambda credential: credential.key_file.unlink(),
    "no chain": lambda credential: credential.chain_file.unlink(),
    "a cut key": lambda credential: credential.key_file.write_bytes(credential.key_file.read_bytes()[:-40]),
    "a cut chain": lambda credential: credential.chain_file.write_bytes(credential.chain_file.read_bytes()[:-40]),
    "an empty chain": lambda credential: credential.chain_file.write_bytes(b""),
    "another key": lambda credential: credential.save(SIGNER.issue_device("x")) or swap(credential),
    "without the CA": lambda credential: credential.chain_file.write_bytes(
        certificate_pem(read_certificates(credential.chain_file.read_bytes(), "")[0])
    ),
    "another device's": lambda credential: credential.save(SIGNER.issue_device("pump-9")),
    "another CA's": lambda credential: credential.save(
        ROOT.create_intermediate("Fleet Signer").issue_device(credential.registration_id)
    ),
    "a key that others may read": lambda credential: credential.key_file.chmod(0o644),
    "another algorithm": lambda credential: credential.save(
        SIGNER.issue_device(credential.registration_id, key_algorithm=KeyAlgorithm.P384)
    ),
}


def swap(credential: DeviceCredential) -> None:
    """The chain of the right device with the key of another."""
    chain = certificate_pem(*SIGNER.issue_device(credential.registration_id).chain)
    credential.chain_file.write_bytes(chain)


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=pytest.mark.unix) if "others may read" in kind else kind for kind in SPOILED],
)
def test_an_invalid_credential_is_issued_again_and_the_others_stay(tmp_path: Path, kind: str) -> None:
    first, second = issue_fleet(SIGNER, names(2), tmp_path)
    before = second.chain_file.read_bytes()
    SPOILED[kind](first)
    assert not first.is_from(SIGNER, KeyAlgorithm.P256)
    issue_fleet(SIGNER, names(2), tmp_path)
    assert first.is_from(SIGNER, KeyAlgorithm.P256)
    assert second.chain_file.read_bytes() == before


def test_an_expired_certificate_is_issued_again(tmp_path: Path) -> None:
    (credential,) = issue_fleet(SIGNER, names(1), tmp_path, lifetime=timedelta(seconds=1))
    while credential.is_from(SIGNER, KeyAlgorithm.P256):
        time.sleep(0.05)
    issue_fleet(SIGNER, names(1), tmp_path)
    assert credential.is_from(SIGNER, KeyAlgorithm.P256)


def test_a_name_may_look_like_another_devices_file(tmp_path: Path) -> None:
    looks = ["a", "a.key", "a.pem", "a.key.pem", "a.pem.key"]
    credentials = issue_fleet(SIGNER, looks, tmp_path)
    assert all(credential.is_from(SIGNER, KeyAlgorithm.P256) for credential in credentials)


@pytest.mark.parametrize(
    "wrong",
    [
        ["pump-1", "pump-2", "PUMP-1"],
        ["pump-1", "pump-1"],
        ["pump-1", ""],
        ["pump-1", "../pump-2"],
        ["pump-1", "pump 2"],
        ["pump-1", "pump-2."],
        ["pump-1", "p" * 65],
        ["pump-1", "pümp"],
        ["pump-1", "pump-2\n"],
    ],
)
def test_invalid_and_duplicate_ids_are_rejected_before_anything_is_written(tmp_path: Path, wrong: list[str]) -> None:
    with pytest.raises(Problem):
        issue_fleet(SIGNER, wrong, tmp_path / "devices")
    assert not (tmp_path / "devices").exists()


def test_a_colon_is_in_no_file_name_because_windows_has_none_there(tmp_path: Path) -> None:
    (credential,) = issue_fleet(SIGNER, ["line-1:pump-1"], tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"line-1%3Apump-1.pem", "line-1%3Apump-1.key"}
    assert describe(credential.certificate).common_name == "line-1:pump-1"


def test_a_fleet_may_be_empty(tmp_path: Path) -> None:
    assert issue_fleet(SIGNER, [], tmp_path) == []


SCRIPT = """
import sys
from pathlib import Path
from helpers.certificates import KeyAlgorithm, issue_fleet, load_authority

folder = Path(sys.argv[1])
authority = load_authority(folder / "ca.pem", folder / "ca.key")
ids = [f"pump-{number}" for number in range(int(sys.argv[2]))]
issue_fleet(authority, ids, folder / "devices", key_algorithm=KeyAlgorithm(sys.argv[3]), processes=2)
"""


# It has no `if __name__` guard, like many scripts, so no process may run it a second time.


def start(folder: Path, count: int, algorithm: KeyAlgorithm, **options: object) -> subprocess.Popen[str]:
    save_authority(SIGNER, folder / "ca.pem", folder / "ca.key")
    script = folder / "issue.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(folder), str(count), algorithm]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, process_group=0, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.unix
def test_a_run_that_was_killed_continues_where_it_stopped(tmp_path: Path) -> None:
    devices = tmp_path / "devices"
    with start(tmp_path, 400, KeyAlgorithm.RSA2048) as process:
        while not devices.exists() or len(list(devices.glob("*.pem"))) < 10:
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    done = {each.stem for each in devices.glob("*.pem")}
    assert 10 <= len(done) < 400
    before = contents(devices)
    wanted = [*sorted(done)[:5], "pump-new"]
    credentials = issue_fleet(SIGNER, wanted, devices, key_algorithm=KeyAlgorithm.RSA2048)
    for credential in credentials[:5]:
        assert credential.chain_file.read_bytes() == before[credential.chain_file.name]
    assert credentials[5].is_from(SIGNER, KeyAlgorithm.RSA2048)


@pytest.mark.unix
def test_an_interrupt_takes_effect_within_a_second_says_how_far_it_got_and_loses_no_file(tmp_path: Path) -> None:
    devices = tmp_path / "devices"
    with start(tmp_path, 400, KeyAlgorithm.RSA2048) as process:
        while not devices.exists() or len(list(devices.glob("*.pem"))) < 10:
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)  # like Ctrl-C in a terminal, which also reaches the helping processes
        began = time.monotonic()
        _, told = process.communicate()
    assert time.monotonic() - began < 8, (
        "a second, and more on a busy machine; the rest of the fleet takes half a minute"
    )
    found = re.search(
        r"^helpers\.problem\.Interrupted: (\d+) of 400 devices have their certificates; run it", told, re.M
    )
    assert found, told
    assert 0 <= int(found[1]) <= len(list(devices.glob("*.pem"))) < 400


class InterruptedPool(ThreadPoolExecutor):
    """An interrupt as soon as another process has been asked to help."""

    def submit(self, *arguments: Any, **options: Any) -> Any:
        super().submit(*arguments, **options)
        time.sleep(0.5)  # until the process has started
        raise KeyboardInterrupt


@pytest.mark.parametrize("where", ["while the others begin", "while the bar moves"])
def test_after_an_interrupt_at_any_moment_no_process_continues(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if where == "while the others begin":
        monkeypatch.setattr(fleet, "ThreadPoolExecutor", InterruptedPool)
    else:
        monkeypatch.setattr("tqdm.auto.tqdm", interrupted_bar())
    began = time.monotonic()
    with pytest.raises(Interrupted):
        issue_fleet(SIGNER, names(600), tmp_path, key_algorithm=KeyAlgorithm.RSA2048, processes=2)
    assert time.monotonic() - began < 12, "600 keys take half a minute"
    left = len(list(tmp_path.glob("*.key")))
    time.sleep(0.5)
    assert len(list(tmp_path.glob("*.key"))) == left


def interrupted_bar() -> type[tqdm]:
    class Bar(tqdm):  # type: ignore[type-arg]
        def update(self, n: float | None = 1) -> bool | None:
            super().update(n)
            if self.n > 20:
                raise KeyboardInterrupt
            return None

    return Bar


def test_the_progress_is_shown_and_removed_at_the_end(tmp_path: Path) -> None:
    with start(tmp_path, 30, KeyAlgorithm.RSA2048) as process:
        _, told = process.communicate()
    assert process.returncode == 0, told
    assert re.search(r"Certificates: +\d+%.* \d+/30", told)
    assert told.splitlines()[-1].strip() == ""


def test_a_short_run_shows_no_progress(tmp_path: Path) -> None:
    with start(tmp_path, 10, KeyAlgorithm.P256) as process:
        assert process.communicate()[1] == ""


def test_a_module_in_the_working_directory_is_not_run(tmp_path: Path) -> None:
    """A module called `pickle` or `helpers` there would receive the CA's key."""
    for trap in (
        "pickle.py",
        "helpers/__init__.py",
        "helpers/certificates/__init__.py",
        "helpers/certificates/fleet.py",
    ):
        (tmp_path / "here" / trap).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / trap).write_text(f"open({str(tmp_path / 'caught')!r}, 'w')\n")
    with start(tmp_path, 60, KeyAlgorithm.RSA2048, cwd=tmp_path / "here") as process:
        _, told = process.communicate()
    assert process.returncode == 0, told
    assert not (tmp_path / "caught").exists()


def test_a_process_that_can_not_write_raises_a_problem_in_the_caller(tmp_path: Path) -> None:
    """There is a folder where a device's key should go; any process that gets there raises a Problem."""
    (tmp_path / "pump-23.key").mkdir()
    with pytest.raises(Problem, match=r"pump-23\.key could not be written"):
        issue_fleet(SIGNER, names(24), tmp_path, key_algorithm=KeyAlgorithm.RSA2048, processes=3)
