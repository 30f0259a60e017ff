"""The steps of 07, against a real local DPS: who is hit by each way in which access ends, and that all is as it was."""

from collections.abc import Callable

import pytest

from helpers import lesson
from helpers.certificates import CertificateAuthority, DeviceCredential, certificate_pem
from helpers.dps import CaReference, DpsError, IndividualEnrollment, ProvisioningService
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.lesson.steps import walk

INPUTS = lesson.EndAccess()


def test_each_way_hits_whom_it_should_and_at_the_end_all_is_as_it_was(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, dps, name)
    before = dps.enrollment_groups.get(name)
    device, neighbour = lesson.two_devices(workspace, dps, INPUTS, None)

    def let_in(*devices: DeviceCredential) -> list[bool]:
        return lesson.AccessCard("", lesson.try_to_register(dps, devices)).let_in

    assert let_in(device, neighbour) == [True, True]
    lesson.revoke_device(workspace, dps, device)
    assert let_in(device, neighbour) == [False, True]
    lesson.readmit_device(workspace, dps)
    lesson.switch_group(workspace, dps, enabled=False)
    assert let_in(device, neighbour) == [False, False]
    lesson.switch_group(workspace, dps, enabled=True)
    authority, registered = lesson.register_next_ca(workspace, dps, INPUTS)
    assert registered.verified
    lesson.refer_to(workspace, dps, name, secondary=registered.name)
    renewed = lesson.renew_device(neighbour, authority)
    assert renewed.key_file.stat().st_mode & 0o777 == 0o600
    assert let_in(device, renewed) == [True, True]
    assert let_in(neighbour) == [True], "with its old certificate, too; not at once, for it is one device"
    lesson.refer_to(workspace, dps, registered.name)
    assert let_in(device, renewed) == [False, True]
    lesson.delete_next_ca(workspace, dps)
    outcomes = lesson.try_to_register(dps, [device, renewed])
    assert lesson.AccessCard("", outcomes).let_in == [False, False]
    picture = lesson.AccessCard("The CA is deleted", outcomes)
    for text in ("✘", "“Walkthrough Next CA”", "CA certificate not found"):
        assert text in repr(picture)
        assert text in picture._repr_html_()
    lesson.put_back(workspace, dps)
    assert let_in(device, neighbour, renewed) == [True, True, False]
    after = dps.enrollment_groups.get(name)
    assert (after.attestation, after.enabled) == (before.attestation, before.enabled) == (CaReference(name), True)
    assert workspace.facts.revoked_device is None
    assert workspace.facts.next_certificate_name is None


Interrupted = Callable[[Workspace, ProvisioningService], object]
ENDS: dict[str, Interrupted] = {
    "after the revocation": lambda workspace, dps: lesson.revoke_device(
        workspace, dps, lesson.two_devices(workspace, dps, INPUTS, None)[0]
    ),
    "while the group is disabled": lambda workspace, dps: lesson.switch_group(workspace, dps, enabled=False),
    "with the next CA alone": lambda workspace, dps: lesson.refer_to(
        workspace, dps, lesson.register_next_ca(workspace, dps, INPUTS)[1].name
    ),
}


@pytest.mark.parametrize("kind", ENDS)
def test_a_run_that_was_interrupted_is_put_right_by_the_next(
    workspace: Workspace, dps: ProvisioningService, name: str, kind: str
) -> None:
    walk(workspace, dps, name)
    ENDS[kind](workspace, dps)
    device, _ = lesson.two_devices(workspace, dps, INPUTS, None)
    assert lesson.AccessCard("", lesson.try_to_register(dps, [device])).let_in == [True]
    assert dps.individual_enrollments.list() == []
    assert [each.name for each in dps.certificates.list() if each.name.startswith(name[:50])] == [name]


def test_what_somebody_else_has_made_under_the_same_name_stays(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, dps, name)
    foreign = CertificateAuthority.create_root("Foreign").certificate
    theirs = dps.certificates.upload(f"{name[:59]}-next", certificate_pem(foreign))
    device, _ = lesson.two_devices(workspace, dps, INPUTS, None)
    enrolled = dps.individual_enrollments.create(IndividualEnrollment(device.registration_id, foreign))
    with pytest.raises(Problem):
        lesson.register_next_ca(workspace, dps, INPUTS)
    with pytest.raises(DpsError):
        lesson.revoke_device(workspace, dps, device)
    lesson.put_back(workspace, dps)
    assert dps.certificates.get(theirs.name).etag == theirs.etag
    dps.individual_enrollments.delete(enrolled)


def test_the_next_ca_has_a_name_of_its_own_or_nobody_would_see_the_roll_over(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, dps, name)
    same = lesson.EndAccess(next_ca_name="Walkthrough Intermediate CA")
    with pytest.raises(Problem, match="already"):
        lesson.two_devices(workspace, dps, same, None)


def test_it_says_which_notebook_comes_first(workspace: Workspace, dps: ProvisioningService) -> None:
    with pytest.raises(Problem, match="05_create_enrollment_group"):
        lesson.two_devices(workspace, dps, INPUTS, None)
