"""The walkthrough's calls while one request in seven fails, in each possible way."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from helpers.certificates import (
    CertificateAuthority,
    DeviceCredential,
    accept_verification_certificate,
    request_verification_certificate,
)
from helpers.dps import (
    CaReference,
    EnrollmentGroup,
    IndividualEnrollment,
    ProvisioningService,
    connect_local,
    require_registered,
)
from helpers.lesson.experiments import DeviceTrials, PkiTeam
from helpers.lesson.targets.notes import Notes
from helpers.lesson.targets.service import Service
from helpers.local_dps import Fault, Faults, running
from helpers.workspace import Workspace
from tests.faults import Once

DEVICE = "pump-1"


@contextmanager
def unreliable(folder: Path, faults: Faults) -> Iterator[ProvisioningService]:
    with running(folder / "state", faults=faults) as connection:
        service = connect_local(Path(connection["ca_file"]).with_name("connection.json"))
        yield service
        service.close()


def walk(place: Workspace, dps: Service) -> None:
    """Make each call of a service at least once, as the cells of 02 to 07 and of the clean-up make it."""
    assert dps.describe().iot_hubs
    root = CertificateAuthority.create_root("Root")
    below = root.create_intermediate("Intermediate")
    place.save_authority("root", root)
    place.save_authority("intermediate", below)
    registered = dps.certificates.upload("ca", below.certificate)
    code = dps.certificates.generate_verification_code(registered).verification_code
    place.update(verification_code=code)
    registered = dps.certificates.get("ca")
    assert dps.certificates.verify(registered, below.sign_verification_code(str(code))).verified
    facts = place.facts
    assert (facts.verified, facts.used_code, facts.etags[-1][1]) == (True, code, dps.certificates.get("ca").etag)
    group = dps.enrollment_groups.create(EnrollmentGroup("group", CaReference("ca")))
    group = dps.enrollment_groups.create(EnrollmentGroup("group", CaReference("ca"), iot_hubs=dps.describe().iot_hubs))
    place.devices_folder.mkdir(exist_ok=True)
    device = DeviceCredential.in_folder(place.devices_folder, DEVICE)
    device.save(below.issue_device(DEVICE))
    require_registered(dps.devices.register_all([device]))
    assert dps.devices.register(device).assigned_hub
    assert [each.registration_id for each in dps.devices.records("group")] == [DEVICE]
    revoked = dps.individual_enrollments.create(IndividualEnrollment(DEVICE, device.certificate, enabled=False))
    assert place.facts.revoked_device == DEVICE
    dps.individual_enrollments.delete(revoked)
    dps.enrollment_groups.disable(group)
    following = CertificateAuthority.create_root("Next")
    uploaded = dps.certificates.upload("ca-next", following.certificate)
    with_code = dps.certificates.generate_verification_code(uploaded)
    proof = following.sign_verification_code(str(with_code.verification_code))
    assert dps.certificates.verify(with_code, proof).verified
    both = EnrollmentGroup("group", CaReference("ca", "ca-next"), etag=group.etag)
    assert dps.enrollment_groups.update(both).enabled
    assert dps.enrollment_groups.get("group").attestation == both.attestation
    assert [each.name for each in dps.certificates.list()] == ["ca", "ca-next"]
    dps.certificates.delete(dps.certificates.get("ca-next"))
    assert (place.facts.revoked_device, place.facts.next_certificate_name) == (None, None)
    dps.remove(place.facts)


@pytest.mark.parametrize("fault", Fault)
def test_every_call_is_made(tmp_path: Path, fault: Fault) -> None:
    rate = 0.4 if fault is Fault.CHANGE_ETAG else 0.15  # only a third of the requests names an ETag
    faults = Faults({fault: rate}, seed=1)
    with unreliable(tmp_path, faults) as service:
        place = Workspace(tmp_path / "workspace")
        walk(place, Service(service, Notes(place)))
        assert (service.certificates.list(), service.enrollment_groups.list()) == ([], [])
        assert service.individual_enrollments.list() == []
    assert faults.counts[fault] >= 3, "hardly a fault was met: choose another seed"


def test_a_change_with_a_stale_etag_is_repeated_once(tmp_path: Path) -> None:
    """Each value that the test changes is stale."""
    with unreliable(tmp_path, Faults()) as service:
        place = Workspace(tmp_path / "workspace")
        dps = Service(service, Notes(place))
        authority = CertificateAuthority.create_root("Root")
        place.save_authority("root", authority)
        stale = dps.certificates.upload("ca", authority.certificate)
        service.certificates.generate_verification_code(stale)
        with_code = dps.certificates.generate_verification_code(stale)
        proof = authority.sign_verification_code(str(with_code.verification_code))
        assert dps.certificates.verify(stale, proof).verified
        group = dps.enrollment_groups.create(EnrollmentGroup("group", CaReference("ca")))
        dps.enrollment_groups.disable(group)
        assert dps.enrollment_groups.update(group).enabled
        assert not dps.enrollment_groups.disable(group).enabled
        dps.certificates.delete(stale)
        assert service.certificates.list() == []


def test_experiments_repeat_a_change_with_a_stale_etag(workspace: Workspace) -> None:
    workspace.update(target="local")
    workspace.local_dps_folder.unlink()  # the shared one
    faults = Once()
    with running(workspace.local_dps_folder, faults=faults):
        with closing(PkiTeam(workspace)) as team, team.registered_for_a_moment() as theirs:
            code = str(theirs.verification_code)
            signed = team.sign(request_verification_certificate(code))
            proof = accept_verification_certificate(signed, team.certificate, code)
            faults.cause(Fault.CHANGE_ETAG, "POST", "/verify")
            assert team.dps.certificates.verify(theirs, proof).verified
            assert faults.left == 0
        faults.cause(Fault.CHANGE_ETAG, "PUT", "/enrollmentGroups/[^/]+")
        assert DeviceTrials(workspace).deleted_group().accepted == [False, True]
        assert faults.left == 0
