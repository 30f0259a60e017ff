"""Device certificates a second: beside a bare loop of the same library, on all cores, and beside OpenSSL's program."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from helpers.certificates import (
    CertificateAuthority,
    DeviceCredential,
    certificate_pem,
    issue_fleet,
    save_authority,
)
from tests.bench.report import Figure
from tests.bench.size import Size

__all__ = ["certificates", "fleet", "names"]

FLEETS = 3  # rounds of the longest measurement
FEW = 30  # for a program that takes a hundred times as long
_PEM, _PKCS8, _OPEN = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
_SETTINGS = """\
[req]
distinguished_name = name
[name]
[device]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


def certificates(authority: CertificateAuthority, folder: Path, size: Size) -> Iterator[Figure]:
    """Device certificates a second; files come and go in `folder`."""
    _check_alike(authority)
    yield from one_core(authority, folder, size)
    yield from all_cores(authority, folder, size)
    yield from beside_openssl(authority, folder, size)


def names(devices: int) -> list[str]:
    """Registration ids."""
    return [f"device-{number:06}" for number in range(devices)]


def fleet(
    authority: CertificateAuthority, devices: int, folder: Path, processes: int | None = None
) -> list[DeviceCredential]:
    """Files of that many devices, without the bar."""
    with redirect_stderr(StringIO()):
        return issue_fleet(authority, names(devices), folder, processes=processes)


# --- the loops ----------------------------------------------------------------------------------------------------------


def bare(authority: CertificateAuthority, registration_ids: Sequence[str]) -> tuple[bytes, bytes]:
    """Make the same certificates with the library alone; the parts that they have in common are built only once."""
    curve, algorithm, now, above = ec.SECP256R1(), hashes.SHA256(), datetime.now(UTC), authority.certificate
    key_usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    identifier = above.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    template = (
        x509.CertificateBuilder()
        .issuer_name(above.subject)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    )
    above_pem, signer = above.public_bytes(_PEM), authority.private_key
    for registration_id in registration_ids:
        key = ec.generate_private_key(curve)
        public_key = key.public_key()
        certificate = (
            template.subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, registration_id)]))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .sign(signer, algorithm)
        )
        chain_pem, key_pem = certificate.public_bytes(_PEM) + above_pem, key.private_bytes(_PEM, _PKCS8, _OPEN)
    return chain_pem, key_pem


def in_memory(authority: CertificateAuthority, registration_ids: Sequence[str]) -> tuple[bytes, bytes]:
    """Make the certificates with the helpers, without files."""
    for device in authority.issue_devices(registration_ids):
        chain_pem, key_pem = certificate_pem(*device.chain), device.private_key.private_bytes(_PEM, _PKCS8, _OPEN)
    return chain_pem, key_pem


def by_openssl(authority: CertificateAuthority, registration_ids: Sequence[str], folder: Path) -> None:
    """Make the certificates with OpenSSL's program, started once per device: since OpenSSL 3, `req` creates the key and signs
    with a CA in one step."""
    settings, ca, ca_key = folder / "openssl.cnf", folder / "ca.pem", folder / "ca.key"
    settings.write_text(_SETTINGS)
    save_authority(authority, ca, ca_key)
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
    signed = ("-x509", "-CA", ca, "-CAkey", ca_key, "-days", "365", "-config", settings, "-extensions", "device")
    for registration_id in registration_ids:
        files = ("-keyout", folder / f"{registration_id}.key", "-out", folder / f"{registration_id}.pem")
        command = ("openssl", "req", *new_key, *signed, "-subj", f"/CN={registration_id}", *files)
        subprocess.run(command, check=True, capture_output=True)


def _check_alike(authority: CertificateAuthority) -> None:
    """Check that the bare loop makes the same certificates, so that its speed can be compared."""
    ours, theirs = (x509.load_pem_x509_certificates(loop(authority, ["d"])[0]) for loop in (in_memory, bare))
    assert ours[1:] == theirs[1:]
    for mine, other in zip(ours[0].extensions, theirs[0].extensions, strict=True):
        is_own = isinstance(mine.value, x509.SubjectKeyIdentifier)
        assert (mine.oid, mine.critical) == (other.oid, other.critical)
        assert is_own or mine.value == other.value
    assert len(ours[0].tbs_certificate_bytes) == len(theirs[0].tbs_certificate_bytes)


# --- the figures --------------------------------------------------------------------------------------------------------


def one_core(authority: CertificateAuthority, folder: Path, size: Size) -> Iterator[Figure]:
    """In memory and with files, beside the bare loop."""
    ids = names(size.certificates)
    rounds = [
        (
            _seconds(lambda: bare(authority, ids)),
            _seconds(lambda: in_memory(authority, ids)),
            _fleet_seconds(authority, size.certificates, folder, 1),
        )
        for _ in range(2 * size.rounds - 1)
    ]
    bares, kept, written = ([size.certificates / seconds for seconds in times] for times in zip(*rounds, strict=True))
    loop = "a bare loop of the library"
    yield Figure("certificates in memory", "/s", kept, loop, bares, True, goal=0.85, goal_of_ratio=True)
    yield Figure("certificates with files", "/s", written, loop, bares, True, goal=0.45, goal_of_ratio=True)


def all_cores(authority: CertificateAuthority, folder: Path, size: Size) -> Iterator[Figure]:
    """A large fleet with one process and on all cores, beside the capacity of the machine."""
    cores, fleet_size = len(os.sched_getaffinity(0)), size.many_certificates
    rounds = [
        (_fleet_seconds(authority, fleet_size, folder, 1), _fleet_seconds(authority, fleet_size, folder, None))
        for _ in range(min(size.rounds, FLEETS))
    ]
    alone, together = ([fleet_size / seconds for seconds in times] for times in zip(*rounds, strict=True))
    what = f"certificates with files on {cores} cores, a fleet of {fleet_size:,}"
    yield Figure(what, "/s", together, "on one core", alone, True, goal=0.85 * cores, goal_of_ratio=True)


def beside_openssl(authority: CertificateAuthority, folder: Path, size: Size) -> Iterator[Figure]:
    """Files of a few devices by its program, and of many by the helpers, in turn."""
    rounds = [
        (
            size.certificates / _fleet_seconds(authority, size.certificates, folder, 1),
            FEW / _openssl_seconds(authority, folder),
        )
        for _ in range(min(size.rounds, FLEETS))
    ]
    ours, theirs = zip(*rounds, strict=True)
    yield Figure("certificates with files, again", "/s", ours, "`openssl req`, once a device", theirs, True)


def _openssl_seconds(authority: CertificateAuthority, folder: Path) -> float:
    with TemporaryDirectory(dir=folder) as place:
        return _seconds(lambda: by_openssl(authority, names(FEW), Path(place)))


def _fleet_seconds(authority: CertificateAuthority, devices: int, folder: Path, processes: int | None) -> float:
    with TemporaryDirectory(dir=folder) as place:
        return _seconds(lambda: fleet(authority, devices, Path(place), processes))


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
