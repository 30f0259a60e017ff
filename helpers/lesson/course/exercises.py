"""The exercises: each asks for one small function, and tries it with values that the learner can't know beforehand.

A stub raises `Unsolved` with a hint. An unsolved exercise is not an error, because Run All must reach the end.
"""

import random
import secrets
from collections.abc import Callable
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
from helpers.lesson.course.answers import Unsolved, WrongAnswer, require, require_equal, time_limit
from helpers.lesson.figures import Picture
from helpers.lesson.targets import rehearse
from helpers.lesson.targets.scratch import registered_for_a_moment, with_code
from helpers.notebook import Notebook
from helpers.problem import Problem
from helpers.workspace import Workspace

__all__ = ["EXERCISES", "ExerciseCard", "try_exercise"]


@dataclass(frozen=True, repr=False)
class ExerciseCard(Picture):
    """The state of an exercise; `solved` is None before the first try."""

    task: str
    solved: bool | None
    message: str

    def html(self) -> Markup:
        kind = {True: "good", False: "bad", None: "now"}
        return Markup("<div class='card'><h4>{}</h4><p><b class='{}'>{}</b> {}</p></div>").format(
            self.task, kind[self.solved], _STATES[self.solved], self.message
        )

    def text(self) -> str:
        return f"{self.task}\n  {_STATES[self.solved]} {self.message}"


_STATES = {True: "✔ Solved.", False: "✘ Not yet.", None: "○ Your turn."}


def try_exercise(workspace: Workspace, notebook: str, answer: Callable[..., Any]) -> ExerciseCard:
    """Try a learner's function.

    Args:
        notebook: the notebook with the exercise.
    """
    if notebook not in EXERCISES:
        raise Problem(
            f"There is no exercise {notebook!r}.",
            "An exercise has the name of its notebook.",
            f"Choose one of {', '.join(EXERCISES)}.",
        )
    task, check = EXERCISES[notebook]
    try:
        with time_limit():
            praise = check(answer, workspace)
    except Unsolved as hint:
        return ExerciseCard(task, None, str(hint))
    except WrongAnswer as wrong:
        return ExerciseCard(task, False, str(wrong))
    except Exception as error:  # a learner's function may raise anything
        return ExerciseCard(task, False, f"It raised {type(error).__name__}{f': {error}' if str(error) else '.'}")
    return ExerciseCard(task, True, praise)


# --- one for each notebook --------------------------------------------------------------------------------------------


def _open_to_others(answer: Callable[[int], bool], _workspace: Workspace) -> str:
    for mode in (0o600, 0o400, 0o700, 0o640, 0o604, 0o644, secrets.randbelow(0o1000)):
        given, wanted = answer(mode), bool(mode & 0o077)
        require(
            bool(given) is wanted,
            f"For the permissions 0o{mode:03o}, it returned {given!r}; it should return {wanted!r}.",
        )
    return "The last six bits are the permissions of the group and of all others: mode & 0o077."


def _signed_by(answer: Callable[[x509.Certificate, x509.Certificate], bool], _workspace: Workspace) -> str:
    name = f"CA {secrets.token_hex(4)}"
    ca, namesake = CertificateAuthority.create_root(name), CertificateAuthority.create_root(name)
    device = ca.issue_device("pump-1").certificate
    require_equal(answer(device, ca.certificate), True, "a device and the CA that signed it")
    require_equal(answer(device, namesake.certificate), False, "a device and another CA of the same name")
    require_equal(answer(ca.certificate, ca.certificate), True, "a root and itself")
    return "The signature decides, and not the name."


def _thumbprint(answer: Callable[[x509.Certificate], str], _workspace: Workspace) -> str:
    certificate = CertificateAuthority.create_root(f"CA {secrets.token_hex(4)}").certificate
    wanted = certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 - what DPS shows
    given = answer(certificate)
    require(isinstance(given, str), f"It returned {type(given).__name__}; use .hex() to make the thumbprint a string.")
    require(len(given) == len(wanted), f"It has {len(given)} characters; SHA-1 in hexadecimal has {len(wanted)}.")
    require_equal(given, wanted, "a new CA's certificate")
    return "Compare it with the thumbprint in the portal, and you know which certificate is there."


def _verification_certificate(answer: Callable[..., x509.Certificate], _workspace: Workspace) -> str:
    same_key = False
    for algorithm in (KeyAlgorithm.P256, KeyAlgorithm.RSA2048):
        root = CertificateAuthority.create_root("Exercise Root")
        ca = root.create_intermediate("Exercise CA", key_algorithm=algorithm)  # its issuer is not its subject
        code = secrets.token_hex(24).upper()
        given = answer(code, ca.certificate, ca.private_key)
        require(
            isinstance(given, x509.Certificate),
            "It returned no certificate. Call .sign(…) at the end of the builder to make one.",
        )
        failed = examine_proof(certificate_pem(given), ca.certificate, code).failed
        require(not failed, " ".join(f"{each.name}: {each.reason} {each.remedy}" for each in failed))
        same_key = given.public_key() == ca.certificate.public_key()
    praise = "The examiner finds nothing wrong with it, for an EC key and for an RSA key."
    return f"{praise} {_SAME_KEY}" if same_key else praise


_SAME_KEY = (
    "It contains the CA's own public key. The local DPS accepts that. It is not known whether Azure does: its documentation "
    "uses a new key pair."
)


def _verify(answer: Callable[..., object], workspace: Workspace) -> str:
    dps = rehearse(workspace)
    ca = CertificateAuthority.create_root("Exercise CA")
    with registered_for_a_moment(dps, ca.certificate) as uploaded:
        code = str(with_code(dps, uploaded).verification_code)
        proof = certificate_pem(ca.sign_verification_code(code).certificate)
        answer(dps.certificates, uploaded, proof)
        require(dps.certificates.get(uploaded.name).verified, "The CA is still unverified: did you send the proof?")
    return "Read before each change: then the ETag is always the current one, even if you started with an old value."


