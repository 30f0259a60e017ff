"""The expectations at the end of each notebook, judged by the workspace and the service, never by a notebook's variables.

After a failed cell, the variables of an earlier run are still there, and they may be out of date.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from helpers.certificates import describe
from helpers.dps import CaReference
from helpers.lesson.course.final_test import QUESTIONS_ASKED
from helpers.lesson.course.machine import examine_machine
from helpers.lesson.experiments.gallery import cases_of
from helpers.lesson.experiments.proof_case import Answer
from helpers.lesson.forms.checks import UNKNOWN_DEVICE
from helpers.notebook import Notebook

if TYPE_CHECKING:
    from helpers.lesson.walkthrough import Walkthrough

__all__ = ["EXPECTATIONS", "Expect"]


@dataclass(frozen=True)
class Expect:
    """A statement that holds if the notebook's step worked.

    Attributes:
        hint: what to do if it does not hold.
    """

    statement: str
    holds: bool
    hint: str = "Run this notebook again."


def _start_here(walkthrough: "Walkthrough") -> Iterator[Expect]:
    health = examine_machine(walkthrough.workspace)
    yield Expect("This machine is ready", health.passed, "Fix the findings above.")
    yield Expect("The provisioning service is known", bool(walkthrough.dps.describe().id_scope))


def _create_ca(walkthrough: "Walkthrough") -> Iterator[Expect]:
    roles = walkthrough.workspace.authority_roles()
    yield Expect("The workspace holds a CA with its key", bool(roles))
    same = all(walkthrough.public_part(role) == walkthrough.authority(role).certificate for role in roles)
    begin_again = f"Run {Notebook.CLEAN_UP}, let it delete the keys, and start again with {Notebook.CREATE_CA}."
    yield Expect("The notebook can read it back from disk", same, begin_again)


def _upload_ca(walkthrough: "Walkthrough") -> Iterator[Expect]:
    there, here = walkthrough.registered(), describe(walkthrough.registered_part())
    yield Expect(
        "The thumbprint at DPS is that of the certificate in the workspace",
        there.thumbprint == here.sha1,
        f"Run {Notebook.CLEAN_UP}, then {Notebook.UPLOAD_CA} again.",
    )
    yield Expect("Its name at DPS is known", there.name == walkthrough.workspace.facts.certificate_name)


def _sign_verification_code(walkthrough: "Walkthrough") -> Iterator[Expect]:
    yield Expect("The proof is on your disk", walkthrough.workspace.proof_file.exists())
    examination = walkthrough.examine_proof()
    yield Expect("The examiner finds nothing wrong with it", examination.passed, "Fix the findings above.")
    walkthrough.registered()  # this call deletes a stored code that is no longer the newest
    newest = walkthrough.stored("proof") is not None
    yield Expect("Its code is still the newest", newest, "Run this notebook again: it asks for a new code.")


def _verify_ca(walkthrough: "Walkthrough") -> Iterator[Expect]:
    again = f"Run {Notebook.SIGN_VERIFICATION_CODE} again."
    yield Expect("DPS says that the CA is verified", walkthrough.registered().verified, again)
    yield Expect("No code is waiting any more", walkthrough.workspace.facts.verification_code is None)


def _create_enrollment_group(walkthrough: "Walkthrough") -> Iterator[Expect]:
    group, ca = walkthrough.group(), walkthrough.registered()
    bound = isinstance(group.attestation, CaReference) and group.attestation.primary == ca.name
    yield Expect("The group is known", group.group_id == walkthrough.workspace.facts.enrollment_group_id)
    again = f"Run {Notebook.CLEAN_UP}, then {Notebook.UPLOAD_CA} again."
    yield Expect("It is bound to the verified CA", bound and ca.verified, again)
    yield Expect("It is enabled", group.enabled)


def _provision_devices(walkthrough: "Walkthrough") -> Iterator[Expect]:
    seen, choices = walkthrough.workspace.outcomes(Notebook.PROVISION_DEVICES), walkthrough.workspace.facts.choices
    device, size = choices.get("registration_id", ""), choices.get("fleet_size", 0)
    wanted = {device, *(f"{device}-{number:03}" for number in range(1, size + 1))}
    recorded = {each.registration_id: each.status for each in walkthrough.records().records}
    assigned = {name for name, status in recorded.items() if status == "assigned"}
    look = "Look for an enrollment that accepts the unknown device, and delete it."
    has_hub = isinstance(seen.get(device), str) and bool(seen[device])
    yield Expect("DPS assigned the device to a hub", has_hub, "Link a hub, and run this notebook again.")
    yield Expect("DPS has records of the device and the fleet", seen.keys() >= wanted and assigned >= wanted)
    yield Expect("DPS rejected the unknown device", seen.get(UNKNOWN_DEVICE) == 401, look)
    yield Expect("DPS has no record of the unknown device", UNKNOWN_DEVICE not in recorded, look)


def _when_access_ends(walkthrough: "Walkthrough") -> Iterator[Expect]:
    noted = walkthrough.workspace.outcomes(Notebook.WHEN_ACCESS_ENDS)
    seen = {moment: list(accepted.values()) for moment, accepted in noted.items()}
    for statement, moment, accepted in (
        ("DPS rejected the revoked device, and still accepted its neighbour", "One device is revoked", [False, True]),
        ("DPS rejected every device of a disabled group", "The group is disabled", [False, False]),
        ("With a primary and a secondary CA, DPS accepted devices of both", "Primary and secondary", [True, True]),
        ("With only the next CA, DPS accepted only the renewed device", "The next CA alone", [False, True]),
        ("DPS rejected a device whose CA had been deleted", "The CA is deleted", [False]),
    ):
        yield Expect(statement, seen.get(moment) == accepted)
    group = walkthrough.rehearsal.enrollment_groups.get(walkthrough.group().group_id)
    facts = walkthrough.workspace.facts
    nothing_left = facts.revoked_device is None and facts.next_certificate_name is None
    restored = group.enabled and group.attestation == CaReference(str(facts.certificate_name))
    yield Expect("Everything is as it was before", seen.get("After") == [True, True] and restored and nothing_left)


def _you_are_dps(walkthrough: "Walkthrough") -> Iterator[Expect]:
    answers = walkthrough.workspace.outcomes(Notebook.YOU_ARE_DPS).get("answers", {})
    cases = {case.name: case for case in cases_of(walkthrough.workspace)}
    yield Expect(f"DPS has judged all {len(cases)} proofs", answers.keys() == cases.keys())
    accepted = {name for name, status in answers.items() if status < 400}
    good = {name for name, case in cases.items() if case.answer is Answer.ACCEPTED}
    yield Expect("DPS accepted each good proof that came with a current ETag", accepted >= good)
    yield Expect("DPS rejected each wrong proof", accepted <= good)


def _the_attack(walkthrough: "Walkthrough") -> Iterator[Expect]:
    seen = walkthrough.workspace.outcomes(Notebook.THE_ATTACK)
    yield Expect("DPS rejected Mallory's proof", seen.get("proof") == 400)
    yield Expect(
        "After self-attestation, one of Contoso's pumps registered with Mallory's service", seen.get("lured") == [True]
    )
    yield Expect("Contoso's service rejected Mallory's own device", seen.get("at_contosos") is False)
    yield Expect("Mallory's own service rejected it, too", seen.get("at_his_own") is False)


def _final_test(walkthrough: "Walkthrough") -> Iterator[Expect]:
    """Judge what has been done. To pass is the learner's aim, and no condition for going on."""
    facts = walkthrough.workspace.facts
    best, times = facts.final_test
    yield Expect(f"A test of {QUESTIONS_ASKED} questions was drawn for you", bool(facts.test_questions))
    if times:
        yield Expect(f"You have finished {times}; your best score is {best} of {QUESTIONS_ASKED}", True)
    if Notebook.FINAL_TEST in facts.solved:
        files = [walkthrough.workspace.completion_folder / f"certificate.{kind}" for kind in ("pem", "svg")]
        yield Expect("Your certificate of completion is on your disk", all(file.exists() for file in files))


def _clean_up(walkthrough: "Walkthrough") -> Iterator[Expect]:
    facts = walkthrough.workspace.facts
    yield Expect("No enrollment group is left", facts.enrollment_group_id is None)
    yield Expect("No CA is registered", facts.certificate_name is None)


_Judge: TypeAlias = Callable[["Walkthrough"], Iterator[Expect]]

EXPECTATIONS: dict[str, _Judge] = {
    Notebook.START_HERE: _start_here,
    Notebook.CREATE_CA: _create_ca,
    Notebook.UPLOAD_CA: _upload_ca,
    Notebook.SIGN_VERIFICATION_CODE: _sign_verification_code,
    Notebook.VERIFY_CA: _verify_ca,
    Notebook.CREATE_ENROLLMENT_GROUP: _create_enrollment_group,
    Notebook.PROVISION_DEVICES: _provision_devices,
    Notebook.WHEN_ACCESS_ENDS: _when_access_ends,
    Notebook.YOU_ARE_DPS: _you_are_dps,
    Notebook.THE_ATTACK: _the_attack,
    Notebook.FINAL_TEST: _final_test,
    Notebook.CLEAN_UP: _clean_up,
}
"""For each notebook, the expectations at its end."""
