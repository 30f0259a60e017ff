"""The certificate of completion in the workspace: who issues it, what is stored, and that DPS refuses it as a device's."""

import base64
import re
import xml.etree.ElementTree as ET
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from helpers import lesson
from helpers.certificates import (
    COURSE_COMPLETION,
    CertificateAuthority,
    DeviceCertificate,
    DeviceCredential,
    certificate_pem,
    describe,
    is_issued_by,
    read_certificates,
    save_private_key,
)
from helpers.dps import CaReference, DpsError, EnrollmentGroup, ProvisioningService
from helpers.lesson.figures import draw_completion
from helpers.lesson.targets.scratch import prove
from helpers.notebook import Notebook
from helpers.problem import Problem
from helpers.workspace import Workspace, remove_workspace
from tests import openssl
from tests.lesson import cells

HOSTILE = '<script>alert(1)</script> & "O\'N" ]]>'


def stored(workspace: Workspace) -> list:
    return list(read_certificates((workspace.completion_folder / "certificate.pem").read_bytes(), ""))


@pytest.fixture
def passed(workspace: Workspace) -> Workspace:
    """A workspace whose learner has passed."""
    workspace.finish_test(11)
    workspace.solve(Notebook.FINAL_TEST)
    return workspace


def shown(workspace: Workspace, **parameters: str) -> str:
    notebook = cells.Notebook("10", workspace, **parameters)
    notebook.call()
    return notebook.cell("certificate_of_completion")._repr_html_()


def test_the_learners_own_intermediate_issues_it(passed: Workspace) -> None:
    cells.Notebook("01", passed).call()
    html = shown(passed, learner_name="Ada Lovelace")
    certificate, *above = stored(passed)
    assert describe(certificate).common_name == "Ada Lovelace"
    assert above == [passed.authority_certificate("intermediate"), passed.authority_certificate("root")]
    assert openssl.verify(certificate, trusted=above[-1], untrusted=above[:-1]).accepted
    assert "Walkthrough Intermediate CA" in html
    assert not list(passed.completion_folder.glob("*key*")), "its private key is stored nowhere"


def test_the_same_name_gets_the_same_certificate_and_another_name_a_new_one(passed: Workspace) -> None:
    cells.Notebook("01", passed).call()
    shown(passed, learner_name="Ada")
    (one, *_) = stored(passed)
    shown(passed, learner_name="Ada")
    assert stored(passed)[0] == one
    shown(passed, learner_name="Grace")
    assert describe(stored(passed)[0]).common_name == "Grace"


def test_a_name_is_offered_again(passed: Workspace) -> None:
    cells.Notebook("01", passed).call()
    shown(passed, learner_name="Ada")
    shown(passed)
    assert describe(stored(passed)[0]).common_name == "Ada"


def test_without_a_ca_here_a_ca_of_the_course_issues_it(passed: Workspace) -> None:
    shown(passed)
    certificate, ca = stored(passed)
    assert describe(ca).common_name == "Proof of Possession Course CA"
    assert is_issued_by(certificate, ca)


def test_a_ca_that_was_brought_along_signs_nothing_for_the_course(passed: Workspace, tmp_path: Path) -> None:
    own = CertificateAuthority.create_root("Contoso Root CA")
    (tmp_path / "own.pem").write_bytes(certificate_pem(own.certificate))
    save_private_key(own.private_key, tmp_path / "own.key")
    given = {"own_ca_certificate": str(tmp_path / "own.pem"), "own_ca_key": str(tmp_path / "own.key")}
    cells.Notebook("01", passed, **given).call()
    shown(passed)
    certificate, ca = stored(passed)
    assert describe(ca).common_name == "Proof of Possession Course CA"
    assert not any(is_issued_by(certificate, passed.authority_certificate(role)) for role in passed.authority_roles())


