"""The same step in three other ways: the Python and the OpenSSL commands that the lesson shows are run unchanged."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import nbformat
import pytest

from helpers import lesson
from helpers.certificates import KeyAlgorithm, describe, examine_proof, load_authority
from helpers.dps import (
    AllocationPolicy,
    CaReference,
    CustomAllocation,
    EnrollmentGroup,
    ProvisioningService,
)
from helpers.lesson.recipes import STEPS, Names, recipe
from helpers.walkthrough.notebooks import NOTEBOOKS
from helpers.workspace import Workspace
from tests.lesson.cells import CLEAN_UP, Notebook, walk
from tests.lesson.learner import learners_workspace, rehearsing

NAME, GROUP, DEVICE = "walkthrough-ca", "walkthrough-devices", "pump-1"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Workspace]:
    with learners_workspace(tmp_path) as workspace:
        yield workspace


@pytest.fixture
def dps(kept: Workspace) -> Iterator[ProvisioningService]:
    with rehearsing(kept) as service:
        yield service


def python(step: str, kept: Workspace, dps: ProvisioningService | None, **known: Any) -> str:
    """Run the Python that the lesson shows, and return its output."""
    script = recipe(step, Names.of(kept, dps, **known)).python
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, f"{script}\n{result.stderr}"
    return result.stdout.strip()


def shell(script: str, folder: Path) -> None:
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"{script}\n{result.stderr}"


def test_the_python_takes_every_step_from_the_upload_to_the_end(kept: Workspace, dps: ProvisioningService) -> None:
    assert python("connect", kept, dps) == dps.describe().id_scope
    assert python("upload", kept, dps) == dps.certificates.get(NAME).etag
    kept.update(certificate_name=NAME, registered_role="intermediate")
    code = python("code", kept, dps)
    kept.update(verification_code=code)
    python("sign", kept, None)
    walkthrough = lesson.open(kept.folder)
    walkthrough.store("proof", walkthrough.registered_authority().sign_verification_code(code))
    assert python("verify", kept, dps) == "True"
    assert dps.certificates.get(NAME).verified
    kept.update(verified=True, verification_code=None)
    hub = dps.describe().iot_hubs[0]
    wanted = EnrollmentGroup(GROUP, CaReference(NAME), allocation_policy=AllocationPolicy.STATIC, iot_hubs=(hub,))
    python("group", kept, dps, group=wanted)
    made = dps.enrollment_groups.get(GROUP)
    assert (made.attestation, made.allocation_policy, made.iot_hubs) == (
        wanted.attestation,
        AllocationPolicy.STATIC,
        (hub,),
    )
    kept.update(enrollment_group_id=GROUP)
    device, _ = walkthrough.two_devices(lesson.EndAccess(registration_id=DEVICE))
    known = {"registration_id": DEVICE, "id_scope": dps.describe().id_scope}
    assert python("register", kept, dps, **known) == hub
    assert f"{DEVICE} assigned {hub}" in python("records", kept, dps)
    python("revoke", kept, dps, registration_id=DEVICE)
    (enrolled,) = dps.individual_enrollments.list()
    assert (enrolled.registration_id, enrolled.enabled) == (DEVICE, False)
    assert walkthrough.try_devices("", [device]).accepted == [False]
    python("disable", kept, dps)
    assert not dps.enrollment_groups.get(GROUP).enabled
    dps.certificates.upload("next-ca", kept.public_part("root"))
    python("roll_over", kept, dps, next_certificate="next-ca")
    assert dps.enrollment_groups.get(GROUP).attestation == CaReference(NAME, "next-ca")
    python("delete_ca", kept, dps, next_certificate="next-ca")
    assert [each.name for each in dps.certificates.list()] == [NAME]
    python("clean_up", kept, dps)
    assert (dps.certificates.list(), dps.enrollment_groups.list()) == ([], [])


def test_on_windows_paths_have_forward_slashes_and_lead_to_other_drives(
    kept: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names.of(kept, None)
    assert names.path("ca/root.pem") == Path(os.path.relpath(kept.folder / "ca" / "root.pem")).as_posix()

    def another_drive(_path: Path) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", another_drive)
    assert names.path("ca/root.pem") == (kept.folder / "ca" / "root.pem").as_posix()


def test_a_custom_allocation_is_in_the_groups_python(kept: Workspace, dps: ProvisioningService) -> None:
    walk(kept, NAME, last="02")
    wanted = EnrollmentGroup(
        GROUP,
        CaReference(NAME),
        allocation_policy=AllocationPolicy.CUSTOM,
        custom_allocation=CustomAllocation("http://localhost:7071/choose"),
    )
    python("group", kept, dps, group=wanted)
    assert dps.enrollment_groups.get(GROUP).custom_allocation == wanted.custom_allocation


@pytest.mark.unix
@pytest.mark.parametrize("parameters", ["it's=1&code", "sp=%2Frun&sv=1.0&sig"])
def test_a_webhooks_key_comes_from_the_environment(
    kept: Workspace, dps: ProvisioningService, monkeypatch: pytest.MonkeyPatch, parameters: str
) -> None:
    walk(kept, NAME, last="02")
    url = f"http://localhost:7071/choose?{parameters}=abc%3D%3D"
    wanted = EnrollmentGroup(
        GROUP,
        CaReference(NAME),
        allocation_policy=AllocationPolicy.CUSTOM,
        custom_allocation=CustomAllocation(url),
    )
    monkeypatch.setenv("WEBHOOK_KEY", "abc==")
    shown = recipe("group", Names.of(kept, dps, group=wanted))
    assert "abc" not in str(shown)
    python("group", kept, dps, group=wanted)
    assert dps.enrollment_groups.get(GROUP).custom_allocation == wanted.custom_allocation
    monkeypatch.setenv("WEBHOOK_KEY", "abc%3D%3D")
    script = f"az() {{ printf '%s\\n' \"$@\"; }}\n{shown.commands}"
    said = subprocess.run(["bash", "-eu", "-c", script], capture_output=True, text=True, check=True).stdout
    assert url in said.splitlines()


@pytest.mark.unix
@pytest.mark.parametrize("algorithm", [KeyAlgorithm.P256, KeyAlgorithm.P384, KeyAlgorithm.RSA2048])
def test_openssl_makes_the_cas_as_the_commands_say(kept: Workspace, tmp_path: Path, algorithm: KeyAlgorithm) -> None:
    names = {"root_name": "My Root's CA", "intermediate_name": "My Intermediate", "lifetime_days": 30}
    shell(recipe("create_ca", Names.of(kept, None, key_algorithm=algorithm, **names)).commands, tmp_path)
    root = load_authority(tmp_path / "root.pem", tmp_path / "root.key.pem")
    below = load_authority(tmp_path / "intermediate.pem", tmp_path / "intermediate.key.pem")
    facts = describe(below.certificate)
    assert (facts.common_name, facts.issuer, facts.key) == ("My Intermediate", "CN=My Root's CA", algorithm)
    assert (facts.is_authority, facts.path_length) == (True, 0)
    assert (describe(root.certificate).path_length, (facts.not_after - facts.not_before).days) == (1, 30)
    below.certificate.verify_directly_issued_by(root.certificate)
    assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.glob("*.key.pem"))


def test_the_python_makes_the_cas_as_well(kept: Workspace) -> None:
    python("create_ca", kept, None, root_name="My Root's CA", key_algorithm=KeyAlgorithm.P384)


@pytest.mark.unix
def test_openssl_signs_the_code_as_the_commands_say_and_leaves_no_key(
    kept: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "0123456789ABCDEF" * 3
    kept.update(certificate_name=NAME, registered_role="intermediate", verification_code=code)
    folder = tmp_path / "shell"
    folder.mkdir()
    monkeypatch.chdir(folder)  # paths are relative to the current folder
    shell(recipe("sign", Names.of(kept, None)).commands, folder)
    ca = kept.authority("intermediate").certificate
    assert examine_proof((folder / "verification.pem").read_bytes(), ca, code).passed
    assert [file.name for file in folder.iterdir()] == ["verification.pem"]


@pytest.mark.unix
@pytest.mark.parametrize("target", ["local", "azure", "portal"])
@pytest.mark.parametrize("step", STEPS)
def test_each_step_has_all_three_ways_with_the_learners_own_names(kept: Workspace, step: str, target: str) -> None:
    kept.update(
        target=target,
        certificate_name="my-ca",
        registered_role="root",
        enrollment_group_id="my-group",
        provisioning_service="my-dps",
    )

    class Place:
        subscription_id, resource_group, name = "my-subscription", "my-group-of-resources", "my-dps"

    shown = recipe(step, Names.of(kept, Place(), registration_id="my-device", next_certificate="my-next-ca"))
    assert shown.clicks
    assert shown.commands
    assert shown.python
    compile(shown.python, step, "exec")
    subprocess.run(["bash", "-n", "-c", shown.commands], check=True)
    everything = " ".join([*shown.clicks, shown.commands, shown.python])
    for name in {
        "upload": ["my-ca", "root.cer", "my-dps"],
        "code": ["my-ca"],
        "verify": ["my-ca", "verification"],
        "group": ["my-group", "my-ca"],
        "register": ["my-device"],
        "records": ["my-group"],
        "revoke": ["my-device"],
        "disable": ["my-group"],
        "roll_over": ["my-next-ca", "my-group"],
        "delete_ca": ["my-next-ca"],
        "clean_up": ["my-group", "my-ca"],
    }.get(step, []):
        assert name in everything
    assert ("DefaultAzureCredential" in shown.python) is (target != "local" and "credential" in shown.python)


def test_no_secret_is_in_a_recipe(kept: Workspace, dps: ProvisioningService) -> None:
    connection = (kept.local_dps_folder / "connection.json").read_text()
    secrets = re.findall(r'"(?:client_secret|control_token|connection_string)": "([^"]+)"', connection)
    assert len(secrets) == 3
    for step in STEPS:
        shown = recipe(step, Names.of(kept, dps))
        for secret in secrets:
            assert secret not in shown.commands + shown.python


def test_every_recipe_is_shown_in_a_notebook_and_no_notebook_asks_for_another() -> None:
    asked: set[str] = set()
    for file in NOTEBOOKS:
        for cell in nbformat.read(file, as_version=4).cells:
            asked |= set(re.findall(r"what_just_happened\(\s*\"(\w+)\"", cell.source))
    assert asked == set(STEPS)


# --- what just happened ---


def happened(kept: Workspace, number: str, *, until: str = "checkpoint") -> Any:
    """Return what the notebook's cell for this step shows."""
    notebook = Notebook(number, kept)
    notebook.call(until=until)
    return notebook.cell("what_just_happened") if number != "06" else notebook.cell("events=events")


