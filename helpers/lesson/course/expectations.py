"""What each notebook must have reached, judged by what is on disk and at the service: never by a notebook's variables.

A cell that failed leaves the variables of an earlier run behind, and these may say what is no longer so.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from helpers.certificates import describe
from helpers.dps import CaReference
from helpers.lesson.course.machine import examine_machine
from helpers.lesson.experiments.wrong_proofs import WRONG_PROOFS

if TYPE_CHECKING:
    from helpers.lesson.walkthrough import Walkthrough

__all__ = ["EXPECTATIONS", "Expect"]


@dataclass(frozen=True)
class Expect:
    """Something that holds if the notebook's step worked.

    Attributes:
        hint: what to do when it does not hold.
    """

    statement: str
    holds: bool
    hint: str = "Run this notebook again."


def _start_here(walkthrough: "Walkthrough") -> Iterator[Expect]:
    health = examine_machine(walkthrough.workspace)
    yield Expect("This machine is fit", health.passed, "Do what the findings above say.")
    yield Expect("The provisioning service is known", bool(walkthrough.dps.describe().id_scope))


def _create_ca(walkthrough: "Walkthrough") -> Iterator[Expect]:
    roles = walkthrough.workspace.authority_roles()
    yield Expect("The workspace holds a CA with its key", bool(roles))
    same = all(walkthrough.public_part(role) == walkthrough.authority(role).certificate for role in roles)
    yield Expect("It can be read back from disk", same, "Run 10_clean_up, let it delete the keys, and begin again.")


def _upload_ca(walkthrough: "Walkthrough") -> Iterator[Expect]:
    there, here = walkthrough.registered(), describe(walkthrough.registered_part())
    yield Expect("The thumbprint is that of the certificate here", there.thumbprint == here.sha1, "Run 10_clean_up.")
    yield Expect("Its name at DPS is known", there.name == walkthrough.workspace.facts.certificate_name)


def _sign_verification_code(walkthrough: "Walkthrough") -> Iterator[Expect]:
    yield Expect("The proof is on your disk", walkthrough.workspace.proof_file.exists())
    examination = walkthrough.examine_proof()
    yield Expect("The examiner finds nothing wrong with it", examination.passed, "Do what the verdicts say.")
    walkthrough.registered()  # forgets a code that is no longer the newest
    newest = walkthrough.stored("proof") is not None
    yield Expect("Its code is still the newest", newest, "Run this notebook again: it asks for a new code.")


def _verify_ca(walkthrough: "Walkthrough") -> Iterator[Expect]:
    yield Expect("DPS says that the CA is verified", walkthrough.registered().verified, "Run 03 again.")
    yield Expect("No code is waiting any more", walkthrough.workspace.facts.verification_code is None)


def _create_enrollment_group(walkthrough: "Walkthrough") -> Iterator[Expect]:
    group, ca = walkthrough.group(), walkthrough.registered()
    bound = isinstance(group.attestation, CaReference) and group.attestation.primary == ca.name
    yield Expect("The group is known", group.group_id == walkthrough.workspace.facts.enrollment_group_id)
    yield Expect("It is bound to the verified CA", bound and ca.verified, "Run 10_clean_up, then 02 again.")
    yield Expect("It is enabled", group.enabled)


def _provision_devices(walkthrough: "Walkthrough") -> Iterator[Expect]:
    seen, choices = walkthrough.workspace.outcomes("06_provision_devices"), walkthrough.workspace.facts.choices
    device, size = choices.get("device_id", ""), choices.get("fleet_size", 0)
    wanted = {device, *(f"{device}-{number:03}" for number in range(1, size + 1))}
    recorded = {each.registration_id: each.status for each in walkthrough.records().records}
    assigned = {name for name, status in recorded.items() if status == "assigned"}
    look = "Look at your enrollments."
    has_hub = isinstance(seen.get(device), str) and bool(seen[device])
    yield Expect("The device has a hub", has_hub, "Link a hub, and run this notebook again.")
    yield Expect("There are records of it and of the fleet", seen.keys() >= wanted and assigned >= wanted)
    yield Expect("The stranger was refused", seen.get("stranger") == 401, look)
    yield Expect("And left no record", "stranger" not in recorded, look)


def _when_access_ends(walkthrough: "Walkthrough") -> Iterator[Expect]:
    seen = walkthrough.workspace.outcomes("07_when_access_ends")
    for statement, moment, let_in in (
        ("A revoked device's neighbour gets in", "One device is revoked", [False, True]),
        ("A disabled group lets nobody in", "The group is disabled", [False, False]),
        ("With two CAs both get in", "Primary and secondary", [True, True]),
        ("Then only who is renewed", "The next CA alone", [False, True]),
        ("A deleted CA lets in nobody it signed", "The CA is deleted", [False]),
    ):
        yield Expect(statement, seen.get(moment) == let_in)
    group = walkthrough.rehearsal.enrollment_groups.get(walkthrough.group().group_id)
    facts = walkthrough.workspace.facts
    nothing_left = facts.revoked_device is None and facts.next_certificate_name is None
    restored = group.enabled and group.attestation == CaReference(str(facts.certificate_name))
    yield Expect("All is as it was", seen.get("After") == [True, True] and restored and nothing_left)


def _gallery_of_wrong_proofs(walkthrough: "Walkthrough") -> Iterator[Expect]:
    refusals = walkthrough.workspace.outcomes("08_gallery_of_wrong_proofs")
    yield Expect("Nineteen wrong proofs were sent", refusals.keys() == WRONG_PROOFS.keys())
    yield Expect("DPS has refused each of them", all(status >= 400 for status in refusals.values()))


def _the_attack(walkthrough: "Walkthrough") -> Iterator[Expect]:
    seen = walkthrough.workspace.outcomes("09_the_attack")
    yield Expect("Proof refused Mallory", seen.get("proof") == 400)
    yield Expect("Self-attestation let him take a pump", seen.get("lured") == [True])
    yield Expect("His pump did not pass for Contoso's", seen.get("at_contosos") == [False])
    yield Expect("Not even at his own service", seen.get("at_his_own") == [False])


def _clean_up(walkthrough: "Walkthrough") -> Iterator[Expect]:
    facts = walkthrough.workspace.facts
    yield Expect("No enrollment group is left", facts.enrollment_group_id is None)
    yield Expect("No CA is registered any more", facts.certificate_name is None)


_Judge: TypeAlias = Callable[["Walkthrough"], Iterator[Expect]]

EXPECTATIONS: dict[str, _Judge] = {
    "00_start_here": _start_here,
    "01_create_ca": _create_ca,
    "02_upload_ca": _upload_ca,
    "03_sign_verification_code": _sign_verification_code,
    "04_verify_ca": _verify_ca,
    "05_create_enrollment_group": _create_enrollment_group,
    "06_provision_devices": _provision_devices,
    "07_when_access_ends": _when_access_ends,
    "08_gallery_of_wrong_proofs": _gallery_of_wrong_proofs,
    "09_the_attack": _the_attack,
    "10_clean_up": _clean_up,
}
"""By notebook, what must hold at its end."""
