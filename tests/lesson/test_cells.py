"""The cells of 00 to 05, against a real local DPS: in order, twice, too early, interrupted, changed half-way."""

from typing import Any
from uuid import UUID

import pytest

from helpers import lesson
from helpers.certificates import certificate_pem, describe
from helpers.dps import CaReference, DpsError, ProvisioningService
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.lesson.cells import Notebook, walk

NUMBERS = ["00", "01", "02", "03", "04", "05"]


def stored(workspace: Workspace) -> dict[str, bytes]:
    """The facts, and the CAs and the proof on disk, to the byte. The questions of recall are others each time."""
    files = [*workspace.folder.glob("ca/*"), *workspace.folder.glob("proof/*")]
    facts = workspace.facts.model_copy(update={"recalled": {}}).model_dump_json().encode()
    return {"facts": facts, **{file.name: file.read_bytes() for file in files if file.exists()}}


@pytest.mark.parametrize("role", ["intermediate", "root"])
def test_the_notebooks_in_order_verify_the_ca_and_bind_a_group_to_it(
    workspace: Workspace, dps: ProvisioningService, name: str, role: str
) -> None:
    given = {"register_ca": role, "certificate_name": name, "enrollment_group_id": name}
    notebooks = {number: Notebook(number, workspace, **given) for number in NUMBERS}
    for number, notebook in notebooks.items():
        assert "✔" in repr(notebook.run()), number
    ca = {"root": notebooks["01"].root, "intermediate": notebooks["01"].intermediate}[role]
    assert notebooks["02"].registered.thumbprint == describe(ca.certificate).sha1
    assert not notebooks["02"].registered.verified
    assert describe(notebooks["03"].proof.certificate).common_name == notebooks["03"].code == workspace.facts.used_code
    assert notebooks["04"].verified.verified
    assert dps.certificates.get(name).verified
    assert dps.enrollment_groups.get(name).attestation == CaReference(name)
    facts = workspace.facts
    assert [step for step, _ in facts.etags] == ["upload", "verification code", "verification"]
    assert len({etag for _, etag in facts.etags}) == 3
    assert facts.etags[-1][1] == dps.certificates.get(name).etag
    assert (facts.verified, facts.verification_code, facts.enrollment_group_id) == (True, None, name)


def test_after_the_verification_another_certificate_is_not_taken_for_the_proof(workspace: Workspace, name: str) -> None:
    walk(workspace, name, last="04")
    workspace.proof_file.write_bytes(certificate_pem(workspace.authority_certificate("root")))
    examination = lesson.open(workspace.folder).examine_proof()
    assert [each.name for each in examination.checks if not each.passed] == [
        "Common name is the code",
        "Signed by the CA",
    ]


def test_each_notebook_run_twice_changes_nothing(workspace: Workspace, dps: ProvisioningService, name: str) -> None:
    given = {"certificate_name": name, "enrollment_group_id": name}
    for number in NUMBERS:
        notebook = Notebook(number, workspace, **given)
        notebook.run()
        before = stored(workspace)
        notebook.run()
        assert stored(workspace) == before, f"{number} in the same kernel"
        Notebook(number, workspace, **given).run()
        assert stored(workspace) == before, f"{number} in another kernel"
    registered, group = dps.certificates.get(name), dps.enrollment_groups.get(name)
    for number in NUMBERS:
        Notebook(number, workspace).run()  # with the earlier names, which no parameter contains any more
    assert stored(workspace) == before
    assert (dps.certificates.get(name), dps.enrollment_groups.get(name)) == (registered, group)


@pytest.mark.parametrize(
    ("last", "until", "number", "first"),
    [
        (None, "", "02", "00_start_here"),
        ("00", "", "02", "01_create_ca"),
        ("01", "", "03", "02_upload_ca"),
        ("01", "", "04", "02_upload_ca"),
        ("02", "", "04", "03_sign_verification_code"),
        ("03", "walkthrough.signer", "04", "03_sign_verification_code"),
        ("03", "", "05", "04_verify_ca"),
        ("01", "", "05", "02_upload_ca"),
        ("01", "", "07", "02_upload_ca"),
        ("03", "", "07", "04_verify_ca"),
        ("01", "", "06", "02_upload_ca"),
        ("04", "", "06", "05_create_enrollment_group"),
        ("04", "", "07", "05_create_enrollment_group"),
    ],
)
def test_a_notebook_before_its_predecessor_names_the_one_to_run_first(
    workspace: Workspace, name: str, last: str | None, until: str, number: str, first: str
) -> None:
    if last:
        walk(workspace, name, last=last, until=until)
    before = stored(workspace)
    with pytest.raises(Problem) as caught:
        Notebook(number, workspace, registration_id=name, fleet_size=0).call()
    assert first in caught.value.next_step
    assert stored(workspace).keys() == before.keys()
    assert workspace.facts.certificate_name == (name if last and last >= "02" else None)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory, shared_folder: Any) -> Workspace:
    """A workspace after all steps, with the name `half-way` at DPS."""
    place = Workspace(tmp_path_factory.mktemp("walked") / "workspace")
    place.local_dps_folder.symlink_to(shared_folder)
    walk(place, "half-way")
    return place


