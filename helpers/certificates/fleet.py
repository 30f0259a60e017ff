"""A fleet: many device certificates on all cores, each with a key of its own."""

import os
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tqdm.auto import tqdm

from helpers.certificates.authority import DEVICE_LIFETIME, CertificateAuthority
from helpers.certificates.devices import DeviceCredential
from helpers.certificates.keys import KeyAlgorithm
from helpers.certificates.storage import certificate_pem, read_private_key
from helpers.files import make_private_folder
from helpers.problem import Problem

__all__ = ["issue_fleet"]

_ALONE_SECONDS = 0.3  # another process needs about that long to start; and nobody sees a bar that is gone so soon


def issue_fleet(
    authority: CertificateAuthority,
    registration_ids: Sequence[str],
    folder: Path,
    *,
    key_algorithm: KeyAlgorithm = KeyAlgorithm.P256,
    lifetime: timedelta = DEVICE_LIFETIME,
    processes: int | None = None,
) -> list[DeviceCredential]:
    """A certificate and a key for each device, in files in `folder`; a progress bar moves meanwhile.

    What is there already and still good is kept, so that a run that was interrupted goes on where it was.

    Args:
        processes: at most so many work at the same time; as many as there are cores unless given.

    Raises:
        Problem: an id is bad or there twice (nothing is written then), the CA is not valid today, or a file can't be
            written.
    """
    credentials = _credentials(registration_ids, folder)
    make_private_folder(folder)
    missing = [each.registration_id for each in credentials if not each.is_from(authority, key_algorithm)]
    order = _Order(
        certificate_pem(authority.certificate, *authority.issuers),
        authority.private_key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        folder,
        key_algorithm,
        lifetime,
    )
    kept = len(credentials) - len(missing)
    with tqdm(total=len(credentials), initial=kept, desc="Certificates", unit="device", delay=_ALONE_SECONDS) as bar:
        for done in _issue_all(order, missing, processes or _cores()):
            bar.update(done)
    return credentials


@dataclass(frozen=True)
class _Order:
    """What every process must know; it goes to them through a pipe, and so the CA's key never lies in a file."""

    authority_pem: bytes
    key_der: bytes
    folder: Path
    key_algorithm: KeyAlgorithm
    lifetime: timedelta

    @property
    def together(self) -> int:
        """Devices between two moves of the bar: an RSA key takes as long as hundreds of others."""
        return 1 if self.key_algorithm.startswith("RSA") else 50


def _issue_all(order: _Order, registration_ids: Sequence[str], processes: int) -> Iterator[int]:
    """How many more there are, again and again. This process begins alone; if it takes long, others help."""
    starts = range(0, len(registration_ids), order.together)
    left = deque(registration_ids[start : start + order.together] for start in starts)
    begun = time.monotonic()
    while left and (processes == 1 or time.monotonic() - begun < _ALONE_SECONDS):
        yield _issue(order, left.popleft())
    if left:
        yield from _issue_together(order, left, processes - 1)


def _issue_together(order: _Order, left: deque[Sequence[str]], helpers: int) -> Iterator[int]:
    # Not forked: a notebook's kernel has threads, whose locks a forked process would inherit as they are.
    with ProcessPoolExecutor(helpers, get_context("spawn")) as pool:
        running: set[Future[int]] = set()
        try:
            while left or running:
                while left and len(running) < 2 * helpers:
                    running.add(pool.submit(_issue, order, left.popleft()))
                if left:
                    yield _issue(order, left.popleft())
                done, running = wait(running, 0 if left else None, FIRST_COMPLETED)
                for each in done:
                    yield each.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _issue(order: _Order, registration_ids: Sequence[str]) -> int:
    authority = _authority(order.authority_pem, order.key_der)
    devices = authority.issue_devices(registration_ids, key_algorithm=order.key_algorithm, lifetime=order.lifetime)
    for registration_id, device in zip(registration_ids, devices, strict=True):
        DeviceCredential.in_folder(order.folder, registration_id).save(device)
    return len(registration_ids)


@lru_cache(1)
def _authority(pem: bytes, key_der: bytes) -> CertificateAuthority:
    certificate, *issuers = x509.load_pem_x509_certificates(pem)
    return CertificateAuthority(certificate, read_private_key(key_der, None, "The CA's key"), tuple(issuers))


def _credentials(registration_ids: Sequence[str], folder: Path) -> list[DeviceCredential]:
    credentials = [DeviceCredential.in_folder(folder, each) for each in registration_ids]
    name, count = next(iter(Counter(each.casefold() for each in registration_ids).most_common(1)), ("", 0))
    if count > 1:
        raise Problem(
            f"“{name}” is there {count} times among the registration ids.",
            "DPS compares them without case, and each device needs one of its own.",
            "Give each device another id. Nothing was written.",
        )
    return credentials


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
