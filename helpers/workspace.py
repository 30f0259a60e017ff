"""What one walkthrough keeps on disk: one JSON file of facts, and the certificates and keys beside it.

workspace.json            the facts, schema version 1; written whole or not at all
ca/root.pem, .cer         a CA's public part (the .pem holds its issuers, too); intermediate likewise
ca/root.key.pem           its private key, mode 0600
proof/verification.pem    the verification certificate, and .cer
devices/                  each device's chain (.pem) and its private key (.key, mode 0600)
dropped/                  files of one's own CA that were dropped on a form, mode 0600, until the CA is kept
local-dps/                the local DPS of this workspace: connection file, state, log
executed/                 the copies and the index of a headless run
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

from cryptography import x509
from pydantic import BaseModel, ConfigDict, ValidationError

from helpers.certificates import (
    CertificateAuthority,
    describe,
    export_certificate,
    is_encrypted,
    load_authority,
    read_certificates,
    save_authority,
)
from helpers.files import PRIVATE, make_private_folder, read_bytes, write_atomically
from helpers.problem import Problem

__all__ = [
    "PASSPHRASE_VARIABLE",
    "Facts",
    "Role",
    "Target",
    "Workspace",
    "is_workspace",
    "opening_passphrase",
    "remove_workspace",
]

Role: TypeAlias = Literal["root", "intermediate"]
Target: TypeAlias = Literal["local", "azure", "portal"]
PASSPHRASE_VARIABLE = "CA_PASSPHRASE"  # noqa: S105 - its name
_FILE = "workspace.json"
_SCRATCH = f".{_FILE}.*"  # what a writer that was killed leaves behind
_FILE_NAME = re.compile(r"\w[\w .()+@-]{0,99}")
_CONTENTS = (
    "ca",
    "proof",
    "devices",
    "dropped",
    "local-dps",
    "executed",
    ".lock",
    _FILE,
)  # the file last: while it is there, this is a workspace


class Facts(BaseModel):
    """What the notebooks tell one another. Nothing in it is secret.

    Attributes:
        registered_role: which of the CAs is registered with DPS, under `certificate_name`.
        etags: the certificate's ETags so far, newest last, each with the step that brought it.
        verification_code: the code that is waiting to be signed; None once it is used. used_code: the one that was used.
        revoked_device, next_certificate_name: what 07 has made at DPS and not removed yet.
        allocation_policy: of the group that a person has created in the portal; elsewhere the service tells.
        done_in_portal: the steps that a person says to have done there.
        choices: what was chosen in a form and is offered again in a later one, by the field's name.
        outcomes: by notebook, what its steps have seen happen since it was begun; its checkpoint judges them.
        reached: the notebooks whose checkpoints have been reached.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    target: Target | None = None
    subscription_id: str = ""
    resource_group: str = ""
    provisioning_service: str = ""
    id_scope: str = ""
    registered_role: Role | None = None
    certificate_name: str | None = None
    etags: tuple[tuple[str, str], ...] = ()
    verification_code: str | None = None
    used_code: str | None = None
    verified: bool = False
    enrollment_group_id: str | None = None
    allocation_policy: str | None = None
    revoked_device: str | None = None
    next_certificate_name: str | None = None
    done_in_portal: tuple[str, ...] = ()
    choices: dict[str, Any] = {}
    outcomes: dict[str, dict[str, Any]] = {}
    reached: tuple[str, ...] = ()


