"""What each notebook must have reached, judged by what is on disk and at the service: never by a notebook's variables.

A cell that failed leaves the variables of an earlier run behind, and these may say what is no longer so.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeAlias

from helpers.certificates import describe, read_certificates
from helpers.dps import CaReference
from helpers.files import read_bytes
from helpers.lesson.experiments.wrong_proofs import WRONG_PROOFS
from helpers.lesson.machine import examine_machine
from helpers.lesson.portal import Portal
from helpers.lesson.steps import (
    connect,
    connect_to_rehearse,
    examine_kept_proof,
    group_now,
    read_records,
    registered_certificate,
    registered_now,
)
from helpers.workspace import Workspace

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


def _start_here(workspace: Workspace, _passphrase: str | None) -> Iterator[Expect]:
    health = examine_machine(workspace)
    yield Expect("This machine is fit", health.passed, "Do what the findings above say.")
    with closing(connect(workspace)) as dps:
        yield Expect("The provisioning service is known", bool(dps.describe().id_scope))


def _create_ca(workspace: Workspace, passphrase: str | None) -> Iterator[Expect]:
    roles = workspace.authority_roles()
    yield Expect("The workspace holds a CA with its key", bool(roles))
    opened = {role: workspace.authority(role, passphrase=passphrase) for role in roles}
    public = {role: read_certificates(read_bytes(workspace.public_part(role)), role)[0] for role in roles}
    same = all(public[role] == opened[role].certificate for role in roles)
    yield Expect("It can be read back from disk", same, "Run 10_clean_up, let it delete the keys, and begin again.")


def _upload_ca(workspace: Workspace, _passphrase: str | None) -> Iterator[Expect]:
    with closing(connect(workspace)) as dps:
        there = registered_now(workspace, dps)
    here = describe(registered_certificate(workspace))
    yield Expect("The thumbprint is that of the certificate here", there.thumbprint == here.sha1, "Run 10_clean_up.")
    yield Expect("Its name at DPS is known", there.name == workspace.facts.certificate_name)


def _sign_verification_code(workspace: Workspace, _passphrase: str | None) -> Iterator[Expect]:
    yield Expect("The proof is on your disk", workspace.proof_file.exists())
    examination = examine_kept_proof(workspace)
    yield Expect("The examiner finds nothing wrong with it", examination.passed, "Do what the verdicts say.")
    with closing(connect(workspace)) as dps:
        now = registered_now(workspace, dps)
        newest = isinstance(dps, Portal) or now.verified or now.etag == workspace.facts.etags[-1][1]
    yield Expect("Its code is still the newest", newest, "Run this notebook again: it asks for a new code.")


def _verify_ca(workspace: Workspace, _passphrase: str | None) -> Iterator[Expect]:
    with closing(connect(workspace)) as dps:
        yield Expect("DPS says that the CA is verified", registered_now(workspace, dps).verified, "Run 03 again.")
    yield Expect("No code is waiting any more", workspace.facts.verification_code is None)


def _create_enrollment_group(workspace: Workspace, _passphrase: str | None) -> Iterator[Expect]:
    with closing(connect(workspace)) as dps:
        group, ca = group_now(workspace, dps), registered_now(workspace, dps)
    bound = isinstance(group.attestation, CaReference) and group.attestation.primary == ca.name
    yield Expect("The group is known", group.group_id == workspace.facts.enrollment_group_id)
    yield Expect("It is bound to the verified CA", bound and ca.verified, "Run 10_clean_up, then 02 again.")
    yield Expect("It is enabled", group.enabled)


def _provision_devices(workspace: Workspace, _passphrase: str | None) -> Iterator[Expect]:
    seen = workspace.outcomes("06_provision_devices")
    told = [*seen.get("device", ()), *seen.get("fleet", ())]
    assigned, strangers = set(told), False
    with closing(connect(workspace)) as dps:
        if not isinstance(dps, Portal):
            records = read_records(workspace, dps, [])
            assigned = {each.registration_id for each in records if each.status == "assigned"}
            strangers = any(each.registration_id == "stranger" for each in records)
    look = "Look at your enrollments."
    yield Expect("The device has a hub", bool(seen.get("device")), "Link a hub, and run this notebook again.")
    yield Expect("There are records of it and of the fleet", "fleet" in seen and assigned >= set(told))
    yield Expect("The stranger was refused", seen.get("stranger") == 401, look)
    yield Expect("And left no record", not strangers, look)


def _when_access_ends(workspace: Workspace, _passphrase: str | None) -> Iterator[Expect]:
    seen = workspace.outcomes("07_when_access_ends")
    for statement, moment, let_in in (
        ("A revoked device's neighbour gets in", "One device is revoked", [False, True]),
        ("A disabled group lets nobody in", "The group is disabled", [False, False]),
        ("With two CAs both get in", "Primary and secondary", [True, True]),
        ("Then only who is renewed", "The next CA alone", [False, True]),
        ("A deleted CA lets in nobody it signed", "The CA is deleted", [False]),
    ):
        yield Expect(statement, seen.get(moment) == let_in)
    with closing(connect_to_rehearse(workspace)) as dps:
        group = dps.enrollment_groups.get(group_now(workspace, dps).group_id)
    facts = workspace.facts
    nothing_left = facts.revoked_device is None and facts.next_certificate_name is None
    restored = group.enabled and group.attestation == CaReference(str(facts.certificate_name))
    yield Expect("All is as it was", seen.get("After") == [True, True] and restored and nothing_left)


def _gallery_of_wrong_proofs(workspace: Workspace, _passphrase: str | None) -> Iterator[Expect]:
    refusals = workspace.outcomes("08_gallery_of_wrong_proofs")
    yield Expect("Nineteen wrong proofs were sent", refusals.keys() == WRONG_PROOFS.keys())
    yield Expect("DPS has refused each of them", all(status >= 400 for status in refusals.values()))


def _the_attack(workspace: Workspace, _passphrase: str | None) -> Iterator[Expect]:
    seen = workspace.outcomes("09_the_attack")
    yield Expect("Proof refused Mallory", seen.get("proof") == 400)
    yield Expect("Self-attestation let him take a pump", seen.get("lured") == [True])
    yield Expect("His pump did not pass for Contoso's", seen.get("at_contosos") == [False])
    yield Expect("Not even at his own service", seen.get("at_his_own") == [False])


def _clean_up(workspace: Workspace, _passphrase: str | None) -> Iterator[Expect]:
    facts = workspace.facts
    yield Expect("No enrollment group is left", facts.enrollment_group_id is None)
    yield Expect("No CA is registered any more", facts.certificate_name is None)


_Judge: TypeAlias = Callable[[Workspace, str | None], Iterator[Expect]]

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
"""By notebook, what must hold at its end. A judge is given the workspace, and the passphrase of its CAs' keys."""
