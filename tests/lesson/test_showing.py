"""The values that a cell gets from a call show themselves: as a picture, and as text where there is no browser."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers import lesson
from helpers.certificates import CertificateAuthority
from helpers.dps import ProvisioningService, Registration
from helpers.lesson.walkthrough import showing
from helpers.lesson.walkthrough.showing import picture_of
from helpers.workspace import Workspace
from tests.lesson.cells import Notebook, walk


def test_each_value_of_the_cells_has_a_picture(workspace: Workspace, name: str) -> None:
    walk(workspace, name)
    names: dict[str, Any] = {}
    for number, until in (
        ("00", "examine_device"),
        ("01", "certificate_anatomy"),
        ("03", "send_both_etags"),
        ("04", ""),
        ("05", ""),
    ):
        notebook = Notebook(number, workspace)
        notebook.call(until=until)
        names |= notebook.names
    proof = Notebook("03", workspace)
    proof.call()
    device = Notebook("06", workspace, device_id=name)
    device.call(until="register_with_azure_sdk")
    walkthrough = names["walkthrough"]
    for value, says in (
        (names["root"], "Walkthrough Root CA"),
        (names["intermediate"], "Walkthrough Intermediate CA"),
        (proof.proof, proof.code),
        (names["verified"], "VERIFIED"),
        (names["group"], name),
        (walkthrough.examine_proof(), "Common name is the code"),
        (walkthrough.dps.describe(), "local-hub-1"),
        (device.device, "sent by the device"),
    ):
        picture = picture_of(walkthrough, value)
        assert says in repr(picture), type(value)
        assert picture._repr_html_()


def test_a_refusal_is_shown_with_its_reason(workspace: Workspace, dps: ProvisioningService, name: str) -> None:
    with pytest.raises(Exception, match="404") as caught:
        dps.certificates.get(f"no-{name}")
    assert "404" in repr(picture_of(lesson.open(workspace.folder), caught.value))


def test_a_ca_that_another_program_has_registered_is_shown_without_its_certificate(
    workspace: Workspace, dps: ProvisioningService, name: str
) -> None:
    theirs = dps.certificates.upload(name, CertificateAuthority.create_root("Foreign").certificate)
    walk(workspace, name, last="01")
    shown = repr(picture_of(lesson.open(workspace.folder), theirs))
    assert all(text in shown for text in ("Foreign", theirs.thumbprint, "not verified yet"))


def test_a_value_without_a_picture_is_named(workspace: Workspace) -> None:
    with pytest.raises(TypeError, match="Registration"):
        picture_of(lesson.open(workspace.folder), Registration("a", "a", "hub", "assigned", ""))


def test_a_kernel_shows_the_pictures(
    workspace: Workspace, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / str(uuid.uuid4())))
    walk(workspace, name, last="01")
    shell = InteractiveShell()
    monkeypatch.setattr(showing, "get_ipython", lambda: shell)
    walkthrough = lesson.open(workspace.folder)
    data, _ = shell.display_formatter.format(walkthrough.stored("root"))
    assert "Walkthrough Root CA" in data["text/plain"]
    assert "<div" in data["text/html"]
    assert "PRIVATE" not in str(data)
    shell.history_manager.end_session()
