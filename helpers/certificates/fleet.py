"""Issue certificates to a fleet of devices, each with its own key, on all cores."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from helpers.certificates.authority import DEVICE_LIFETIME, CertificateAuthority
from helpers.certificates.devices import DeviceCredential
from helpers.certificates.key_files import read_private_key
from helpers.certificates.keys import KeyAlgorithm
from helpers.certificates.storage import certificate_pem
from helpers.files import make_private_folder
from helpers.problem import Interrupted, Problem

__all__ = ["issue_fleet", "serve"]

_Credentials: TypeAlias = Sequence[DeviceCredential]
# Another process needs about this long to start, and a shorter progress bar would only flicker.
_SINGLE_PROCESS_SECONDS = 0.3


def issue_fleet(
    authority: CertificateAuthority,
    registration_ids: Sequence[str],
    folder: Path,
    *,
    key_algorithm: KeyAlgorithm = KeyAlgorithm.P256,
    lifetime: timedelta = DEVICE_LIFETIME,
    processes: int | None = None,
) -> list[DeviceCredential]:
    """Issue a certificate and a key to each device, in files in `folder`, and show a progress bar.

    Existing files that are still valid stay, so the same call continues after an interruption.

    Args:
        processes: the number of processes that work at the same time; by default, the number of cores.

    Raises:
        Problem: an id is invalid or occurs twice (then no file is written), or the CA is not valid today, or a file can't
            be written.
        Interrupted: the user interrupted the call.
    """
    from tqdm.auto import tqdm  # imported here because it imports the notebook's widgets

    credentials = _credentials(registration_ids, folder)
    make_private_folder(folder)
    missing = [each for each in credentials if not each.is_from(authority, key_algorithm)]
    order = _Order(
        certificate_pem(authority.certificate, *authority.issuers),
        authority.private_key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        key_algorithm,
        lifetime,
    )
    with tqdm(
        total=len(credentials),
        initial=len(credentials) - len(missing),
        desc="Certificates",
        unit="device",
        delay=_SINGLE_PROCESS_SECONDS,
        leave=False,
    ) as bar:
        try:
            with closing(_issue_all(order, missing, processes or _cores())) as progress:
                for done in progress:
                    bar.update(done)
        except KeyboardInterrupt:
            raise Interrupted(f"{bar.n} of {len(credentials)} devices have their certificates") from None
    return credentials


@dataclass(frozen=True)
class _Order:
    """The parameters for every process. They are sent through a pipe, so that the CA's key is never in a file."""

    authority_pem: bytes
    key_der: bytes
    key_algorithm: KeyAlgorithm
    lifetime: timedelta

    @property
    def batch_size(self) -> int:
        """The number of devices between two updates of the bar: an RSA key takes as long as hundreds of others."""
        return 1 if self.key_algorithm.startswith("RSA") else 50


def _issue_all(order: _Order, credentials: _Credentials, processes: int) -> Generator[int, None, None]:
    """Issue all certificates, and yield the size of each batch when it is done. If it takes long, other processes help."""
    starts = range(0, len(credentials), order.batch_size)
    left = deque(credentials[start : start + order.batch_size] for start in starts)
    begun = time.monotonic()
    while left and (processes == 1 or time.monotonic() - begun < _SINGLE_PROCESS_SECONDS):
        yield _issue(order, left.popleft())
    if left:
        yield from _issue_together(order, left, processes - 1)


def _issue_together(order: _Order, left: deque[_Credentials], helpers: int) -> Iterator[int]:
    told: SimpleQueue[int] = SimpleQueue()
    processes: list[subprocess.Popen[bytes]] = []
    with ThreadPoolExecutor(helpers) as threads:
        try:
            driven = [threads.submit(_have_issued, order, left, told, processes) for _ in range(helpers)]
            while some := _next(left):
                yield _issue(order, some)
                yield from _waiting(told)
            for each in driven:
                each.result()
            yield from _waiting(told)
        except (KeyboardInterrupt, GeneratorExit):
            left.clear()  # first, so that a thread that has not started yet does not continue with the rest
            for process in processes:  # files are written atomically, so killing a process leaves no half-written one
                process.kill()
            raise
        finally:
            left.clear()  # after an error, each process finishes only its present batch


def _have_issued(
    order: _Order,
    left: deque[_Credentials],
    told: "SimpleQueue[int]",
    processes: "list[subprocess.Popen[bytes]]",
) -> None:
    """Start another process, add it to `processes`, and give it batches until none is left.

    A pool of `multiprocessing` would not work: a process forked from a notebook's kernel inherits locks that other threads
    hold, and a spawned one runs the caller's script again.
    """
    # -P: import nothing from the working directory, where another `helpers` would receive the CA's key.
    command = [sys.executable, "-P", "-c", f"from {__name__} import serve; serve()"]
    places = [str(Path(__file__).parents[2]), *filter(None, sys.path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment) as process:  # noqa: S603 - a fixed command
        assert process.stdin
        assert process.stdout
        processes.append(process)
        try:
            pickle.dump(order, process.stdin)
            while some := _next(left):
                pickle.dump(some, process.stdin)
                process.stdin.flush()
                outcome = pickle.load(process.stdout)  # noqa: S301 - from the process started above
                if isinstance(outcome, Exception):
                    raise outcome
                told.put(outcome)
            process.stdin.close()
        except (EOFError, BrokenPipeError) as error:
            raise Problem(
                "A process that was issuing certificates ended too early.",
                "It was killed, or the machine has run out of memory.",
                "Run this again: the certificates issued so far are stored, so it continues from there.",
            ) from error


def serve() -> None:
    """Run the other process: for each batch of devices on standard input, issue certificates and write their number."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one handles Ctrl-C and ends this one
    order = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
    with suppress(EOFError):
        while True:
            some = pickle.load(sys.stdin.buffer)  # noqa: S301
            try:
                outcome: int | Exception = _issue(order, some)
            except Exception as error:
                outcome = error
            pickle.dump(outcome, sys.stdout.buffer)
            sys.stdout.flush()


def _next(left: deque[_Credentials]) -> _Credentials:
    try:
        return left.popleft()
    except IndexError:
        return ()


def _waiting(told: "SimpleQueue[int]") -> Iterator[int]:
    while not told.empty():
        yield told.get()


def _issue(order: _Order, credentials: _Credentials) -> int:
    authority = _authority(order.authority_pem, order.key_der)
    names = [each.registration_id for each in credentials]
    devices = authority.issue_devices(names, key_algorithm=order.key_algorithm, lifetime=order.lifetime)
    for credential, device in zip(credentials, devices, strict=True):
        credential.save(device)
    return len(credentials)


@lru_cache(1)
def _authority(pem: bytes, key_der: bytes) -> CertificateAuthority:
    certificate, *issuers = x509.load_pem_x509_certificates(pem)
    return CertificateAuthority(certificate, read_private_key(key_der, None, "The CA's key"), tuple(issuers))


def _credentials(registration_ids: Sequence[str], folder: Path) -> list[DeviceCredential]:
    credentials = [DeviceCredential.in_folder(folder, each) for each in registration_ids]
    name, count = next(iter(Counter(each.casefold() for each in registration_ids).most_common(1)), ("", 0))
    if count > 1:
        raise Problem(
            f"The registration id “{name}” occurs {count} times.",
            "Each device needs its own id, and DPS ignores case when it compares ids.",
            "Choose a different id for each device. No file was written.",
        )
    return credentials


def _cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
