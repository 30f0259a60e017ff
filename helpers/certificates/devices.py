"""A device's credential: its certificate chain and its private key, each in a file."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from helpers.certificates.authority import CertificateAuthority, DeviceCertificate
from helpers.certificates.describe import common_name, is_issued_by
from helpers.certificates.key_files import read_private_key, save_private_key
from helpers.certificates.keys import KeyAlgorithm, PrivateKey, key_name
from helpers.certificates.storage import certificate_pem, read_certificates
from helpers.files import PUBLIC, can_others_read, read_bytes, write_atomically
from helpers.problem import Problem

__all__ = ["DeviceCredential", "check_registration_id"]

_REGISTRATION_ID = r"[A-Za-z0-9._:-]{0,63}[A-Za-z0-9-]"


def check_registration_id(registration_id: str) -> str:
    """Return `registration_id` if DPS accepts it (concepts-service.md) and it fits into a common name (64 characters).

    Raises:
        Problem: it isn't valid.
    """
    if not re.fullmatch(_REGISTRATION_ID, registration_id):
        raise Problem(
            f"{registration_id!r} can't be a registration id.",
            "An id has up to 64 letters, digits and - . _ : and ends in a letter, a digit or a hyphen.",
            "Choose another name.",
        )
    return registration_id


@dataclass(frozen=True)
class DeviceCredential:
    """The files with which a device authenticates.

    Attributes:
        chain_file: PEM: the device's certificate, then each CA above it that the service does not have.
        key_file: PEM, mode 0600; not encrypted, because a device has no user to type a passphrase.
    """

    registration_id: str
    chain_file: Path
    key_file: Path

    @classmethod
    def in_folder(cls, folder: Path, registration_id: str) -> "DeviceCredential":
        """Return the credential of a device whose files share a folder with those of other devices.

        Raises:
            Problem: the registration id is invalid.
        """
        check_registration_id(registration_id)
        name = registration_id.replace(
            ":", "%3A"
        )  # Windows has no colon in a file's name, and macOS shows it as a slash
        return cls(registration_id, folder / f"{name}.pem", folder / f"{name}.key")

    def chain(self) -> tuple[x509.Certificate, ...]:
        """Return the certificates that the device sends in its TLS handshake, its own first."""
        return tuple(read_certificates(read_bytes(self.chain_file), self.chain_file.name))

    @property
    def private_key(self) -> PrivateKey:
        """The device's private key, read from its file."""
        return read_private_key(read_bytes(self.key_file), None, self.key_file.name)

    @property
    def certificate(self) -> x509.Certificate:
        """The device's own certificate."""
        return self.chain()[0]

    def save(self, device: DeviceCertificate) -> None:
        """Write both files: first the key, because a chain without its key is of no use.

        They are not flushed to the disk: a certificate that a power failure destroys can be issued again.
        """
        save_private_key(device.private_key, self.key_file, flush=False)
        write_atomically(self.chain_file, certificate_pem(*device.chain), mode=PUBLIC, flush=False)

    def is_from(self, authority: CertificateAuthority, key_algorithm: KeyAlgorithm) -> bool:
        """Return whether both files exist, are intact, and hold a key and a valid certificate from this CA.

        A key file that others may read does not count.
        """
        try:
            if can_others_read(self.key_file):
                return False
            leaf, *above = read_certificates(read_bytes(self.chain_file), self.chain_file.name)
            key = self.private_key
        except (Problem, OSError):
            return False
        return (
            tuple(above) == authority.above_devices
            and common_name(leaf) == self.registration_id
            and key_name(leaf) == key_algorithm
            and key.public_key() == leaf.public_key()
            and leaf.not_valid_before_utc <= datetime.now(UTC) <= leaf.not_valid_after_utc
            and is_issued_by(leaf, authority.certificate)
        )
