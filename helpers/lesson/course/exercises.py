"""The exercises: each asks for one small function, and tries it with values that nobody could know beforehand.

A stub raises `Unsolved` with a hint; an exercise that is not solved stops nobody, for Run All must reach the end.
"""

import random
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from markupsafe import Markup

from helpers.certificates import (
    CertificateAuthority,
    KeyAlgorithm,
    certificate_pem,
    examine_chain,
    examine_proof,
)
from helpers.dps import IndividualEnrollment, RegisteredCertificate
from helpers.lesson.figures import Picture
from helpers.lesson.targets import rehearse
from helpers.lesson.targets.scratch import registered_for_a_moment, with_code
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["EXERCISES", "ExerciseCard", "Unsolved", "try_exercise"]

_SECONDS = 20


class Unsolved(Exception):
    """What a stub raises: a hint."""


class _Wrong(Exception):
    """What is wrong with an answer, so that a learner can go on."""


@dataclass(frozen=True, repr=False)
class ExerciseCard(Picture):
    """How an exercise stands. solved: None while nothing has been tried."""

    task: str
    solved: bool | None
    message: str

    def html(self) -> Markup:
        kind = {True: "good", False: "bad", None: "now"}
        return Markup("<div class='card'><h4>{}</h4><p><b class='{}'>{}</b> {}</p></div>").format(
            self.task, kind[self.solved], _STANDS[self.solved], self.message
        )

    def text(self) -> str:
        return f"{self.task}\n  {_STANDS[self.solved]} {self.message}"


_STANDS = {True: "✔ Solved.", False: "✘ Not yet.", None: "○ Your turn."}


def try_exercise(workspace: Workspace, notebook: str, answer: Callable[..., Any]) -> ExerciseCard:
    """Try a learner's function.

    Args:
        notebook: whose exercise it is.
    """
    if notebook not in EXERCISES:
        raise Problem(f"{notebook} has no exercise.", "Each notebook has one.", f"One of {', '.join(EXERCISES)}.")
    task, check = EXERCISES[notebook]
    try:
        with _time_limit():
            praise = check(answer, workspace)
    except Unsolved as hint:
        return ExerciseCard(task, None, str(hint))
    except _Wrong as wrong:
        return ExerciseCard(task, False, str(wrong))
    except Exception as error:  # whatever a learner's function raises
        return ExerciseCard(task, False, f"It raised {type(error).__name__}{f': {error}' if str(error) else '.'}")
    return ExerciseCard(task, True, praise)


@contextmanager
def _time_limit() -> Iterator[None]:
    """A loop that never ends would keep the kernel busy for ever, and nobody would be told."""

    def stop(_signal: int, _frame: object) -> None:
        raise _Wrong(f"It was still running after {_SECONDS} seconds. Is there a loop that never ends?")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _require(holds: object, otherwise: str) -> None:
    if not holds:
        raise _Wrong(otherwise)


def _require_equal(given: object, wanted: object, asked: str) -> None:
    _require(given == wanted, f"For {asked}, it gave {given!r}; it should be {wanted!r}.")


# --- one for each notebook --------------------------------------------------------------------------------------------


def _open_to_others(answer: Callable[[int], bool], _workspace: Workspace) -> str:
    for mode in (0o600, 0o400, 0o700, 0o640, 0o604, 0o644, secrets.randbelow(0o1000)):
        given, wanted = answer(mode), bool(mode & 0o077)
        _require(
            bool(given) is wanted, f"For the permissions 0o{mode:03o}, it gave {given!r}; it should be {wanted!r}."
        )
    return "The last six bits are the group's and everybody else's: mode & 0o077."


def _signed_by(answer: Callable[[x509.Certificate, x509.Certificate], bool], _workspace: Workspace) -> str:
    name = f"CA {secrets.token_hex(4)}"
    ca, namesake = CertificateAuthority.create_root(name), CertificateAuthority.create_root(name)
    device = ca.issue_device("pump-1").certificate
    _require_equal(answer(device, ca.certificate), True, "a device and the CA that signed it")
    _require_equal(answer(device, namesake.certificate), False, "a device and another CA of the same name")
    _require_equal(answer(ca.certificate, ca.certificate), True, "a root and itself")
    return "The signature tells, and not the name."


