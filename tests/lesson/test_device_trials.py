"""The trials of 06 and 07, and the chains of 05's exercise, against a real local DPS."""

from pathlib import Path

import pytest

from helpers.certificates import DeviceCredential, certificate_pem
from helpers.dps import CaReference, DpsError, EnrollmentGroup, ProvisioningService, Registration
from helpers.lesson.course.exercises.chains import ChainsToJudge, judged_chains
from helpers.lesson.experiments import DeviceTrials
from helpers.lesson.targets.scratch import EXPERIMENT, prove, remove_leftovers
from helpers.workspace import Workspace


@pytest.fixture
def trials(workspace: Workspace, dps: ProvisioningService) -> DeviceTrials:
    workspace.update(target="local")
    return DeviceTrials(workspace)


def code_of(outcome: Registration | DpsError) -> str:
    return outcome.code if isinstance(outcome, DpsError) else outcome.status


def test_a_leaf_alone_is_enough_below_the_registered_intermediate_and_not_below_the_root(trials: DeviceTrials) -> None:
    for role, answer in (("intermediate", "assigned"), ("root", "401002")):
        ((_, outcome),) = trials.leaf_alone(role).outcomes  # type: ignore[arg-type]  # both are roles
        assert code_of(outcome) == answer, role


def test_another_name_and_an_unverified_ca_are_rejected_with_their_reasons(trials: DeviceTrials) -> None:
    assert "registers as “trial-pump-2”" in repr(trials.another_name())
    assert "is not verified" in repr(trials.unverified_ca())


def test_a_deleted_group_opens_the_one_above_it(trials: DeviceTrials) -> None:
    assert trials.deleted_group().accepted == [False, True]


def test_nothing_of_a_trial_is_left(trials: DeviceTrials, workspace: Workspace) -> None:
    trials.deleted_group()
    assert workspace.facts.added_services == ()


def test_the_clean_up_also_finds_the_group_of_a_trial_that_was_killed(dps: ProvisioningService) -> None:
    chain = judged_chains()["A"]
    name = f"{EXPERIMENT}killed"
    prove(dps, name, chain.at_dps[0].authority)
    dps.enrollment_groups.create(EnrollmentGroup(name, CaReference(name)))
    remove_leftovers(dps)
    assert name not in [each.group_id for each in dps.enrollment_groups.list()]
    assert name not in [each.name for each in dps.certificates.list()]


@pytest.mark.parametrize("letter", judged_chains())
def test_dps_judges_each_chain_of_the_exercise_as_its_solution_says(
    dps: ProvisioningService, tmp_path: Path, letter: str
) -> None:
    chain = judged_chains()[letter]
    names = [f"chain-{letter}-{number}".lower() for number in range(len(chain.at_dps))]
    try:
        for name, bound in zip(names, chain.at_dps, strict=True):
            if bound.verified:
                prove(dps, name, bound.authority)
            else:
                dps.certificates.upload(name, bound.authority.certificate)
            if bound.enabled is not None:
                dps.enrollment_groups.create(EnrollmentGroup(name, CaReference(name), enabled=bound.enabled))
        issued = chain.device
        device = DeviceCredential.in_folder(tmp_path, "pump-7")
        device.save(issued)
        device.chain_file.write_bytes(certificate_pem(*chain.sent))
        (outcome,) = dps.devices.register_all([device])
    finally:
        dps.devices.forget("pump-7")
        for name in names:
            if name in [each.group_id for each in dps.enrollment_groups.list()]:
                dps.enrollment_groups.delete(dps.enrollment_groups.get(name))
            dps.certificates.delete(dps.certificates.get(name))
    assert (chain.verdict == "accepted") == isinstance(outcome, Registration)
    said = {
        "accepted": "Registration",
        "group disabled": "disabled",
        "certificate missing": "which is not registered",
        "another key": "another CA with the same subject",
        "CA unverified": "is not verified",
    }
    assert said[chain.verdict] in repr(outcome)


def test_the_pictures_of_the_chains_do_not_tell_the_verdicts() -> None:
    shown = ChainsToJudge()
    for letter, chain in judged_chains().items():
        for text in (repr(shown), shown._repr_html_()):
            assert f"Chain {letter}" in text
            assert chain.look not in text