IN_AZURE = {
    "target": "azure",
    "subscription_id": str(UUID(int=7)),
    "resource_group": "g",
    "provisioning_service": "contoso-dps",
}


@pytest.mark.parametrize(
    ("number", "changed", "says"),
    [
        ("00", IN_AZURE, "has begun with the target local"),
        ("02", {"register_ca": "root"}, "has already registered the intermediate as “half-way”"),
        ("02", {"certificate_name": "another-name"}, "has already registered the intermediate as “half-way”"),
        ("05", {"enrollment_group_id": "another-group"}, "has already created the enrollment group “half-way”"),
    ],
    ids=["target", "CA", "name", "group id"],
)
@pytest.mark.parametrize("how", ["as parameters", "typed in"])
def test_a_change_half_way_is_refused_in_plain_words_and_nothing_is_lost(
    walked: Workspace, dps: ProvisioningService, number: str, changed: dict[str, str], says: str, how: str
) -> None:
    before = stored(walked)
    registered, group = dps.certificates.get("half-way"), dps.enrollment_groups.get("half-way")
    notebook = Notebook(number, walked, **(changed if how == "as parameters" else {}))
    notebook.call(until="form.value")
    if how == "typed in":
        notebook.type_in(**changed)
    with pytest.raises(Problem, match=says) as caught:
        notebook.cell("form.value")
    assert "11_clean_up" in caught.value.next_step
    assert stored(walked) == before
    assert (dps.certificates.get("half-way"), dps.enrollment_groups.get("half-way")) == (registered, group)


def test_the_target_may_change_until_a_ca_is_registered(workspace: Workspace) -> None:
    notebook = Notebook("00", workspace)
    notebook.run()
    walkthrough = lesson.open(workspace.folder)
    walkthrough.choose(lesson.StartHere(target="portal", provisioning_service="contoso-dps", id_scope="0ne00112233"))
    assert workspace.facts.target == "portal"
    notebook.call()
    assert workspace.facts.target == "portal", "it is remembered, where the parameter says nothing but the default"
    notebook.type_in(target="local")
    notebook.cell("choose(form.value)")
    assert workspace.facts.target == "local"


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "subscription_id"),
        ({"subscription_id": str(UUID(int=7)), "resource_group": ""}, "resource_group"),
    ],
)
def test_the_target_azure_without_names_says_which_is_missing(
    workspace: Workspace, given: dict[str, str], missing: str
) -> None:
    with pytest.raises(Problem, match=f"{missing} is missing"):
        Notebook("00", workspace, target="azure", **given).call()
    assert workspace.facts.target is None


@pytest.mark.parametrize(
    "pasted",
    [
        "contoso-dps.azure-devices-provisioning.net",
        " https://contoso-dps.azure-devices-provisioning.net/ ",
        "contoso-dps",
    ],
)
def test_a_host_name_is_accepted_as_the_services_name(workspace: Workspace, pasted: str) -> None:
    notebook = Notebook("00", workspace)
    notebook.call(until="form.value")
    notebook.type_in(target="portal", provisioning_service=pasted, id_scope=" 0ne00112233\n")
    notebook.cell("form.value")
    assert (workspace.facts.provisioning_service, workspace.facts.id_scope) == ("contoso-dps", "0ne00112233")


# --- something is interrupted, or happens elsewhere ---


def test_a_code_that_waits_is_used_again_and_dps_is_not_asked(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, name, last="03", until="send_both_etags")
    etag, code = dps.certificates.get(name).etag, workspace.facts.verification_code
    again = Notebook("03", workspace)
    again.call()
    assert (again.code, dps.certificates.get(name).etag) == (code, etag)
    assert code in repr(again.cell("lesson.CodeCard"))


