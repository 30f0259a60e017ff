"""Mistakes on purpose, against a real local DPS: a stale ETag, self-attestation, the attack and the audit."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes

from helpers import lesson
from helpers.certificates import CertificateAuthority
from helpers.dps import ProvisioningService, stop_local_dps
from helpers.lesson.experiments.attack import Attack, Audit
from helpers.lesson.targets import rehearse
from helpers.lesson.targets.scratch import registered_for_a_moment, remove_leftovers
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.lesson.cells import walk
from tests.modes import has_mode


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace whose CA is registered with its own local DPS."""
    workspace = Workspace(tmp_path_factory.mktemp("experiments") / "workspace")
    walk(workspace, "mine", last="02")
    yield workspace
    stop_local_dps(workspace.local_dps_folder)


@pytest.fixture
def dps(place: Workspace) -> Iterator[ProvisioningService]:
    with closing(rehearse(place)) as service:
        yield service


def names(dps: ProvisioningService) -> list[str]:
    return [each.name for each in dps.certificates.list()]


# --- the stale ETag ---


def test_a_stale_etag_is_refused_with_412_and_the_present_one_is_accepted(place: Workspace) -> None:
    tried = lesson.open(place.folder).send_both_etags()
    assert (tried.refusal.status, tried.refusal.code) == (412, "412001")
    assert [step for step, _ in tried.etags] == ["upload", "verification code", "verification"]
    assert len({etag for _, etag in tried.etags}) == 3
    for shown in (repr(tried), tried._repr_html_()):
        assert "412" in shown
        assert "DPS accepts the same proof" in shown
        assert all(etag in shown for _, etag in tried.etags)


def test_it_does_not_touch_the_walkthroughs_own_resources(place: Workspace, dps: ProvisioningService) -> None:
    before = dps.certificates.get("mine"), place.facts
    lesson.open(place.folder).send_both_etags()
    lesson.open(place.folder).compare_with_self_attestation()
    assert (dps.certificates.get("mine"), place.facts) == before
    assert names(dps) == ["mine"]


# --- self-attestation ---


def test_self_attestation_verifies_a_ca_without_its_key_and_a_proof_does_not(place: Workspace) -> None:
    compared = lesson.open(place.folder).compare_with_self_attestation()
    assert compared.attested.verified
    assert (compared.without_key.status, compared.without_key.code) == (400, "400053")
    assert "CA whose key was deleted" in repr(compared)
    assert "Walkthrough Intermediate CA" in compared._repr_html_()


def test_only_the_leftovers_of_a_killed_experiment_are_removed(dps: ProvisioningService) -> None:
    passing = CertificateAuthority.create_root("Passing")
    with registered_for_a_moment(dps, passing.certificate):
        assert len(names(dps)) == 2
        remove_leftovers(dps)
        assert names(dps) == ["mine"]
    assert names(dps) == ["mine"]


# --- the attack ---


@pytest.fixture
def attack(place: Workspace) -> Iterator[Attack]:
    staged = Attack(place)
    yield staged
    staged.end()


def test_proof_stops_the_attack_self_attestation_does_not_and_the_owner_sees_nothing(attack: Attack) -> None:
    assert attack.pump_at_home().accepted == [True]
    assert "Contoso Factory CA" in repr(attack.take_public_part())
    refusal = attack.try_to_prove()
    assert (refusal.status, refusal.code) == (400, "400053")
    assert "“not-mine”, VERIFIED" in repr(attack.attest_himself())
    lured = attack.change_id_scope()
    assert lured.accepted == [True]
    assert "mallory-hub" in repr(lured)
    assert "Act 3 of 5" in repr(attack.scene())
    assert attack.own_devices().accepted == [False, False]
    assert "Act 4 of 5" in repr(attack.scene())
    after = attack.owners_view()
    assert "Act 5 of 5" in repr(attack.scene())
    assert after.is_unchanged
    assert "not even an ETag" in repr(after)
    assert "contoso-pump at contoso-hub.azure-devices.net" in repr(after)
    assert attack.pump_at_home().accepted == [True]