def _deciding_group(answer: Callable[..., str | None], _workspace: Workspace) -> str:
    chain = [f"{word} {secrets.token_hex(2)}" for word in ("Line", "Factory", "Company")]
    groups = {"everyone": chain[2], "this-factory": chain[1], "another-factory": "Factory of another organization"}
    require_equal(answer(chain, groups), "this-factory", "a chain with groups for two of its CAs")
    require_equal(answer(chain, {"everyone": chain[2]}), "everyone", "a chain with a group for its root only")
    require_equal(answer(chain, {"line": chain[0], **groups}), "line", "a group for the CA right above the device")
    require_equal(answer(chain, {"other": "Another organization"}), None, "a chain without a group for any of its CAs")
    return "The group of the CA closest to the device decides. If that group is disabled, DPS rejects the device."


def _chain_to_send(answer: Callable[..., Any], _workspace: Workspace) -> str:
    root = CertificateAuthority.create_root("Exercise Root", path_length=2)
    factory = root.create_intermediate("Exercise Factory")
    line = factory.create_intermediate("Exercise Line")
    device = line.issue_device("pump-1").certificate
    for cas in permutations([root.certificate, factory.certificate, line.certificate]):
        given = list(answer(device, list(cas)))
        require(given and given[0] == device, "The device's own certificate comes first.")
        require(root.certificate not in given, "Leave out the root: a service that trusts the root already has it.")
        failed = examine_chain(given, root.certificate, "pump-1").failed
        require(not failed, " ".join(f"{each.name}: {each.reason}" for each in failed))
    return "The device's certificate comes first, then each certificate's issuer. The root is left out."


def _revocation(answer: Callable[..., IndividualEnrollment], _workspace: Workspace) -> str:
    name = f"pump-{secrets.token_hex(3)}"
    certificate = CertificateAuthority.create_root("Exercise CA").issue_device(name).certificate
    given = answer(name, certificate)
    require(isinstance(given, IndividualEnrollment), "It returned no IndividualEnrollment.")
    require_equal(given.registration_id, name, "the registration id")
    require(given.certificate == certificate, "The enrollment is not for the device's certificate.")
    require(
        not given.enabled, "The enrollment is enabled, so DPS would accept the device even if its group is disabled."
    )
    return "DPS looks for an individual enrollment before any group. A disabled one rejects this device only."


def _only_its_dates(answer: Callable[..., x509.Certificate], _workspace: Workspace) -> str:
    ca, code = CertificateAuthority.create_root("Exercise CA"), secrets.token_hex(24).upper()
    given = answer(code, ca.certificate, ca.private_key)
    require(isinstance(given, x509.Certificate), "It returned no certificate.")
    failed = [each.name for each in examine_proof(certificate_pem(given), ca.certificate, code).failed]
    require(
        failed == ["Dates of the proof"],
        f"The examiner must find fault with the dates only, but it finds fault with: {', '.join(failed) or 'nothing'}.",
    )
    return "One thing is wrong and all others are right: with such a proof, you find out what a service really checks."


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
    require("mine-too" not in given, "It suspects one of your own CAs: ignore case when you compare thumbprints.")
    require("harmless" not in given, "It suspects a CA that is not verified: DPS accepts no device through such a CA.")
    require_equal(given, {"whose-is-this"}, "four CAs of which one is verified and not yours")
    return "Check your own service like this from time to time, because DPS does not warn you."


def _in_order(answer: Callable[..., Any], _workspace: Workspace) -> str:
    group, other, root, intermediate, record = (f"{kind}-{secrets.token_hex(2)}" for kind in _KINDS)
    refers_to = {record: [group], group: [intermediate, root], other: [root], intermediate: [root], root: []}
    for order in permutations(refers_to):
        given = list(answer({name: list(refers_to[name]) for name in order}))
        require(sorted(given) == sorted(refers_to), "It must return each name exactly once.")
        for name, targets in refers_to.items():
            for target in targets:
                require(
                    given.index(name) < given.index(target), f"It deletes {target} while {name} still refers to it."
                )
    return "Delete a resource before the resources that it refers to."


_KINDS = ("group", "other-group", "root", "intermediate", "record")
_Check = Callable[[Callable[..., Any], Workspace], str]

EXERCISES: dict[
    str, tuple[str, _Check]
] = {  # by notebook: the exercise's title, and the function that checks an answer
    Notebook.START_HERE: ("Exercise: do others have access?", _open_to_others),
    Notebook.CREATE_CA: ("Exercise: who signed this?", _signed_by),
    Notebook.UPLOAD_CA: ("Exercise: the thumbprint that DPS shows", _thumbprint),
    Notebook.SIGN_VERIFICATION_CODE: ("Exercise: sign a code yourself", _verification_certificate),
    Notebook.VERIFY_CA: ("Exercise: verify, even with a stale ETag", _verify),
    Notebook.CREATE_ENROLLMENT_GROUP: ("Exercise: which group decides?", _deciding_group),
    Notebook.PROVISION_DEVICES: ("Exercise: the chain to send", _chain_to_send),
    Notebook.WHEN_ACCESS_ENDS: ("Exercise: revoke one device", _revocation),
    Notebook.GALLERY_OF_WRONG_PROOFS: ("Exercise: a proof with wrong dates only", _only_its_dates),
    Notebook.THE_ATTACK: ("Exercise: whose CA is that?", _suspects),
    Notebook.CLEAN_UP: ("Exercise: in which order?", _in_order),
}