def test_an_encrypted_key_needs_its_passphrase(passed: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CA_PASSPHRASE", "correct horse")
    cells.Notebook("01", passed).call()
    monkeypatch.delenv("CA_PASSPHRASE")
    notebook = cells.Notebook("10", passed)
    notebook.call(until="certificate_of_completion")
    with pytest.raises(Problem, match="Passphrase"):
        notebook.cell("certificate_of_completion")
    notebook.form.secret.control.value = "correct horse"
    notebook.cell("certificate_of_completion")
    assert describe(stored(passed)[0]).common_name == "Learner"


def test_nobody_gets_it_without_passing(workspace: Workspace) -> None:
    assert "No certificate yet" in shown(workspace)
    assert not workspace.completion_folder.exists()


def test_a_learners_name_is_checked_in_the_form() -> None:
    for name in ("", "0123456789ABCDEF" * 3):
        with pytest.raises(ValidationError):
            lesson.Completion(learner_name=name)


# --- the page to print ---


@pytest.mark.parametrize("name", [HOSTILE, "Zoë", "李小龍", "W" * 64])
def test_the_page_is_well_formed_and_the_name_is_text(name: str) -> None:
    ca = CertificateAuthority.create_root("Root <b>").create_intermediate("Intermediate & Sons")
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    certificate = ca.issue_for_purpose(name, key, COURSE_COMPLETION, lifetime=timedelta(days=1))
    page = ET.fromstring(draw_completion([certificate, ca.certificate, *ca.issuers], "11 of 12"))
    assert (page.get("width"), page.get("height")) == ("297mm", "210mm")
    assert {each.tag.rpartition("}")[2] for each in page.iter()} <= {
        "svg",
        "style",
        "title",
        "rect",
        "text",
        "tspan",
        "path",
    }
    texts = [each.text for each in page.iter() if each.text]
    assert " ".join(texts).count(name) == 3, "as the title, in large letters, and in the chain"
    assert min(float(each.get("font-size", "22")) for each in page.iter() if (each.text or "") not in name) >= 22
    assert "Intermediate & Sons" in texts
    largest = max(float(each.get("font-size", "0")) for each in page.iter() if each.text == name)
    assert largest * len(name) * 0.5 < 1100


def test_the_card_has_the_page_without_a_script_and_with_a_text_alternative(passed: Workspace) -> None:
    html = shown(passed, learner_name=HOSTILE)
    assert "<script" not in html
    (address,) = set(re.findall(r"data:image/svg\+xml;base64,([\w+/=]+)", html))
    assert base64.b64decode(address) == (passed.completion_folder / "certificate.svg").read_bytes()
    assert "alt='Certificate of completion for &lt;script&gt;" in html


# --- DPS ---


@pytest.mark.parametrize(("purposes", "accepted"), [("completion", False), ("device", True)])
def test_dps_refuses_a_device_with_it_even_if_the_device_has_its_key(
    dps: ProvisioningService, name: str, tmp_path: Path, purposes: str, accepted: bool
) -> None:
    """The learner's name may be a registration id. The same CA, name and kind of key with the purpose of a device pass."""
    ca = CertificateAuthority.create_root("Learner's Root").create_intermediate("Learner's Intermediate")
    prove(dps, name, ca)
    dps.enrollment_groups.create(EnrollmentGroup(name, CaReference(name)))
    ordinary = ca.issue_device("ada")
    key = ordinary.private_key
    about_ada = ca.issue_for_purpose("ada", key.public_key(), COURSE_COMPLETION, lifetime=timedelta(days=1))
    certificate = ordinary.certificate if purposes == "device" else about_ada
    device = DeviceCredential("ada", tmp_path / "ada.pem", tmp_path / "ada.key")
    device.save(DeviceCertificate(certificate, key, (certificate, ca.certificate)))
    if accepted:
        assert dps.devices.register(device).status == "assigned"
        return
    with pytest.raises(DpsError) as refused:
        dps.devices.register(device)
    assert refused.value.status == 401
    assert "extended key usage" in str(refused.value).lower()


# --- the end ---


def test_the_clean_up_deletes_it_with_the_keys(passed: Workspace) -> None:
    shown(passed)
    assert {"certificate.pem", "certificate.svg"} <= set(passed.delete_certificates())
    assert not list(passed.completion_folder.iterdir())


def test_it_goes_with_the_workspace(tmp_path: Path) -> None:
    place = Workspace(tmp_path / "own")
    place.finish_test(12)
    place.solve(Notebook.FINAL_TEST)
    shown(place)
    remove_workspace(place.folder)
    assert not place.folder.exists()