def joined_paths(html: str) -> str:
    """Return HTML in which no element divides a path."""
    return re.sub(r"</?span( class='pieces')?>", "", html)


def test_every_request_of_a_step_is_explained(kept: Workspace) -> None:
    html = happened(kept, "02")._repr_html_()
    assert html.count("class='exchange'") == html.count("class='meaning'") == 4
    for says in ("asks Entra ID for an access token", "DPS stores it and answers with its status and ETag"):
        assert says in html


def test_what_just_happened_is_folded_and_shows_the_wire_and_the_three_ways(kept: Workspace) -> None:
    shown = happened(kept, "02")
    assert "4 requests" in repr(shown)
    html = joined_paths(shown.html())
    assert html.index("<details>") < html.index("On the wire") < html.index("In the portal") < html.index("As commands")
    for text in ("PUT", "/certificates/walkthrough-ca", "Bearer (left out)", "200", "isVerified", "Management plane"):
        assert text in html
    assert "PUT /subscriptions/" in repr(shown)
    token = re.search(r"eyJ[\w-]{20,}", html)
    assert token is None


def test_many_deletions_in_a_row_are_shown_as_one(kept: Workspace) -> None:
    walk(kept, NAME)
    in_06 = Notebook("06", kept, fleet_size=12)
    in_06.call(until="register_with_azure_sdk")
    in_06.names["registration"] = in_06.dps.devices.register(in_06.device)
    in_06.cell("issue_fleet")
    shown = happened(kept, CLEAN_UP)
    deletions = [line for line in repr(shown).splitlines() if line.startswith("  DELETE /registrations/")]
    assert len(deletions) == 1, deletions
    assert deletions[0].endswith("→ 204  and 12 more like it")
    html = shown._repr_html_()
    assert "<summary>and 12 more like it</summary>" in html
    assert joined_paths(html).count("<b>DELETE</b> <code>/registrations/") == 13, "each can be looked at"
    assert "DELETE /enrollmentGroups/" in repr(shown), "what is of another kind stands by itself"


def test_a_step_that_sends_nothing_says_so(kept: Workspace) -> None:
    shown = lesson.open(kept.folder).what_just_happened("sign")
    assert "nothing was sent" in repr(shown)
    assert "On the wire" not in shown.html()


def test_a_devices_messages_are_shown_with_their_topics(kept: Workspace) -> None:
    walk(kept, NAME)
    shown = happened(kept, "06", until="walkthrough.at_hub")
    for text in ("$dps/registrations/PUT/iotdps-register", "$dps/registrations/res/202", "lines of the device's log"):
        assert text in repr(shown)
    assert "iotdps-get-operationstatus" in shown._repr_html_()


def test_long_texts_are_shortened_and_html_in_an_answer_is_escaped(kept: Workspace) -> None:
    text = unescape(re.sub(r"<[^>]+>", "", happened(kept, "02").html()))  # the colours of the JSON are in elements
    assert re.search(r"LS0tLS1CRUdJTi\S{50,80}… \(\d+ characters\)", text)
    assert '"isVerified": false' in text
