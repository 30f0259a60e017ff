"""The workspace: the folder in which one walkthrough stores its facts (a JSON file), its certificates and its keys.

workspace.json            the facts, schema version 1; written atomically
ca/root.pem, .cer         the root CA's certificate (the .pem also holds its issuers); likewise for the intermediate
ca/root.key.pem           the root CA's private key, mode 0600
proof/verification.pem    the verification certificate, also as .cer
proof/request.csr         the request for it, if somebody else signs
completion/               the certificate of completion, as .pem with its CAs and as a printable .svg
devices/                  each device's chain (.pem) and its private key (.key, mode 0600)
dropped/                  files of your own CA that you dropped on a form, mode 0600, until the CA is stored in ca/
local-dps/                the local DPS of this workspace: connection file, state, log
executed/                 the executed copies and the index of a headless run
"""

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
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
from helpers.files import PRIVATE, file_lock, make_private_folder, read_bytes, remove_folder, write_atomically
from helpers.notebook import Notebook
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
PASSPHRASE_VARIABLE = "CA_PASSPHRASE"  # noqa: S105 - the variable's name, not a passphrase
_FILE = "workspace.json"
_SCRATCH = f".{_FILE}.*"  # files that a writer leaves behind if it is killed
_FILE_NAME = re.compile(r"\w[\w .()+@-]{0,99}")
_CONTENTS = (
    "ca",
    "proof",
    "completion",
    "devices",
    "dropped",
    "local-dps",
    "executed",
    ".lock",
    _FILE,
)  # the file comes last: as long as it exists, the folder still counts as a workspace


