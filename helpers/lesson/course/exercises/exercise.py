"""The exercises: each asks for one small function or for a few decisions, and tells the learner what is wrong with an answer.

A stub raises `Unsolved`. An unsolved exercise is not an error, because Run All must reach the end.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from helpers.certificates import Check
from helpers.lesson.course.answers import Unsolved, WrongAnswer, time_limit
from helpers.lesson.course.exercises import exercise_checks
from helpers.lesson.course.judging.you_are_dps import check_verifier
from helpers.lesson.figures import Picture
from helpers.lesson.figures.picture import Kind, card, fold, joined, listed, pill
from helpers.notebook import Notebook
from helpers.problem import look_up
from helpers.workspace import Workspace

__all__ = ["EXERCISES", "Exercise", "ExerciseCard", "try_exercise"]


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        check: returns a sentence about what the learner has shown, or raises WrongAnswer.
        hints: the first says where to look, and the second how to do it.
        minutes: the time that it takes a Python developer who is new to X.509.
    """

    title: str
    check: Callable[[Any, Workspace], str]
    hints: tuple[str, str]
    minutes: int


@dataclass(frozen=True, repr=False)
class ExerciseCard(Picture):
    """The state of an exercise.

    Attributes:
        solved: None before the first attempt. hints: those that the learner may see now.
        failed: the checks that the answer does not pass; the card opens the first one.
    """

    task: str
    solved: bool | None
    message: str
    hints: tuple[str, ...] = ()
    failed: tuple[Check, ...] = ()

    def html(self) -> Markup:
        kind, word = _STATES[self.solved]
        hints = joined("{}", ((fold(name, hint),) for name, hint in zip(_HINTS, self.hints, strict=False)))
        failed = (
            fold(Markup("<b>{}</b>").format(each.name), listed(_told(each)), is_open=each is self.failed[0])
            for each in self.failed
        )
        said = Markup("<p>{} {}</p>").format(pill(kind, word), self.message)
        return card(self.task, said, *failed, hints, kind=kind)

    def text(self) -> str:
        hints = [f"  {name}: {hint}" for name, hint in zip(_HINTS, self.hints, strict=False)]
        failed = [f"  ✘ {each.name}: {' '.join(_told(each))}" for each in self.failed]
        return "\n".join([self.task, f"  {_STATES[self.solved][1]} {self.message}", *failed, *hints])


def _told(check: Check) -> list[str]:
    return [check.reason, *([f"Fix: {check.remedy}"] if check.remedy else [])]


_STATES: dict[bool | None, tuple[Kind, str]] = {
    True: ("accepted", "✔ Solved."),
    False: ("rejected", "✘ Not yet."),
    None: ("note", "○ Your turn."),
}
_HINTS = ("First hint", "Second hint", "The solution")
_YOUR_TURN = "Edit the cell, and run it. If your answer is not right yet, you get the reason, and then hints."


def try_exercise(workspace: Workspace, notebook: str, answer: Any) -> ExerciseCard:
    """Try a learner's answer, and note in the workspace whether it is right.

    Args:
        notebook: the notebook with the exercise.
    """
    exercise = look_up(EXERCISES, notebook, "exercise", "An exercise has the name of its notebook.")
    failed: tuple[Check, ...] = ()
    try:
        with time_limit():
            praise = exercise.check(answer, workspace)
    except Unsolved:
        return ExerciseCard(exercise.title, None, _YOUR_TURN)
    except WrongAnswer as wrong:
        reason, failed = str(wrong), wrong.failed
    except Exception as error:  # a learner's function may raise anything
        reason = f"It raised {type(error).__name__}{_line(error, answer)}{f': {error}' if str(error) else '.'}"
    else:
        workspace.solve(notebook)
        return ExerciseCard(exercise.title, True, praise)
    attempts = workspace.attempt(notebook)
    revealed = (*exercise.hints, f"See solutions/{notebook}.py, beside this notebook.")[:attempts]
    return ExerciseCard(exercise.title, False, reason, revealed, failed)


