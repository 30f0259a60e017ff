"""The steps behind the notebooks' cells, against a real local DPS: in order, twice, too early, changed half-way."""

from collections.abc import Callable
from uuid import UUID

import pytest

from helpers import lesson
from helpers.certificates import certificate_pem, describe
from helpers.dps import DpsError, ProvisioningService
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.lesson.steps import STEPS, Step, bind, upload, walk


def kept(workspace: Workspace) -> dict[str, bytes]:
    """The facts and the CAs on disk, to the byte."""
    files = [workspace.folder / "workspace.json", *(workspace.folder / "ca").glob("*.*")]
    return {file.name: file.read_bytes() for file in files if file.exists()}


@pytest.mark.parametrize("role", ["intermediate", "root"])
def test_the_steps_in_order_verify_the_ca_and_bind_a_group_to_it(
    workspace: Workspace, dps: ProvisioningService, name: str, role: str
) -> None:
    lesson.choose_target(workspace, lesson.StartHere())
    authorities = lesson.create_authorities(workspace, lesson.CreateCa(), None)
    assert list(authorities) == ["root", "intermediate"]
    registered = upload(workspace, dps, name, role)
    assert registered.thumbprint == describe(authorities[role].certificate).sha1
    assert not registered.verified
    assert lesson.registered_certificate(workspace) == authorities[role].certificate
    code = lesson.ask_for_code(workspace, dps, lesson.AskForCode()).verification_code
    assert workspace.facts.verification_code == code
    assert describe(lesson.sign_kept_code(workspace, None)).common_name == code
    assert lesson.examine_kept_proof(workspace).passed
    assert lesson.verify_with_kept_proof(workspace, dps, lesson.VerifyCa()).verified
    assert dps.certificates.get(name).verified
    assert lesson.examine_kept_proof(workspace).passed
    assert workspace.facts.used_code == code
    assert bind(workspace, dps, name).attestation.primary == name
    facts = workspace.facts
    assert [step for step, _ in facts.etags] == ["upload", "verification code", "verification"]
    assert len({etag for _, etag in facts.etags}) == 3
    assert facts.etags[-1][1] == dps.certificates.get(name).etag
    assert (facts.verified, facts.verification_code, facts.enrollment_group_id) == (True, None, name)


def test_after_the_verification_another_certificate_is_not_taken_for_the_proof(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, dps, name, last="04")
    workspace.proof_file.write_bytes(certificate_pem(workspace.authority_certificate("root")))
    failed = [each.name for each in lesson.examine_kept_proof(workspace).checks if not each.passed]
    assert failed == ["Common name is the code", "Signed by the CA"]


def test_each_step_taken_twice_changes_nothing(workspace: Workspace, dps: ProvisioningService, name: str) -> None:
    for step, take in STEPS.items():
        first = take(workspace, dps, name)
        before = kept(workspace)
        second = take(workspace, dps, name)
        assert kept(workspace) == before, step
        if step == "03 ask":
            assert second.etag == first.etag
        elif step == "01":
            assert [each.certificate for each in second.values()] == [each.certificate for each in first.values()]
        elif step != "03 sign":  # a signature is made anew
            assert second == first, step
    etag = dps.enrollment_groups.get(name).etag
    before = kept(workspace)
    walk(workspace, dps, name)
    assert kept(workspace) == before
    assert dps.enrollment_groups.get(name).etag == etag


@pytest.mark.parametrize(
    ("done", "step", "notebook"),
    [
        (None, lambda workspace, dps, name: lesson.connect(workspace), "00_start_here"),
        (None, STEPS["02"], "01_create_ca"),
        ("00", STEPS["02"], "01_create_ca"),
        ("01", STEPS["03 ask"], "02_upload_ca"),
        ("01", lambda workspace, dps, name: lesson.registered_certificate(workspace), "02_upload_ca"),
        ("01", lambda workspace, dps, name: lesson.examine_kept_proof(workspace), "02_upload_ca"),
        ("02", STEPS["03 sign"], "03_sign_verification_code"),
        ("02", lambda workspace, dps, name: lesson.examine_kept_proof(workspace), "03_sign_verification_code"),
        ("02", STEPS["04"], "03_sign_verification_code"),
        ("03 ask", STEPS["04"], "03_sign_verification_code"),
        ("03 sign", STEPS["05"], "04_verify_ca"),
        (None, STEPS["05"], "04_verify_ca"),
    ],
)
def test_a_step_before_its_predecessor_names_the_notebook_to_run_first(
    workspace: Workspace, dps: ProvisioningService, name: str, done: str | None, step: Step, notebook: str
) -> None:
    if done:
        walk(workspace, dps, name, last=done)
    before = kept(workspace)
    with pytest.raises(Problem) as caught:
        step(workspace, dps, name)
    assert notebook in caught.value.next_step
    assert kept(workspace) == before


