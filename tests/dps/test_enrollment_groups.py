"""Enrollment groups through the service SDK."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from helpers.certificates import CertificateAuthority, certificate_pem
from helpers.dps import (
    AllocationPolicy,
    CaReference,
    CustomAllocation,
    DpsError,
    EnrollmentGroup,
    ReprovisionPolicy,
    SigningCertificate,
)
from helpers.problem import Problem
from tests.dps.wire import Wire

TWIN = {"tags": {"floor": 3}, "properties": {"desired": {"every": {"seconds": 30}, "name": "Größe"}}}


@pytest.fixture(autouse=True)
def _registered_cas(wire: Wire, ca: CertificateAuthority, other_ca: CertificateAuthority) -> None:
    wire.certificates.upload("factory", certificate_pem(ca.certificate))
    wire.certificates.upload("spare", certificate_pem(other_ca.certificate))


@pytest.fixture
def group(wire: Wire) -> EnrollmentGroup:
    return wire.groups.create(EnrollmentGroup("pumps", CaReference("factory")))


# --- create, read, list ---


@pytest.mark.parametrize("reference", [CaReference("factory"), CaReference("factory", "spare")])
def test_a_group_is_bound_to_registered_cas(wire: Wire, reference: CaReference) -> None:
    wanted = EnrollmentGroup("pumps", reference)
    created = wire.groups.create(wanted)
    assert created.etag
    assert replace(created, etag=None) == wanted
    assert wire.groups.get("pumps") == created


def test_a_group_is_bound_to_its_own_certificates_and_they_are_not_returned(
    wire: Wire, ca: CertificateAuthority, other_ca: CertificateAuthority
) -> None:
    given = SigningCertificate(ca.certificate, other_ca.certificate)
    created = wire.groups.create(EnrollmentGroup("pumps", given))
    assert created.attestation == given
    read = wire.groups.get("pumps")
    assert read == replace(created, attestation=SigningCertificate(None))

    before = len(wire.seen)
    with pytest.raises(Problem, match="no attestation"):
        wire.groups.update(replace(read, enabled=False))
    assert len(wire.seen) == before
    assert not wire.groups.update(replace(read, attestation=given, enabled=False)).enabled


@pytest.mark.parametrize(
    "change",
    [
        {"enabled": False},
        {"allocation_policy": AllocationPolicy.HASHED},
        {"allocation_policy": AllocationPolicy.GEO_LATENCY},
        {"allocation_policy": AllocationPolicy.CUSTOM, "custom_allocation": CustomAllocation("https://a.example/f")},
        {"reprovision_policy": ReprovisionPolicy(update_hub_assignment=False, migrate_device_data=False)},
        {"reprovision_policy": ReprovisionPolicy(update_hub_assignment=True, migrate_device_data=False)},
        {"initial_twin": TWIN},
        {"group_id": "A.b_c:d-9"},
        {"group_id": "x" * 128},
        {"group_id": "-"},
    ],
    ids=lambda change: "-".join(change),
)
def test_each_field_comes_back_as_it_was_given(wire: Wire, change: dict[str, Any]) -> None:
    wanted = replace(EnrollmentGroup("pumps", CaReference("factory")), **change)
    created = wire.groups.create(wanted)
    assert replace(wire.groups.get(wanted.group_id), etag=None) == replace(created, etag=None) == wanted


def test_hubs_come_back_as_they_were_given(wire: Wire) -> None:
    hubs = tuple(wire.connection["iot_hubs"])
    wanted = EnrollmentGroup("pumps", CaReference("factory"), iot_hubs=hubs[:1])
    static = replace(wanted, group_id="valves", allocation_policy=AllocationPolicy.STATIC)
    assert hubs
    assert [replace(wire.groups.create(each), etag=None) for each in (wanted, static)] == [wanted, static]


def test_all_groups_are_listed(wire: Wire) -> None:
    assert wire.groups.list() == []
    made = [wire.groups.create(EnrollmentGroup(f"line-{n:02}", CaReference("factory"))) for n in range(12)]
    assert sorted(wire.groups.list(), key=lambda each: each.group_id) == made


# --- update, disable, delete ---


def test_an_update_replaces_the_group_and_sends_its_etag(wire: Wire, group: EnrollmentGroup) -> None:
    wanted = replace(
        group,
        attestation=CaReference("spare", "factory"),
        allocation_policy=AllocationPolicy.STATIC,
        iot_hubs=(wire.connection["iot_hubs"][0],),
        reprovision_policy=ReprovisionPolicy(update_hub_assignment=False, migrate_device_data=False),
        initial_twin=TWIN,
    )
    updated = wire.groups.update(wanted)
    assert (wire.last_if_match() or "").strip('"') == group.etag
    assert updated.etag != group.etag
    assert updated == wire.groups.get("pumps") == replace(wanted, etag=updated.etag)
    plain = wire.groups.update(replace(group, etag=updated.etag))
    assert replace(plain, etag=None) == replace(group, etag=None)


def test_a_group_is_disabled_and_enabled_again(wire: Wire, group: EnrollmentGroup) -> None:
    disabled = wire.groups.disable(group)
    assert disabled == replace(group, enabled=False, etag=disabled.etag)
    assert wire.groups.update(replace(disabled, enabled=True)).enabled


def test_a_group_is_deleted_by_its_etag(wire: Wire, group: EnrollmentGroup) -> None:
    wire.groups.delete(group)
    assert (wire.last_if_match() or "").strip('"') == group.etag
    assert wire.groups.list() == []


@pytest.mark.parametrize("method", ["update", "disable", "delete"])
def test_a_stale_value_changes_nothing(wire: Wire, group: EnrollmentGroup, method: str) -> None:
    newer = wire.groups.update(replace(group, initial_twin=TWIN))
    with pytest.raises(DpsError) as caught:
        getattr(wire.groups, method)(group)
    assert caught.value.status == 412
    assert "ETag" in caught.value.next_step
    assert wire.groups.get("pumps") == newer


def test_a_name_that_exists_is_a_409_and_the_group_stays(wire: Wire, group: EnrollmentGroup) -> None:
    with pytest.raises(DpsError) as caught:
        wire.groups.create(EnrollmentGroup("pumps", CaReference("spare"), enabled=False))
    assert caught.value.status == 409
    assert wire.groups.get("pumps") == group
    assert "*" not in {each.headers.get("if-match") for each in wire.seen}


# --- rejected before anything is sent ---


@pytest.mark.parametrize("method", ["update", "disable", "delete"])
def test_a_value_that_was_never_read_changes_nothing(wire: Wire, group: EnrollmentGroup, method: str) -> None:
    before = len(wire.seen)
    with pytest.raises(Problem):
        getattr(wire.groups, method)(replace(group, etag=None))
    assert len(wire.seen) == before
    assert wire.groups.get("pumps") == group


@pytest.mark.parametrize("attestation", [None, CaReference(""), SigningCertificate(None)])
def test_a_group_without_attestation_is_not_sent(
    wire: Wire, attestation: CaReference | SigningCertificate | None
) -> None:
    before = len(wire.seen)
    with pytest.raises(Problem, match="no attestation"):
        wire.groups.create(EnrollmentGroup("pumps", attestation))
    assert len(wire.seen) == before


@pytest.mark.parametrize("group_id", ["", "two words", "a/b", "x" * 129, "ends.", "ends_", "ends:", "ü", "a\n", ".."])
def test_an_invalid_id_is_not_sent(wire: Wire, group_id: str) -> None:
    before = len(wire.seen)
    with pytest.raises(Problem, match="id"):
        wire.groups.create(EnrollmentGroup(group_id, CaReference("factory")))
    assert len(wire.seen) == before


# --- rejected by the service ---


@pytest.mark.parametrize("reference", [CaReference("nobody"), CaReference("factory", "nobody")])
def test_an_unknown_ca_is_a_400(wire: Wire, reference: CaReference) -> None:
    with pytest.raises(DpsError) as caught:
        wire.groups.create(EnrollmentGroup("pumps", reference))
    assert caught.value.status == 400
    assert "nobody" in str(caught.value)
    assert wire.groups.list() == []


@pytest.mark.parametrize(
    "change",
    [
        {"iot_hubs": ("unknown.azure-devices.net",)},
        {
            "allocation_policy": AllocationPolicy.STATIC,
            "iot_hubs": ("local-hub-1.azure-devices.net", "local-hub-2.azure-devices.net"),
        },
    ],
)
def test_an_update_that_the_service_rejects_changes_nothing(
    wire: Wire, group: EnrollmentGroup, change: dict[str, Any]
) -> None:
    with pytest.raises(DpsError) as caught:
        wire.groups.update(replace(group, **change))
    assert caught.value.status == 400
    assert wire.groups.get("pumps") == group


Use = Callable[[Wire, EnrollmentGroup], Any]
USES: dict[str, Use] = {
    "get": lambda wire, gone: wire.groups.get(gone.group_id),
    "update": lambda wire, gone: wire.groups.update(gone),
}


def test_deleting_a_group_that_is_already_gone_succeeds(wire: Wire, group: EnrollmentGroup) -> None:
    for _ in range(2):
        wire.groups.delete(group)
    assert wire.groups.list() == []


def test_creating_the_same_group_again_returns_the_existing_one(wire: Wire, group: EnrollmentGroup) -> None:
    assert wire.groups.create(replace(group, etag=None)) == group
    assert wire.groups.get(group.group_id).etag == group.etag


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_group_that_does_not_exist_is_a_404(wire: Wire, group: EnrollmentGroup, use: Use) -> None:
    with pytest.raises(DpsError) as caught:
        use(wire, replace(group, group_id="nobody"))
    assert caught.value.status == 404
    assert wire.groups.list() == [group]


@pytest.mark.parametrize("group_id", ["", "..", "a/b", "ü"])
def test_reading_an_invalid_id_is_a_problem(wire: Wire, group_id: str) -> None:
    with pytest.raises(Problem):
        wire.groups.get(group_id)