def test_a_code_that_dps_has_replaced_is_not_signed_again(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, name, last="03")
    ours = workspace.facts.verification_code
    dps.certificates.generate_verification_code(dps.certificates.get(name))
    with pytest.raises(Problem, match="Another notebook must run"):  # the stored proof is for the old code
        Notebook("04", workspace).call()
    again = Notebook("03", workspace)
    again.run()
    assert again.code != ours
    assert describe(again.proof.certificate).common_name == again.code
    assert "✔" in repr(Notebook("04", workspace).run())


@pytest.mark.parametrize("has_waited", [False, True])
def test_an_interruption_before_a_new_code_is_stored_leaves_no_void_code(
    workspace: Workspace, dps: ProvisioningService, name: str, has_waited: bool
) -> None:
    walk(workspace, name, last="03" if has_waited else "02")
    walkthrough = lesson.open(workspace.folder)
    walkthrough.dps.certificates.generate_verification_code(walkthrough.registered())
    assert walkthrough.stored("code") is None
    again = Notebook("03", workspace)
    assert "✔" in repr(again.run())
    assert "✔" in repr(Notebook("04", workspace).run())


def test_an_upload_that_was_interrupted_before_its_note_is_noted_later(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, name, last="01")
    dps.certificates.upload(name, workspace.authority_certificate("intermediate"))
    walk(workspace, name, last="05")
    assert dps.certificates.get(name).verified


def test_a_verification_that_was_interrupted_before_its_note_is_noted_later(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, name, last="03")
    code = workspace.facts.verification_code
    proof = lesson.open(workspace.folder).needed("proof")
    dps.certificates.verify(dps.certificates.get(name), proof)
    assert "✔" in repr(Notebook("04", workspace).run())
    assert (workspace.facts.verified, workspace.facts.used_code) == (True, code)
    walk(workspace, name)


def test_a_group_whose_creation_was_interrupted_before_its_note_is_noted_later(workspace: Workspace, name: str) -> None:
    walk(workspace, name)
    workspace.update(enrollment_group_id=None)
    assert "✔" in repr(Notebook("05", workspace, enrollment_group_id=name).run())
    assert workspace.facts.enrollment_group_id == name


def test_a_ca_that_is_no_longer_verified_is_proved_again(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    """At a local DPS, generating a code after the verification undoes the verification."""
    walk(workspace, name, last="04")
    dps.certificates.generate_verification_code(dps.certificates.get(name))
    with pytest.raises(Problem) as caught:
        Notebook("05", workspace, enrollment_group_id=name).call()
    assert "03_sign_verification_code" in caught.value.next_step
    for number in ("03", "04", "05"):
        assert "✔" in repr(Notebook(number, workspace, enrollment_group_id=name).run())


def test_a_ca_that_was_deleted_at_dps_is_uploaded_and_proved_again(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, name, last="04")
    dps.certificates.delete(dps.certificates.get(name))
    with pytest.raises(DpsError, match="404"):
        Notebook("03", workspace).call()
    for number in ("02", "03", "04"):
        assert "✔" in repr(Notebook(number, workspace).run())
    assert dps.certificates.get(name).verified


# --- what is another's ---


def test_a_certificate_name_that_another_ca_has_is_refused_and_both_stay(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, name, last="02")
    before = dps.certificates.get(name)
    other = neighbour_of(workspace)
    with pytest.raises(DpsError, match="taken"):
        walk(other, name, last="02")
    assert other.facts.certificate_name is None
    assert dps.certificates.get(name) == before


def test_a_group_that_another_walkthrough_made_is_refused(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    walk(workspace, name)
    before = dps.enrollment_groups.get(name)
    other = neighbour_of(workspace)
    walk(other, f"{name}-other", last="04")
    with pytest.raises(DpsError) as caught:
        Notebook("05", other, enrollment_group_id=name).call()
    assert caught.value.status == 409
    assert other.facts.enrollment_group_id is None
    assert dps.enrollment_groups.get(name) == before


def neighbour_of(workspace: Workspace) -> Workspace:
    """Another walkthrough at the same DPS."""
    other = Workspace(workspace.folder.with_name("other"))
    other.local_dps_folder.symlink_to(workspace.local_dps_folder.resolve())
    return other
