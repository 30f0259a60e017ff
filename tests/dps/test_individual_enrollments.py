"""Individual enrollments, at a real local DPS."""

from dataclasses import replace

import pytest

from helpers.certificates import CertificateAuthority
from helpers.dps import DpsError, IndividualEnrollment, IndividualEnrollments
from helpers.problem import Problem
from tests.dps.wire import Wire

CA = CertificateAuthority.create_root("Factory")
MINE = CA.issue_device("pump-1").certificate
DISABLED = IndividualEnrollment("pump-1", MINE, enabled=False)


@pytest.fixture
def individuals(wire: Wire) -> IndividualEnrollments:
    return wire.service.individual_enrollments


def test_one_is_created_and_read_without_the_certificate_which_the_service_does_not_return(
    individuals: IndividualEnrollments,
) -> None:
    created = individuals.create(DISABLED)
    assert replace(created, etag=None) == DISABLED
    assert individuals.get("PUMP-1") == replace(created, certificate=None)
    assert individuals.list() == [replace(created, certificate=None)]


def test_creating_the_same_one_again_returns_it_and_a_different_one_is_a_409(
    individuals: IndividualEnrollments,
) -> None:
    created = individuals.create(DISABLED)
    assert individuals.create(DISABLED) == created
    others = (replace(DISABLED, enabled=True), replace(DISABLED, certificate=CA.issue_device("pump-1").certificate))
    for other in others:
        with pytest.raises(DpsError) as caught:
            individuals.create(other)
        assert caught.value.status == 409
    assert individuals.get("pump-1").etag == created.etag


def test_it_is_enabled_and_deleted_by_its_etag(individuals: IndividualEnrollments) -> None:
    created = individuals.create(DISABLED)
    enabled = individuals.update(replace(created, enabled=True))
    assert enabled.enabled
    with pytest.raises(DpsError) as caught:
        individuals.delete(created)
    assert caught.value.status == 412
    individuals.delete(enabled)
    assert individuals.list() == []


@pytest.mark.parametrize("wrong", [replace(DISABLED, certificate=None), replace(DISABLED, registration_id="a b")])
def test_an_invalid_enrollment_is_not_sent(
    wire: Wire, individuals: IndividualEnrollments, wrong: IndividualEnrollment
) -> None:
    with pytest.raises(Problem, match="can't be enrolled"):
        individuals.create(wrong)
    assert wire.changes() == []
