"""The values that one notebook stores for the next: CAs, the code, the proof, devices.

    code = walkthrough.stored("code") or walkthrough.store("code", …)

`stored` returns the value that an earlier run of the cell has stored, or None. If it is None, the expression after `or` creates
the value, and `store` stores it.
"""

from collections.abc import Callable
from typing import Any

from helpers.certificates import (
    CertificateAuthority,
    DeviceCertificate,
    DeviceCredential,
    KeyAlgorithm,
    VerificationCertificate,
    describe,
    export_certificate,
    read_certificates,
)
from helpers.files import make_private_folder, read_bytes
from helpers.lesson.course.journey import run_first
from helpers.notebook import Notebook
from helpers.workspace import Role, Workspace

__all__ = ["Memory"]

_MADE_IN = {
    "root": (Notebook.CREATE_CA, "This workspace holds no CA."),
    "intermediate": (Notebook.CREATE_CA, "This workspace holds no CA."),
    "code": (Notebook.SIGN_VERIFICATION_CODE, "No verification code is waiting in this workspace."),
    "proof": (Notebook.SIGN_VERIFICATION_CODE, "This workspace holds no verification certificate."),
}


class Memory:
    """The stored values of a workspace, by the names that the cells use."""

    def __init__(self, workspace: Workspace, passphrase: Callable[[], str | None]) -> None:
        """
        Args:
            passphrase: returns the passphrase that opens the CAs' keys and encrypts new ones; called when it is needed.
        """
        self._workspace = workspace
        self._passphrase = passphrase

    def stored(self, kind: str, name: str = "") -> Any:
        """Return a stored value, or None.

        Args:
            kind: root, intermediate, code, proof or device. name: the device's registration id.
        """
        match kind:
            case "root":
                return self._topmost()
            case "intermediate":
                return self._lowest()
            case "code":
                facts = self._workspace.facts
                return facts.used_code if facts.verified else facts.verification_code
            case "proof":
                return self._proof()
            case "device":
                return self._device(name)
        raise KeyError(kind)

    def needed(self, kind: str) -> Any:
        """Return a stored value.

        Raises:
            Problem: the value is not stored; the error names the notebook that stores it.
        """
        found = self.stored(kind)
        if found is None:
            raise run_first(*_MADE_IN[kind])
        return found

    def store(self, kind: str, value: Any) -> Any:
        """Store a value, and return it. For a device, return its files."""
        match kind, value:
            case (("root" | "intermediate"), CertificateAuthority()):
                self._store_authority(kind, value)
            case "code", str():
                self._workspace.delete_proof()  # the stored proof is for another code
                self._workspace.update(verification_code=value)
            case "proof", VerificationCertificate():
                make_private_folder(self._workspace.proof_file.parent)
                export_certificate(value.certificate, self._workspace.proof_file)
                export_certificate(value.certificate, self._workspace.proof_file.with_suffix(".cer"))
                self._workspace.delete_dropped()  # the signed certificate, if somebody else signed it
            case "device", DeviceCertificate():
                name = describe(value.certificate).common_name
                device = DeviceCredential.in_folder(make_private_folder(self._workspace.devices_folder), name)
                device.save(value)
                return device
            case _:
                raise TypeError(f"{type(value).__name__} can't be stored as {kind!r}.")
        return value

    def authority(self, role: Role) -> CertificateAuthority:
        """Return a stored CA with its key.

        Raises:
            Problem: no such CA is stored, or the passphrase is wrong or missing.
        """
        return self._workspace.authority(role, passphrase=self._passphrase())

    def _topmost(self) -> CertificateAuthority | None:
        """Return the root; if the user brought only an intermediate, whose root is elsewhere, return that one."""
        roles = self._workspace.authority_roles()
        return self.authority(roles[0]) if roles else None

    def _lowest(self) -> CertificateAuthority | None:
        role = self._workspace.signing_role()
        return self.authority(role) if role else None

    def _store_authority(self, kind: str, authority: CertificateAuthority) -> None:
        """Store a CA. A CA that is not self-signed is stored as the intermediate, even if it was given as the root."""
        role: Role = "root" if kind == "root" and describe(authority.certificate).is_self_signed else "intermediate"
        self._workspace.save_authority(role, authority, passphrase=self._passphrase())
        self._workspace.public_part(role)
        self._workspace.delete_dropped()  # the user's own CA is stored now, with its key encrypted if there is a passphrase

    def _proof(self) -> VerificationCertificate | None:
        file = self._workspace.proof_file
        if not file.exists():
            return None
        certificate, *_ = read_certificates(read_bytes(file), file.name)
        code = describe(certificate).common_name
        return VerificationCertificate(certificate, code) if code == self.stored("code") else None

    def _device(self, name: str) -> DeviceCredential | None:
        device = DeviceCredential.in_folder(self._workspace.devices_folder, name)
        lowest = self._lowest()
        return device if lowest and device.is_from(lowest, KeyAlgorithm.P256) else None
