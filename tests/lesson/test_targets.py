"""A service that takes notes: it records each step's requests under the step's name, and notes the facts for the walkthrough."""

from collections.abc import Callable
from pathlib import Path

import pytest

from helpers import lesson
from helpers.certificates import CertificateAuthority
from helpers.dps import CaReference, DpsError, EnrollmentGroup, IndividualEnrollment, ProvisioningService, Registration
from helpers.lesson.targets.notes import Notes, RehearsalNotes
from helpers.lesson.targets.service import Service
from helpers.problem import Problem
from helpers.workspace import Facts, Workspace
from tests.lesson.cells import Notebook, walk


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    return CertificateAuthority.create_root("Root")


@pytest.fixture
def service(workspace: Workspace, dps: ProvisioningService, authority: CertificateAuthority) -> Service:
    workspace.save_authority("root", authority)
    return Service(dps, Notes(workspace))


def proved(service: Service, name: str, authority: CertificateAuthority, workspace: Workspace) -> None:
    with_code = service.certificates.generate_verification_code(
        service.certificates.upload(name, authority.certificate)
    )
    workspace.update(verification_code=with_code.verification_code)
    service.certificates.verify(with_code, authority.sign_verification_code(str(with_code.verification_code)))


def test_each_step_has_its_chapter_and_a_repetition_its_own(
    workspace: Workspace, service: Service, authority: CertificateAuthority, name: str
) -> None:
    proved(service, name, authority, workspace)
    group = service.enrollment_groups.create(EnrollmentGroup(name, CaReference(name)))
    revoked = service.individual_enrollments.create(IndividualEnrollment(name, authority.certificate, enabled=False))
    group = service.enrollment_groups.disable(group)
    service.enrollment_groups.update(EnrollmentGroup(name, CaReference(name, name), etag=group.etag))
    service.devices.records(name)
    service.individual_enrollments.delete(revoked)
    service.certificates.delete(service.certificates.get(name))
    for step, method in {
        "upload": "PUT",
        "code": "POST",
        "verify": "POST",
        "group": "PUT",
        "revoke": "PUT",
        "disable": "PUT",
        "roll_over": "PUT",
        "records": "POST",
        "delete_ca": "DELETE",
    }.items():
        assert method in [each.method for each in service.wire[step]], step


def test_the_trail_has_each_etag_and_the_step_that_brought_it(
    workspace: Workspace, service: Service, authority: CertificateAuthority, name: str
) -> None:
    proved(service, name, authority, workspace)
    facts = workspace.facts
    assert [step for step, _ in facts.etags] == ["upload", "verification code", "verification"]
    assert facts.etags[-1][1] == service.certificates.get(name).etag
    assert (facts.registered_role, facts.certificate_name, facts.verified) == ("root", name, True)
    service.certificates.upload(name, authority.certificate)
    assert workspace.facts == facts, "the same again changes nothing"


def test_a_call_about_another_ca_changes_no_notes(
    workspace: Workspace, service: Service, authority: CertificateAuthority, name: str
) -> None:
    proved(service, name, authority, workspace)
    before = workspace.facts
    other = CertificateAuthority.create_root("Other")
    with_code = service.certificates.generate_verification_code(
        service.certificates.upload(f"{name}-2", other.certificate)
    )
    service.certificates.verify(with_code, other.sign_verification_code(str(with_code.verification_code)))
    assert service.certificates.get(f"{name}-2").verified
    assert workspace.facts == before.model_copy(update={"next_certificate_name": f"{name}-2"})
    service.certificates.delete(with_code)
    assert workspace.facts == before


MAKES: dict[str, Callable[[Service, str, CertificateAuthority], object]] = {
    "next_certificate_name": lambda service, name, ca: service.certificates.upload(f"{name}-2", ca.certificate),
    "revoked_device": lambda service, name, ca: service.individual_enrollments.create(
        IndividualEnrollment(name, ca.certificate, enabled=False)
    ),
}