def _line(error: Exception, answer: Any) -> str:
    """Return where in the learner's cell an exception was raised; "" if it was raised elsewhere."""
    cell = getattr(getattr(answer, "__code__", None), "co_filename", None)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == cell]
    return f" (line {lines[-1]} of the cell)" if lines else ""


EXERCISES: dict[str, Exercise] = {
    Notebook.START_HERE: Exercise(
        "Whose private key fits this certificate?",
        exercise_checks.key_fits,
        (
            "Go through the private keys, and compare the public key of each with the one in the certificate.",
            "private_key.public_key() == certificate.public_key() is true for one of them.",
        ),
        2,
    ),
    Notebook.CREATE_CA: Exercise(
        "Who signed this?",
        exercise_checks.signed_by,
        (
            "Names prove nothing. Call the method: it returns None if the key signed the certificate, or raises an exception.",
            "Call it inside try. Return True after it, and False in the except clause. Catch Exception: there are two kinds.",
        ),
        3,
    ),
    Notebook.UPLOAD_CA: Exercise(
        "The thumbprint that DPS shows",
        exercise_checks.thumbprint,
        (
            "certificate.fingerprint(…) returns the hash as bytes. Which hash, and how are the bytes written?",
            "certificate.fingerprint(hashes.SHA1()) gives bytes; bytes have .hex(), and strings have .upper().",
        ),
        2,
    ),
    Notebook.SIGN_VERIFICATION_CODE: Exercise(
        "Sign a code yourself",
        exercise_checks.verification_certificate,
        (
            "The picture of the proof above shows the subject and the issuer. The public key is that of a new key pair.",
            "The CA's own certificate knows its name: ca_certificate.subject. builder.sign(ca_key, hashes.SHA256()) comes last.",
        ),
        5,
    ),
    Notebook.VERIFY_CA: Exercise(
        "Verify, even with a stale ETag",
        exercise_checks.verify_despite_stale_etag,
        (
            "DPS answers 412 to verify(stale, proof). Which version of the certificate does it want?",
            "certificates.get(stale.name) returns the certificate with its current ETag.",
        ),
        2,
    ),
    Notebook.CREATE_ENROLLMENT_GROUP: Exercise(
        "Which of these chains does DPS accept?",
        exercise_checks.verdicts_on_chains,
        (
            "Start at the device and climb. Can DPS check each signature with a certificate that it has or was sent?",
            "Then ask of the CA where you arrive: is it verified, is a group bound to it, and is that group enabled?",
        ),
        3,
    ),
    Notebook.PROVISION_DEVICES: Exercise(
        "The chain to send",
        exercise_checks.chain_to_send,
        (
            "Begin with the device. Who signed the last certificate in your list? Your function from 01 tells you.",
            "Repeat until no CA is left that signed the last one. A root is its own issuer: leave it out.",
        ),
        4,
    ),
    Notebook.WHEN_ACCESS_ENDS: Exercise(
        "Revoke one device",
        exercise_checks.revocation,
        (
            "Which kind of enrollment does DPS look for first, before any group?",
            "IndividualEnrollment(registration_id, certificate, enabled=…): it is enabled unless you say otherwise.",
        ),
        2,
    ),
    Notebook.YOU_ARE_DPS: Exercise(
        "Decide as DPS does",
        check_verifier,
        (
            "Read the certificate, PEM or DER. Then come three checks: who signed it, its common name, its dates.",
            "x509.load_der_x509_certificate reads DER. proof.verify_directly_issued_by(ca) raises an exception for another key.",
        ),
        12,
    ),
    Notebook.THE_ATTACK: Exercise(
        "Whose CA is that?",
        exercise_checks.suspects,
        (
            "DPS accepts devices of verified CAs only. Which of these CAs have a thumbprint that you know?",
            "Make a set of your own thumbprints in upper case. Then keep each CA that is verified and not in the set.",
        ),
        3,
    ),
    Notebook.CLEAN_UP: Exercise(
        "Which files may leave this machine?",
        exercise_checks.may_leave,
        (
            "Which of these files did you send to DPS, or does a device show to everyone?",
            "A file is secret if it contains a private key. Certificates contain only public keys.",
        ),
        1,
    ),
}
"""The exercises, by notebook."""