def test_the_owner_would_see_it_if_something_had_changed(attack: Attack) -> None:
    attack.pump_at_home()
    assert attack.owners_view().is_unchanged
    group = attack._owner.enrollment_groups.get("pumps")
    attack._owner.enrollment_groups.disable(group)
    assert not attack.owners_view().is_unchanged
    assert "something has changed" in repr(attack.owners_view())


def test_without_attestation_the_attackers_service_rejects_the_pump(attack: Attack) -> None:
    attack.try_to_prove()
    assert attack.change_id_scope().accepted == [False]


def test_no_service_accepts_the_attackers_own_devices(attack: Attack) -> None:
    attack.attest_himself()
    assert attack.own_devices().accepted == [False, False]


def test_the_attack_can_be_staged_again_even_if_it_was_never_ended(place: Workspace) -> None:
    first = Attack(place)
    first.attest_himself()
    second = Attack(place)
    second.attest_himself()
    assert second.change_id_scope().accepted == [True]
    second.end()
    second.end()


def test_a_move_after_the_end_says_that_it_is_over(place: Workspace) -> None:
    over = Attack(place)
    over.end()
    with pytest.raises(Problem, match="attack is over") as caught:
        over.change_id_scope()
    assert "from the top" in caught.value.next_step


def test_the_root_which_no_pump_sends_is_not_listed_as_taken(attack: Attack) -> None:
    root, *sent = repr(attack.take_public_part()).splitlines()[1:]
    assert "[not sent]" in root
    assert all("[sent in the handshake]" in line for line in sent)


def test_the_keys_of_the_story_are_private_files(attack: Attack, place: Workspace) -> None:
    attack.own_devices()
    keys = [place.devices_folder / "attack" / f"{name}.key" for name in ("contoso-pump", "mallory-pump")]
    assert [has_mode(key, 0o600) for key in keys] == [True, True]


# --- the audit ---


def test_the_audit_accuses_verified_cas_of_others_only(place: Workspace, dps: ProvisioningService) -> None:
    foreign = CertificateAuthority.create_root("Foreign").certificate
    harmless = audited(place)
    assert harmless.suspects == []
    assert "not verified: DPS accepts no device through it" in repr(harmless)
    with registered_for_a_moment(dps, foreign, self_attested=True) as attested:
        found = audited(place)
        assert [each.name for each in found.suspects] == [attested.name]
        assert "whose CA is it?" in found._repr_html_()
        assert attested.thumbprint in repr(found)
        own = place.authority_certificate("root")
        dps.certificates.upload("my-root", own, self_attested=True)
        assert [each.name for each in audited(place).suspects] == [attested.name]
    dps.certificates.delete(dps.certificates.get("my-root"))


def audited(place: Workspace) -> Audit:
    found = lesson.open(place.folder).audit()
    assert isinstance(found, Audit)
    return found


def test_with_the_portal_there_is_nothing_to_accuse_but_what_to_compare(place: Workspace, tmp_path: Path) -> None:
    by_hand = Workspace(tmp_path / "by-hand")
    by_hand.save_authority("root", CertificateAuthority.create_root("Compared"))
    walkthrough = lesson.open(by_hand.folder)
    walkthrough.choose(lesson.StartHere(target="portal", provisioning_service="contoso-dps", id_scope="0ne00112233"))
    told = walkthrough.audit()
    thumbprint = by_hand.authority_certificate("root").fingerprint(hashes.SHA1()).hex().upper()
    assert f"Compared: SHA-1 {thumbprint}" in repr(told)
    assert "✔" not in repr(told)


def test_an_audit_of_nothing_is_still_a_picture() -> None:
    assert "none" in repr(Audit((), frozenset()))
    assert "none" in Audit((), frozenset())._repr_html_()