@pytest.mark.parametrize("fact", MAKES)
def test_a_resource_is_noted_before_it_is_created_unless_it_belongs_to_others(
    workspace: Workspace,
    service: Service,
    dps: ProvisioningService,
    authority: CertificateAuthority,
    name: str,
    fact: str,
) -> None:
    service.certificates.upload(name, authority.certificate)
    MAKES[fact](service, name, authority)
    assert getattr(workspace.facts, fact)
    workspace.update(**{fact: None})  # another walkthrough has created it
    with pytest.raises(DpsError) as caught:
        MAKES[fact](service, name, CertificateAuthority.create_root("Mine"))
    assert caught.value.status == 409
    assert getattr(workspace.facts, fact) is None
    if fact == "revoked_device":
        dps.individual_enrollments.delete(dps.individual_enrollments.get(name))


def test_after_any_other_refusal_the_note_stays_because_the_resource_may_exist(workspace: Workspace) -> None:
    notes = Notes(workspace)
    with pytest.raises(DpsError), notes.to_be_removed(revoked_device="pump-1"):
        raise DpsError("It faltered.", "The answer was lost.", "Again.", status=500)
    assert workspace.facts.revoked_device == "pump-1"


def test_a_next_ca_that_the_same_cell_uploads_again_takes_the_place_of_the_first(
    service: Service, dps: ProvisioningService, authority: CertificateAuthority, name: str
) -> None:
    service.certificates.upload(name, authority.certificate)
    first, second = (
        service.certificates.upload(f"{name}-next", CertificateAuthority.create_root("Next").certificate)
        for _ in range(2)
    )
    assert first.thumbprint != second.thumbprint == dps.certificates.get(f"{name}-next").thumbprint


def test_outcomes_of_registrations_are_noted_by_the_devices_id(workspace: Workspace) -> None:
    notes = Notes(workspace)
    notes.registration("pump-1", Registration("pump-1", "pump-1", "hub", "assigned", ""))
    notes.registration("stranger", DpsError("No.", "It is unknown.", "Go.", status=401))
    assert workspace.outcomes("06_provision_devices") == {"pump-1": "hub", "stranger": 401}


def test_a_rehearsal_changes_no_notes_about_the_walkthroughs_own(
    workspace: Workspace, dps: ProvisioningService, authority: CertificateAuthority, name: str
) -> None:
    workspace.save_authority("root", authority)
    proved(Service(dps, RehearsalNotes(workspace)), name, authority, workspace)
    service = Service(dps, RehearsalNotes(workspace))
    service.enrollment_groups.create(EnrollmentGroup(name, CaReference(name)))
    assert service.certificates.get(name).verified
    assert workspace.facts == Facts(verification_code=workspace.facts.verification_code)


def test_a_key_file_is_not_uploaded_by_mistake(workspace: Workspace, service: Service, name: str) -> None:
    for file in ("root.key.pem", "root.pem"):
        if file == "root.pem":
            assert service.certificates.upload(name, workspace.folder / "ca" / file).name == name
            continue
        with pytest.raises(Problem, match=r"root\.key\.pem was not sent"):
            service.certificates.upload(name, workspace.folder / "ca" / file)


def test_the_repr_of_a_walkthrough_has_only_its_folder_and_target(workspace: Workspace) -> None:
    assert repr(lesson.open(workspace.folder)) == "Walkthrough('workspace', target None)"


def test_lesson_open_refuses_a_folder_that_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("private")
    with pytest.raises(Problem, match="is not a workspace"):
        lesson.open(tmp_path)


def test_choices_are_remembered_when_a_cell_reads_them(workspace: Workspace, name: str) -> None:
    walk(workspace, name, last="00")
    first = Notebook("01", workspace)
    first.call(until="wanted = form.value")
    for typed in ("RSA", "EC", "RSA"):
        first.type_in(key_type=typed)
        assert first.form.value.key_type == typed
        assert workspace.facts.choices["key_type"] == typed
    again = Notebook("01", workspace)
    again.call(until="wanted = form.value")
    assert again.form.value.key_type == "RSA"
    assert Notebook("06", workspace).names["registration_id"] == "pump-1"
    in_06 = lesson.open(workspace.folder).form(lesson.ProvisionDevices, {"registration_id": name, "fleet_size": 3})
    assert in_06.value.fleet_size == 3
    assert (
        lesson.open(workspace.folder).form(lesson.EndAccess, {"registration_id": "pump-1"}).value.registration_id
        == name
    )
