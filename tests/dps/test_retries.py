"""Changes while the service fails temporarily: each takes effect once, and the result is the right one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.certificates import CertificateAuthority, certificate_pem
from helpers.dps import (
    CaReference,
    DpsError,
    EnrollmentGroup,
    ProvisioningService,
    RegisteredCertificate,
    SigningCertificate,
    connect_local,
    read_and_change,
)
from helpers.local_dps import Fault, RequestRecord, running
from tests.faults import Once

AUTHORITY = CertificateAuthority.create_root("Factory Root")


@contextmanager
def unreliable(place: Path) -> Iterator["UnreliableService"]:
    """A local DPS that works normally until a test asks for a fault."""
    faults = Once()
    seen: list[RequestRecord] = []
    with running(place / "state", observe=seen.append, faults=faults):
        service = connect_local(place / "state" / "connection.json")
        yield UnreliableService(service, faults, seen)
        service.close()


class UnreliableService:
    """A connected service, and the faults to cause on the way to it."""

    def __init__(self, service: ProvisioningService, faults: Once, seen: list[RequestRecord]) -> None:
        self.service = service
        self.faults = faults
        self.seen = seen

    def breaks(self, fault: Fault, method: str, end: str, times: int = 1) -> None:
        self.faults.cause(fault, method, end, times)
        self.seen.clear()

    def made(self, method: str, end: str) -> int:
        """The number of such requests that took effect."""
        asked = [each for each in self.seen if each.method == method and each.path.endswith(end)]
        return sum(1 for each in asked if each.status in (200, 204) or "drop-answer" in (each.fault or ""))

    def upload(self) -> RegisteredCertificate:
        return self.service.certificates.upload("factory", certificate_pem(AUTHORITY.certificate))

    def code(self) -> RegisteredCertificate:
        return self.service.certificates.generate_verification_code(self.upload())


@pytest.fixture
def line(tmp_path: Path) -> Iterator[UnreliableService]:
    with unreliable(tmp_path) as made:
        yield made


def test_an_upload_whose_answer_was_lost_is_found(line: UnreliableService) -> None:
    line.breaks(Fault.DROP_ANSWER, "PUT", "/factory")
    assert line.upload() == line.service.certificates.get("factory")
    assert line.made("PUT", "/factory") == 1


def test_an_upload_that_never_arrived_is_sent_again(line: UnreliableService) -> None:
    line.breaks(Fault.DROP_REQUEST, "PUT", "/factory")
    assert line.upload().name == "factory"


def test_a_code_whose_answer_was_lost_is_generated_again(line: UnreliableService) -> None:
    registered = line.upload()
    line.breaks(Fault.DROP_ANSWER, "POST", "/generateVerificationCode")
    with_code = line.service.certificates.generate_verification_code(registered)
    assert line.made("POST", "/generateVerificationCode") == 2
    proof = AUTHORITY.sign_verification_code(str(with_code.verification_code))
    assert line.service.certificates.verify(with_code, certificate_pem(proof.certificate)).verified


def test_a_request_for_a_code_that_never_arrived_is_sent_again_with_the_same_etag(line: UnreliableService) -> None:
    registered = line.upload()
    line.breaks(Fault.DROP_REQUEST, "POST", "/generateVerificationCode")
    assert line.service.certificates.generate_verification_code(registered).verification_code
    sent = {each.headers["if-match"] for each in line.seen if each.method == "POST" and "Code" in each.path}
    assert sent == {f'"{registered.etag}"'}


@pytest.mark.parametrize("fault", [Fault.DROP_ANSWER, Fault.DROP_REQUEST])
def test_a_verification_whose_answer_was_lost_takes_effect_once(line: UnreliableService, fault: Fault) -> None:
    with_code = line.code()
    proof = AUTHORITY.sign_verification_code(str(with_code.verification_code))
    line.breaks(fault, "POST", "/verify")
    verified = line.service.certificates.verify(with_code, certificate_pem(proof.certificate))
    assert verified.verified
    assert verified == line.service.certificates.get("factory")
    assert line.made("POST", "/verify") == 1


@pytest.mark.parametrize("fault", [Fault.DROP_ANSWER, Fault.DROP_REQUEST])
def test_a_deletion_whose_answer_was_lost_succeeds(line: UnreliableService, fault: Fault) -> None:
    registered = line.upload()
    line.breaks(fault, "DELETE", "/factory")
    line.service.certificates.delete(registered)
    assert line.service.certificates.list() == []


@pytest.mark.parametrize("fault", [Fault.DROP_ANSWER, Fault.DROP_REQUEST])
@pytest.mark.parametrize("attestation", [CaReference("factory"), SigningCertificate(AUTHORITY.certificate)])
def test_a_group_is_created_changed_and_deleted_once(
    line: UnreliableService, fault: Fault, attestation: CaReference | SigningCertificate
) -> None:
    line.upload()
    groups = line.service.enrollment_groups
    line.breaks(fault, "PUT", "/pumps")
    group = groups.create(EnrollmentGroup("pumps", attestation))
    assert group.etag == groups.get("pumps").etag
    line.breaks(fault, "PUT", "/pumps")
    changed = groups.disable(group)
    assert not changed.enabled
    assert line.made("PUT", "/pumps") == 1
    line.breaks(fault, "DELETE", "/pumps")
    groups.delete(changed)
    assert groups.list() == []


def test_a_different_group_with_that_name_is_still_a_conflict(line: UnreliableService) -> None:
    line.upload()
    groups = line.service.enrollment_groups
    groups.create(EnrollmentGroup("pumps", CaReference("factory")))
    with pytest.raises(DpsError) as caught:
        groups.create(EnrollmentGroup("pumps", SigningCertificate(AUTHORITY.certificate)))
    assert caught.value.status == 409


@pytest.mark.parametrize("fault", [Fault.INTERNAL_ERROR, Fault.UNAVAILABLE, Fault.THROTTLE])
def test_a_request_to_a_busy_service_is_retried(line: UnreliableService, fault: Fault) -> None:
    line.breaks(fault, "GET", "/local-dps")
    assert line.service.describe().name == "local-dps"


def test_a_token_whose_answer_was_lost_is_requested_again(line: UnreliableService) -> None:
    line.breaks(Fault.DROP_ANSWER, "POST", "/token")
    assert line.service.certificates.list() == []


@pytest.mark.parametrize("fault", [Fault.INTERNAL_ERROR, Fault.UNAVAILABLE, Fault.THROTTLE])
@pytest.mark.parametrize(("method", "end"), [("GET", "/openid-configuration"), ("POST", "/token")])
def test_a_request_to_a_failing_token_endpoint_is_retried(
    line: UnreliableService, fault: Fault, method: str, end: str
) -> None:
    """The helper retries after azure-identity has given up, whose error says only in its text that the failure is temporary.

    For five more seconds, MSAL returns the cached failure to every caller.
    """
    line.breaks(fault, method, end, times=4)
    assert line.service.certificates.list() == []


def test_a_stale_value_is_rejected_and_never_forced(line: UnreliableService) -> None:
    stale = line.upload()
    line.service.certificates.generate_verification_code(stale)
    for change in (line.service.certificates.generate_verification_code, line.service.certificates.delete):
        with pytest.raises(DpsError) as caught:
            change(stale)
        assert caught.value.status == 412


def test_reading_again_overcomes_an_etag_that_changed_in_between(line: UnreliableService) -> None:
    line.upload()
    certificates = line.service.certificates
    line.breaks(Fault.CHANGE_ETAG, "POST", "/generateVerificationCode", times=3)
    with_code = read_and_change(lambda: certificates.get("factory"), certificates.generate_verification_code)
    assert with_code.etag == certificates.get("factory").etag


def test_a_value_that_changes_before_each_attempt_is_a_412(line: UnreliableService) -> None:
    line.upload()
    certificates = line.service.certificates
    line.breaks(Fault.CHANGE_ETAG, "POST", "/generateVerificationCode", times=99)
    with pytest.raises(DpsError) as caught:
        read_and_change(lambda: certificates.get("factory"), certificates.generate_verification_code)
    assert caught.value.status == 412


def test_another_certificate_that_took_the_name_is_not_given_a_code(line: UnreliableService) -> None:
    """The answer is lost, and before the helper reads the certificate, another one has been registered under its name."""
    registered = line.upload()
    with pytest.raises(DpsError) as caught:
        line.service.certificates.generate_verification_code(replace(registered, etag="stale", thumbprint="0" * 40))
    assert caught.value.status == 412