def _thumbprint(answer: Callable[[x509.Certificate], str], _workspace: Workspace) -> str:
    certificate = CertificateAuthority.create_root(f"CA {secrets.token_hex(4)}").certificate
    wanted = certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - what DPS shows
    given = answer(certificate)
    _require(isinstance(given, str), f"It gave {type(given).__name__}; the thumbprint is a text: .hex() makes one.")
    _require(len(given) == len(wanted), f"It has {len(given)} characters; SHA-1 as hexadecimal has {len(wanted)}.")
    _require_equal(given, wanted, "a new CA's certificate")
    return "Compare it with what the portal shows, and you know which certificate is there."


def _verification_certificate(answer: Callable[..., x509.Certificate], _workspace: Workspace) -> str:
    same_key = False
    for algorithm in (KeyAlgorithm.P256, KeyAlgorithm.RSA2048):
        root = CertificateAuthority.create_root("Exercise Root")
        ca = root.create_intermediate("Exercise CA", key_algorithm=algorithm)  # its issuer is not its subject
        code = secrets.token_hex(24).upper()
        given = answer(code, ca.certificate, ca.private_key)
        _require(
            isinstance(given, x509.Certificate), "It gave no certificate: .sign(…) at the end of the builder makes one."
        )
        failed = [
            each for each in examine_proof(certificate_pem(given), ca.certificate, code).checks if not each.passed
        ]
        _require(not failed, " ".join(f"{each.name}: {each.reason} {each.remedy}" for each in failed))
        same_key = given.public_key() == ca.certificate.public_key()
    praise = "The examiner finds nothing wrong with it, for an EC key and for an RSA key."
    return f"{praise} {_SAME_KEY}" if same_key else praise


_SAME_KEY = (
    "It holds the CA's own public key. The local DPS accepts that. Whether Azure does is not known: Azure's documentation "
    "makes a new key pair."
)


def _verify(answer: Callable[..., object], workspace: Workspace) -> str:
    dps = rehearse(workspace)
    ca = CertificateAuthority.create_root("Exercise CA")
    with registered_for_a_moment(dps, ca.certificate) as uploaded:
        code = str(with_code(dps, uploaded).verification_code)
        proof = certificate_pem(ca.sign_verification_code(code).certificate)
        answer(dps.certificates, uploaded, proof)
        _require(dps.certificates.get(uploaded.name).verified, "The CA is still unverified: was the proof sent?")
    return "Read, then change: the ETag is the present one, however old the value was that you began with."


def _deciding_group(answer: Callable[..., str | None], _workspace: Workspace) -> str:
    chain = [f"{word} {secrets.token_hex(2)}" for word in ("Line", "Factory", "Company")]
    groups = {"everybody": chain[2], "this-factory": chain[1], "another-factory": "Factory of somebody else"}
    _require_equal(answer(chain, groups), "this-factory", "a chain with two groups on its way up")
    _require_equal(answer(chain, {"everybody": chain[2]}), "everybody", "a group for the root alone")
    _require_equal(answer(chain, {"line": chain[0], **groups}), "line", "a group for the CA right above the device")
    _require_equal(answer(chain, {"other": "Somebody else"}), None, "no group on the way up")
    return "The CA closest to the device decides. If its group is disabled the device stays outside."


def _chain_to_send(answer: Callable[..., Any], _workspace: Workspace) -> str:
    root = CertificateAuthority.create_root("Exercise Root", path_length=2)
    factory = root.create_intermediate("Exercise Factory")
    line = factory.create_intermediate("Exercise Line")
    device = line.issue_device("pump-1").certificate
    for cas in permutations([root.certificate, factory.certificate, line.certificate]):
        given = list(answer(device, list(cas)))
        _require(given and given[0] == device, "The device's own certificate comes first.")
        _require(root.certificate not in given, "The root need not be sent: whoever trusts it has it already.")
        failed = [each for each in examine_chain(given, root.certificate, "pump-1").checks if not each.passed]
        _require(not failed, " ".join(f"{each.name}: {each.reason}" for each in failed))
    return "Device first, then whoever signed the one before; without the root."