class Workspace:
    """One folder, one walkthrough."""

    def __init__(self, folder: str | Path) -> None:
        """Open the folder, or create it for its owner alone.

        Raises:
            Problem: it can't be created, holds something else, or its file of facts is damaged.
        """
        self.folder = make_private_folder(Path(folder).resolve())
        self._file = self.folder / _FILE
        if not self._file.exists():
            _require_empty(self.folder)
            self._write(Facts())
        self.facts  # noqa: B018 - a damaged file is found now and not half-way

    def __repr__(self) -> str:
        return f"Workspace({self.folder.name!r})"

    @property
    def facts(self) -> Facts:
        """The facts as they are on disk now: another notebook may have written them."""
        try:
            return Facts.model_validate_json(read_bytes(self._file))
        except ValidationError as error:
            raise Problem(
                f"{self._file} is damaged.",
                "It is not the JSON that these notebooks write: it was cut off, edited, or made by another version.",
                "Your certificates and keys beside it are untouched. Mend the file, or set it aside and start again from "
                "00_start_here; `python -m helpers reset` removes the whole workspace.",
            ) from error

    def update(self, **changes: Any) -> Facts:
        """Change some facts; the others stay, even if another notebook changes them at the same time."""
        with self._locked():
            facts = Facts.model_validate({**self.facts.model_dump(), **changes})
            self._write(facts)
        return facts

    def reach(self, notebook: str) -> None:
        """Note that a notebook's checkpoint has been reached; two that run side by side may do so at the same moment."""
        with self._locked():
            facts = self.facts
            if notebook not in facts.reached:
                self._write(facts.model_copy(update={"reached": (*facts.reached, notebook)}))

    def outcomes(self, notebook: str) -> dict[str, Any]:
        """What a notebook's steps have seen happen since it was begun, by name; values of JSON."""
        return self.facts.outcomes.get(notebook, {})

    def note(self, notebook: str, **outcomes: Any) -> None:
        """Note what a notebook's step has seen happen, beside what its other steps have seen."""
        with self._locked():
            facts = self.facts
            noted = {**facts.outcomes.get(notebook, {}), **outcomes}
            self._write(facts.model_copy(update={"outcomes": {**facts.outcomes, notebook: noted}}))

    def forget_outcomes(self, notebook: str) -> None:
        """Forget what a notebook's steps have seen: it begins again."""
        with self._locked():
            facts = self.facts
            others = {name: noted for name, noted in facts.outcomes.items() if name != notebook}
            self._write(facts.model_copy(update={"outcomes": others}))

    # --- certificate authorities ---

    def authority_roles(self) -> list[Role]:
        """The CAs whose keys are kept here, topmost first."""
        roles: tuple[Role, ...] = ("root", "intermediate")
        return [role for role in roles if self._ca(role, ".pem").exists() and self._ca(role, ".key.pem").exists()]

    def save_authority(self, role: Role, authority: CertificateAuthority, *, passphrase: str | None = None) -> None:
        """Keep a CA: its key at 0600, its public part as .pem and .cer. Another CA in its place is an error."""
        make_private_folder(self.folder / "ca")
        save_authority(authority, self._ca(role, ".pem"), self._ca(role, ".key.pem"), passphrase=passphrase)
        export_certificate(authority.certificate, self._ca(role, ".cer"))

    def authority(self, role: Role, *, passphrase: str | None = None) -> CertificateAuthority:
        """A CA with its key.

        Args:
            passphrase: of an encrypted key; the environment's CA_PASSPHRASE unless given.

        Raises:
            Problem: it is not there (run 01_create_ca first), or the passphrase is wrong or missing.
        """
        if role not in self.authority_roles():
            kept = " and ".join(self.authority_roles())
            raise Problem(
                f"This workspace holds no {role} CA with its key.",
                f"It holds: {kept}." if kept else "No CA has been created here yet.",
                f"Choose {kept}." if kept else "Run the notebook 01_create_ca first.",
            )
        key = self._ca(role, ".key.pem")
        return load_authority(self._ca(role, ".pem"), key, passphrase=opening_passphrase(key, passphrase) or passphrase)

    def authority_certificate(self, role: Role) -> x509.Certificate:
        """A CA's certificate, for which its key need not be opened."""
        certificate, *_ = read_certificates(read_bytes(self._ca(role, ".pem")), f"{role}.pem")
        return certificate

    def signing_role(self) -> Role | None:
        """Return the CA that issues the devices' certificates, or None while it is not stored.

        It is the intermediate, or a root below which no CA is allowed (path length 0).
        """
        roles = self.authority_roles()
        if not roles or roles[-1] == "intermediate":
            return roles[-1] if roles else None
        return "root" if describe(self.authority_certificate("root")).path_length == 0 else None

    def public_part(self, role: Role) -> Path:
        """The .cer of a CA that is kept here: its certificate alone, which may leave this machine."""
        file = self._ca(role, ".cer")
        if not file.exists():  # a run that was interrupted before its last file
            export_certificate(self.authority_certificate(role), file)
        return file

    def delete_proof(self) -> None:
        """Delete the verification certificate: its code is used up."""
        for ending in (".pem", ".cer"):
            self.proof_file.with_suffix(ending).unlink(missing_ok=True)

    def delete_certificates(self) -> list[str]:
        """Delete every CA, key and proof kept here; returns the files' names."""
        deleted = []
        for folder in (self.folder / "ca", self.folder / "dropped", self.proof_file.parent, self.devices_folder):
            if folder.is_symlink():  # what it leads to is not this workspace's
                folder.unlink()
                continue
            for file in sorted(each for each in folder.rglob("*") if each.is_file() or each.is_symlink()):
                file.unlink()
                deleted.append(file.name)
        return deleted

    def _ca(self, role: Role, ending: str) -> Path:
        return self.folder / "ca" / f"{role}{ending}"

    def keep_dropped(self, field: str, name: str, content: bytes) -> Path:
        """Keep a file that was dropped on a form's field, for the owner alone; another one for the field replaces it."""
        folder = make_private_folder(self.folder / "dropped" / field)
        bare = re.split(r"[/\\]", name)[-1]
        file = folder / (bare if _FILE_NAME.fullmatch(bare) else "file")
        write_atomically(file, content, mode=PRIVATE)
        for earlier in folder.iterdir():
            if earlier != file:
                earlier.unlink()
        return file

    def delete_dropped(self) -> None:
        """Delete the files that were dropped on a form, a private key among them."""
        shutil.rmtree(self.folder / "dropped", ignore_errors=True)

    # --- the proof ---

    @property
    def proof_file(self) -> Path:
        """The verification certificate as PEM; its .cer stands beside it."""
        return self.folder / "proof" / "verification.pem"

    # --- devices ---

    @property
    def devices_folder(self) -> Path:
        """Where each device's chain and key are kept."""
        return self.folder / "devices"

    # --- the local DPS of this workspace ---

    @property
    def local_dps_folder(self) -> Path:
        """Where the local DPS of this workspace keeps its connection file, state and log."""
        return self.folder / "local-dps"

    # --- inside ---

    def _write(self, facts: Facts) -> None:
        write_atomically(self._file, facts.model_dump_json(indent=2).encode(), mode=PRIVATE)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time; the lock goes with the process, however that ends."""
        try:
            descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, PRIVATE)
        except OSError as error:
            raise Problem(
                f"The workspace {self.folder} can't be written.",
                f"The system says: {error.strerror}.",
                "Check that the disk is not full or read-only. Nothing was changed.",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def opening_passphrase(private_key_file: Path, given: str | None) -> str | None:
    """The passphrase that opens a private key: the one given, or else the environment's CA_PASSPHRASE.

    None for a key that is not encrypted.

    Raises:
        Problem: the key is encrypted and there is no passphrase.
    """
    if not is_encrypted(read_bytes(private_key_file)):
        return None
    passphrase = given or os.environ.get(PASSPHRASE_VARIABLE)
    if not passphrase:
        raise Problem(
            f"{private_key_file.name} could not be opened.",
            "The key is encrypted and no passphrase was given. No passphrase is stored, so each notebook asks for it.",
            f"In a notebook, type it into the form's field “Passphrase”, then run the cell again; "
            f"elsewhere, set {PASSPHRASE_VARIABLE} in the environment.",
        )
    return passphrase


def is_workspace(folder: Path) -> bool:
    """Whether a workspace is there, or what is left of one whose writer was killed before it had written its facts."""
    return (folder / _FILE).exists() or any(folder.glob(_SCRATCH))


def remove_workspace(folder: Path) -> None:
    """Remove all that these notebooks make, keys included, even if the file of facts is damaged.

    Whatever else lies in the folder stays, and the folder with it.

    Raises:
        Problem: it is not a workspace; nothing is touched then.
    """
    if not (folder / _FILE).exists():
        _require_empty(folder)
    for path in (*folder.glob(_SCRATCH), *(folder / name for name in _CONTENTS)):
        if path.is_dir() and not path.is_symlink():  # what a link leads to is not this workspace's
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


def _require_empty(folder: Path) -> None:
    if any(not each.match(_SCRATCH) for each in folder.iterdir()):
        raise Problem(
            f"{folder} is not a workspace.",
            f"Something else lies in it, and no {_FILE}.",
            "Choose an empty folder, or one that is not there yet (--workspace on the command line).",
        )