class Facts(BaseModel):
    """The facts that one notebook notes for the next. None of them is secret.

    Attributes:
        registered_role: which of the CAs is registered with DPS, under `certificate_name`.
        etags: the certificate's ETags so far, newest last, each with the step that returned it.
        verification_code: the code that is still to be signed; None once it has been used. used_code: the code that was
            used.
        revoked_device: the device for which 07 created an individual enrollment; None once that is removed.
        next_certificate_name: the name under which 07 registered the next CA; None once that is removed.
        allocation_policy, iot_hubs, webhook_url: of the group that the user created in the portal; with other targets, the
            service returns them. The URL is without the key.
        done_in_portal: the steps that the user has confirmed to have done in the portal.
        rehearsed: 07 has registered the CA and created the group at a local DPS, because the target is portal.
        added_services: the services that experiments have added to the local DPS and not yet removed.
        choices: the user's choices in a form, by the field's name; a later form offers them again.
        outcomes: by notebook, the results of its steps since it was last started; its checkpoint checks them.
        exhibit_seed: decides the order of the exhibits in 08; "" until that notebook has run.
        reached: the notebooks whose checkpoints have been reached.
        solved: the notebooks whose exercises have been solved. attempts: how often a learner has tried an exercise, by
            notebook.
        predictions: by prediction, the choice that the learner made before the outcome, and what happened.
        recalled: by notebook, the questions that it asked last at its beginning.
        has_own_ca: the user's own CA was stored in 01, so its CAs are not only for this course.
        test_questions: the questions of the last final test. final_test: the best score so far, and how often the test was
            finished.
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
    iot_hubs: tuple[str, ...] = ()
    webhook_url: str = ""
    revoked_device: str | None = None
    next_certificate_name: str | None = None
    done_in_portal: tuple[str, ...] = ()
    rehearsed: bool = False
    added_services: tuple[str, ...] = ()
    choices: dict[str, Any] = {}
    outcomes: dict[str, dict[str, Any]] = {}
    exhibit_seed: str = ""
    reached: tuple[str, ...] = ()
    solved: tuple[str, ...] = ()
    attempts: dict[str, int] = {}
    predictions: dict[str, tuple[str, str]] = {}
    recalled: dict[str, tuple[str, ...]] = {}
    has_own_ca: bool = False
    test_questions: tuple[str, ...] = ()
    final_test: tuple[int, int] = (0, 0)


class Workspace:
    """The folder of one walkthrough."""

    def __init__(self, folder: str | Path) -> None:
        """Open the folder, or create it so that only its owner may enter it.

        Raises:
            Problem: the folder can't be created, it holds other files but no workspace, or its file of facts is damaged.
        """
        self.folder = make_private_folder(Path(folder).resolve())
        self._file = self.folder / _FILE
        if not self._file.exists():
            _require_empty(self.folder)
            self._write(Facts())
        self.facts  # noqa: B018 - find a damaged file now, not half-way through a notebook

    def __repr__(self) -> str:
        return f"Workspace({self.folder.name!r})"

    @property
    def facts(self) -> Facts:
        """The facts as they are on disk now; another notebook may have changed them."""
        try:
            return Facts.model_validate_json(read_bytes(self._file))
        except ValidationError as error:
            raise Problem(
                f"{self._file} is damaged.",
                "It is not the JSON that these notebooks write: it was cut off, edited, or written by another version.",
                "Your certificates and keys beside it are untouched. Fix the file, or move it elsewhere and start again "
                f"from {Notebook.START_HERE}. `python -m helpers reset` removes the whole workspace.",
            ) from error

    def update(self, **changes: Any) -> Facts:
        """Change some facts; leave the others as they are, even if another notebook changes them at the same time."""
        return self._change(lambda _facts: changes)

    def reach(self, notebook: str) -> None:
        """Note that a notebook's checkpoint has been reached. Two notebooks may do so at the same moment."""
        self._change(lambda facts: {"reached": tuple(dict.fromkeys((*facts.reached, notebook)))})

    def solve(self, notebook: str) -> None:
        """Note that a notebook's exercise has been solved."""
        self._change(lambda facts: {"solved": tuple(dict.fromkeys((*facts.solved, notebook)))})

    def attempt(self, notebook: str) -> int:
        """Count an attempt at a notebook's exercise, and return how many there have been."""
        facts = self._change(
            lambda facts: {"attempts": {**facts.attempts, notebook: facts.attempts.get(notebook, 0) + 1}}
        )
        return facts.attempts[notebook]

    def predict(self, prediction: str, predicted: str, happened: str) -> None:
        """Note what the learner predicted of an experiment, and what happened."""
        self._change(lambda facts: {"predictions": {**facts.predictions, prediction: (predicted, happened)}})

    def recall(self, notebook: str, questions: tuple[str, ...]) -> None:
        """Note the questions that a notebook asks at its beginning."""
        self._change(lambda facts: {"recalled": {**facts.recalled, notebook: questions}})

    def finish_test(self, score: int) -> tuple[int, int]:
        """Note the score of the final test, and return the best score and how often the test has been finished."""
        return self._change(
            lambda facts: {"final_test": (max(score, facts.final_test[0]), facts.final_test[1] + 1)}
        ).final_test

    def add_service(self, name: str) -> None:
        """Note a service that an experiment adds to the local DPS. Two notebooks may do so at the same moment."""
        with self._locked():
            facts = self.facts
            if name not in facts.added_services:
                self._write(facts.model_copy(update={"added_services": (*facts.added_services, name)}))

    def forget_service(self, name: str) -> None:
        """Forget an added service, because it has been removed."""
        with self._locked():
            facts = self.facts
            others = tuple(each for each in facts.added_services if each != name)
            self._write(facts.model_copy(update={"added_services": others}))

    def outcomes(self, notebook: str) -> dict[str, Any]:
        """Return the results of a notebook's steps since it was last started, by name; the values are JSON values."""
        return self.facts.outcomes.get(notebook, {})

    def note(self, notebook: str, **outcomes: Any) -> None:
        """Note results of a notebook's step; those of its other steps stay."""
        self._change(
            lambda facts: {"outcomes": {**facts.outcomes, notebook: {**facts.outcomes.get(notebook, {}), **outcomes}}}
        )

    def forget_outcomes(self, notebook: str) -> None:
        """Delete the results of a notebook's steps, because it starts again."""
        self._change(
            lambda facts: {"outcomes": {name: each for name, each in facts.outcomes.items() if name != notebook}}
        )

    def exhibit_seed(self) -> str:
        """Return the seed for the order of the exhibits, which stays the same in this workspace."""
        facts = self._change(lambda facts: {"exhibit_seed": facts.exhibit_seed or secrets.token_hex(8)})
        return facts.exhibit_seed

    # --- certificate authorities ---

    def authority_roles(self) -> list[Role]:
        """Return the roles of the CAs whose certificate and key are stored here, the root first."""
        roles: tuple[Role, ...] = ("root", "intermediate")
        return [role for role in roles if self._ca(role, ".pem").exists() and self._ca(role, ".key.pem").exists()]

    def save_authority(self, role: Role, authority: CertificateAuthority, *, passphrase: str | None = None) -> None:
        """Store a CA: its key with mode 0600, its certificate as .pem and .cer.

        Raises:
            Problem: another CA is stored under this role.
        """
        make_private_folder(self.folder / "ca")
        save_authority(authority, self._ca(role, ".pem"), self._ca(role, ".key.pem"), passphrase=passphrase)
        export_certificate(authority.certificate, self._ca(role, ".cer"))

    def authority(self, role: Role, *, passphrase: str | None = None) -> CertificateAuthority:
        """Return a stored CA with its key.

        Args:
            passphrase: of an encrypted key; by default, the value of the environment variable CA_PASSPHRASE.

        Raises:
            Problem: no such CA is stored (run 01_create_ca first), or the passphrase is wrong or missing.
        """
        if role not in self.authority_roles():
            stored = " and ".join(self.authority_roles())
            raise Problem(
                f"This workspace holds no {role} CA with its key.",
                f"It holds: {stored}." if stored else "No CA has been created here yet.",
                f"Choose {stored}." if stored else f"Run the notebook {Notebook.CREATE_CA} first.",
            )
        key = self._ca(role, ".key.pem")
        return load_authority(self._ca(role, ".pem"), key, passphrase=opening_passphrase(key, passphrase) or passphrase)

    def authority_certificate(self, role: Role) -> x509.Certificate:
        """Return a stored CA's certificate, without opening its key."""
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

    def keys_are_encrypted(self) -> bool:
        """Return whether a passphrase is needed to open a stored CA's private key."""
        return any(is_encrypted(read_bytes(self._ca(role, ".key.pem"))) for role in self.authority_roles())

    def public_part(self, role: Role) -> Path:
        """Return the .cer file of a stored CA: its certificate without the key, which may leave this machine."""
        file = self._ca(role, ".cer")
        if not file.exists():  # an earlier run was interrupted before it wrote its last file
            export_certificate(self.authority_certificate(role), file)
        return file

    def delete_proof(self) -> None:
        """Delete the verification certificate and the request for it, because there is a new code."""
        for file in (self.proof_file, self.proof_file.with_suffix(".cer"), self.request_file):
            file.unlink(missing_ok=True)

    def delete_certificates(self) -> list[str]:
        """Delete every stored CA, key, device certificate and proof, and return the files' names.

        This includes the certificate of completion.
        """
        deleted = []
        own = (self.folder / "ca", self.folder / "dropped", self.proof_file.parent, self.devices_folder)
        for folder in (*own, self.completion_folder):
            if folder.is_symlink():  # the link's target does not belong to this workspace
                folder.unlink()
                continue
            for file in sorted(each for each in folder.rglob("*") if each.is_file() or each.is_symlink()):
                file.unlink()
                deleted.append(file.name)
        return deleted

    def _ca(self, role: Role, ending: str) -> Path:
        return self.folder / "ca" / f"{role}{ending}"

    def store_dropped(self, field: str, name: str, content: bytes) -> Path:
        """Store a file that the user dropped on a form's field, with mode 0600. It replaces that field's earlier file."""
        folder = make_private_folder(self.folder / "dropped" / field)
        bare = re.split(r"[/\\]", name)[-1]
        file = folder / (bare if _FILE_NAME.fullmatch(bare) else "file")
        write_atomically(file, content, mode=PRIVATE)
        for earlier in folder.iterdir():
            if earlier != file:
                earlier.unlink()
        return file

    def delete_dropped(self) -> None:
        """Delete the files that the user dropped on a form, which may include a private key."""
        shutil.rmtree(self.folder / "dropped", ignore_errors=True)

    # --- the proof ---

    @property
    def proof_file(self) -> Path:
        """The verification certificate's PEM file; its .cer is beside it."""
        return self.folder / "proof" / "verification.pem"

    @property
    def request_file(self) -> Path:
        """The file with the request (PKCS#10, as PEM) for a verification certificate that somebody else signs."""
        return self.folder / "proof" / "request.csr"

    # --- devices ---

    @property
    def devices_folder(self) -> Path:
        """The folder with each device's chain and key."""
        return self.folder / "devices"

    # --- the certificate of completion ---

    @property
    def completion_folder(self) -> Path:
        """The folder with the certificate of completion."""
        return self.folder / "completion"

    # --- the local DPS of this workspace ---

    @property
    def local_dps_folder(self) -> Path:
        """The folder with the connection file, the state and the log of this workspace's local DPS."""
        return self.folder / "local-dps"

    # --- inside ---

    def _change(self, changes: Callable[[Facts], Mapping[str, Any]]) -> Facts:
        with self._locked():
            present = self.facts
            facts = Facts.model_validate({**present.model_dump(), **changes(present)})
            if facts != present:
                self._write(facts)
        return facts

    def _write(self, facts: Facts) -> None:
        write_atomically(self._file, facts.model_dump_json(indent=2).encode(), mode=PRIVATE)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Allow one writer at a time. The lock ends with the process, even if the process is killed."""
        lock = file_lock(self.folder / ".lock")
        try:
            lock.acquire()
        except OSError as error:
            raise Problem(
                f"The workspace {self.folder} can't be written.",
                f"The system says: {error.strerror}.",
                "Check that you may write to it, and that its disk is neither full nor read-only. Nothing was changed.",
            ) from error
        try:
            yield
        finally:
            lock.release()


def opening_passphrase(private_key_file: Path, given: str | None) -> str | None:
    """Return the passphrase of a private key: `given`, or else the value of the environment variable CA_PASSPHRASE.

    Returns None for a key that is not encrypted.

    Raises:
        Problem: the key is encrypted and there is no passphrase.
    """
    if not is_encrypted(read_bytes(private_key_file)):
        return None
    passphrase = given or os.environ.get(PASSPHRASE_VARIABLE)
    if not passphrase:
        raise Problem(
            f"{private_key_file.name} could not be opened.",
            "The key is encrypted, and no passphrase was given. Passphrases are never stored: each notebook asks for them.",
            f"In a notebook, type it into the form's field “Passphrase” and run this cell again; elsewhere, set the "
            f"environment variable {PASSPHRASE_VARIABLE}.",
        )
    return passphrase


def is_workspace(folder: Path) -> bool:
    """Return whether the folder is a workspace, even one whose writer was killed before it had written its facts."""
    return (folder / _FILE).exists() or any(folder.glob(_SCRATCH))


def remove_workspace(folder: Path) -> None:
    """Remove all files that these notebooks write, including keys, even if the file of facts is damaged.

    Other files in the folder stay, and so does the folder if there are any.

    Raises:
        Problem: the folder is not a workspace (then nothing is removed), or something in it can't be removed.
    """
    if not (folder / _FILE).exists():
        _require_empty(folder)
    try:
        for path in (*folder.glob(_SCRATCH), *(folder / name for name in _CONTENTS)):
            if path.is_dir() and not path.is_symlink():  # a link's target does not belong to this workspace
                remove_folder(path)
            else:
                path.unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()
    except OSError as error:
        raise Problem(
            f"{folder} was not removed completely.",
            f"{error.filename} could not be removed: {error.strerror}.",
            "Check that you may change that folder, and close the programs that have the file open. Then run this again.",
        ) from error


def _require_empty(folder: Path) -> None:
    if any(not each.match(_SCRATCH) for each in folder.iterdir()):
        raise Problem(
            f"{folder} is not a workspace.",
            f"It contains other files, but no {_FILE}.",
            "Choose an empty folder, or one that does not exist yet (on the command line: --workspace).",
        )