def _revocation(answer: Callable[..., IndividualEnrollment], _workspace: Workspace) -> str:
    name = f"pump-{secrets.token_hex(3)}"
    certificate = CertificateAuthority.create_root("Exercise CA").issue_device(name).certificate
    given = answer(name, certificate)
    _require(isinstance(given, IndividualEnrollment), "It gave no IndividualEnrollment.")
    _require_equal(given.registration_id, name, "the registration id")
    _require(given.certificate == certificate, "The enrollment is not for the device's certificate.")
    _require(not given.enabled, "It is enabled: that would let the device in, whatever its group says.")
    return "An individual enrollment is asked before any group; disabled, it keeps this one device out."


def _only_its_dates(answer: Callable[..., x509.Certificate], _workspace: Workspace) -> str:
    ca, code = CertificateAuthority.create_root("Exercise CA"), secrets.token_hex(24).upper()
    given = answer(code, ca.certificate, ca.private_key)
    _require(isinstance(given, x509.Certificate), "It gave no certificate.")
    checks = examine_proof(certificate_pem(given), ca.certificate, code).checks
    failed = [each.name for each in checks if not each.passed]
    _require(failed == ["Dates of the proof"], f"The examiner objects to: {', '.join(failed) or 'nothing at all'}.")
    return "Wrong in one thing and right in all others: that is how one finds out what a service really checks."


def _suspects(answer: Callable[..., Any], _workspace: Workspace) -> str:
    own, others = ([secrets.token_hex(20).upper() for _ in range(2)] for _ in range(2))
    some = CertificateAuthority.create_root("Exercise CA").certificate
    base = RegisteredCertificate("", "CN=x", "", some.not_valid_after_utc, True, "etag")
    registered = [
        replace(base, name="mine", thumbprint=own[0]),
        replace(base, name="mine-too", thumbprint=own[1].lower()),
        replace(base, name="whose-is-this", thumbprint=others[0]),
        replace(base, name="harmless", thumbprint=others[1], verified=False),
    ]
    random.shuffle(registered)
    given = set(answer(registered, own))
    _require("mine-too" not in given, "It accuses a CA of yours: thumbprints are compared without case.")
    _require("harmless" not in given, "It accuses a CA that is not verified: that one lets nobody in.")
    _require_equal(given, {"whose-is-this"}, "four CAs of which one is verified and not yours")
    return "Do that with your own service from time to time: nobody else will tell you."


def _in_order(answer: Callable[..., Any], _workspace: Workspace) -> str:
    group, other, root, intermediate, record = (f"{kind}-{secrets.token_hex(2)}" for kind in _KINDS)
    refers_to = {record: [group], group: [intermediate, root], other: [root], intermediate: [root], root: []}
    for order in permutations(refers_to):
        given = list(answer({name: list(refers_to[name]) for name in order}))
        _require(sorted(given) == sorted(refers_to), "Each thing is to be deleted once.")
        for name, targets in refers_to.items():
            for target in targets:
                _require(
                    given.index(name) < given.index(target), f"{target} is deleted while {name} still refers to it."
                )
    return "Whatever refers to something goes before it."


_KINDS = ("group", "other-group", "root", "intermediate", "record")
_Check = Callable[[Callable[..., Any], Workspace], str]

EXERCISES: dict[str, tuple[str, _Check]] = {
    "00_start_here": ("Exercise: may others look into it?", _open_to_others),
    "01_create_ca": ("Exercise: who has signed this?", _signed_by),
    "02_upload_ca": ("Exercise: the thumbprint that DPS shows", _thumbprint),
    "03_sign_verification_code": ("Exercise: sign a code yourself", _verification_certificate),
    "04_verify_ca": ("Exercise: verify, however stale the ETag", _verify),
    "05_create_enrollment_group": ("Exercise: which group decides?", _deciding_group),
    "06_provision_devices": ("Exercise: the chain to send", _chain_to_send),
    "07_when_access_ends": ("Exercise: keep one device out", _revocation),
    "08_gallery_of_wrong_proofs": ("Exercise: wrong in nothing but its dates", _only_its_dates),
    "09_the_attack": ("Exercise: whose CA is that?", _suspects),
    "10_clean_up": ("Exercise: in which order?", _in_order),
}