@pytest.fixture(scope="module")
def walked(dps: ProvisioningService, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace in which everything is done, under the name `half-way`."""
    place = Workspace(tmp_path_factory.mktemp("walked") / "workspace")
    walk(place, dps, "half-way")
    return place


@pytest.mark.parametrize(
    "change",
    [
        lambda workspace, dps: lesson.choose_target(
            workspace,
            lesson.StartHere(
                target="azure", subscription_id=str(UUID(int=7)), resource_group="g", provisioning_service="contoso-dps"
            ),
        ),
        lambda workspace, dps: upload(workspace, dps, "half-way", "root"),
        lambda workspace, dps: upload(workspace, dps, "another-name"),
        lambda workspace, dps: bind(workspace, dps, "another-group"),
    ],
    ids=["target", "CA", "name", "group id"],
)
def test_a_change_half_way_is_refused_and_nothing_is_lost(
    walked: Workspace, dps: ProvisioningService, change: Callable[[Workspace, ProvisioningService], object]
) -> None:
    before = kept(walked)
    registered, group = dps.certificates.get("half-way"), dps.enrollment_groups.get("half-way")
    with pytest.raises(Problem) as caught:
        change(walked, dps)
    assert "10_clean_up" in caught.value.next_step
    assert kept(walked) == before
    assert dps.certificates.get("half-way") == registered
    assert dps.enrollment_groups.get("half-way") == group


def test_the_target_may_change_until_a_ca_is_registered(workspace: Workspace) -> None:
    lesson.choose_target(workspace, lesson.StartHere(target="azure"))
    lesson.choose_target(workspace, lesson.StartHere())
    assert workspace.facts.target == "local"


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ["subscription_id", "resource_group", "provisioning_service"]),
        ({"subscription_id": str(UUID(int=7)), "resource_group": ""}, ["resource_group", "provisioning_service"]),
    ],
)
def test_the_target_azure_without_names_says_which_are_missing(
    workspace: Workspace, given: dict[str, str], missing: list[str]
) -> None:
    lesson.choose_target(workspace, lesson.StartHere(target="azure", **given))
    with pytest.raises(Problem) as caught:
        lesson.connect(workspace)
    assert all(name in caught.value.what for name in missing)
    assert ("subscription_id" in caught.value.what) is ("subscription_id" in missing)


def test_a_code_that_waits_is_not_said_to_be_new(workspace: Workspace, dps: ProvisioningService, name: str) -> None:
    walk(workspace, dps, name, last="02")
    form = lesson.code_form(workspace, dps)
    form._button.click()
    assert "The verification code" in form._outcome.value
    form._button.click()
    assert "was waiting already" in form._outcome.value


def test_a_code_that_somebody_else_asked_for_makes_ours_void_so_a_new_one_is_asked_for(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, dps, name, last="03 sign")
    dps.certificates.generate_verification_code(dps.certificates.get(name))
    ours = workspace.facts.verification_code
    lesson.ask_for_code(workspace, dps, lesson.AskForCode())
    assert workspace.facts.verification_code != ours
    with pytest.raises(Problem):  # the proof is for the old code, and is not sent
        lesson.verify_with_kept_proof(workspace, dps, lesson.VerifyCa())
    lesson.sign_kept_code(workspace, None)
    assert lesson.verify_with_kept_proof(workspace, dps, lesson.VerifyCa()).verified


def test_a_certificate_name_that_another_ca_has_is_refused_and_both_stay(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, dps, name, last="02")
    before = dps.certificates.get(name)
    other = Workspace(workspace.folder.with_name("other"))
    with pytest.raises(DpsError, match="taken"):
        walk(other, dps, name, last="02")
    assert other.facts.certificate_name is None
    assert dps.certificates.get(name) == before


def test_a_group_that_another_walkthrough_made_is_refused(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, dps, name)
    before = dps.enrollment_groups.get(name)
    other = Workspace(workspace.folder.with_name("other"))
    walk(other, dps, f"{name}-other"[-60:], last="04")
    with pytest.raises(DpsError) as caught:
        bind(other, dps, name)
    assert caught.value.status == 409
    assert other.facts.enrollment_group_id is None
    assert dps.enrollment_groups.get(name) == before
