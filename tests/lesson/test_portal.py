"""The target portal: a person's hands, for which the local DPS stands in; no credential is in the walkthrough."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from helpers.lesson.portal import Portal, YourTurn

from helpers import lesson
from helpers.certificates import certificate_pem, read_certificates
from helpers.dps import (
    CaReference,
    EnrollmentGroup,
    ProvisioningService,
    connect_local,
    start_local_dps,
    stop_local_dps,
)
from helpers.lesson.figures import Checklist
from helpers.problem import Problem
from helpers.workspace import Workspace

CA, GROUP = "walkthrough-ca", "walkthrough-devices"


class Hands:
    """A person before the portal: does what the checklist says, with the files that it gives."""

    def __init__(self, dps: ProvisioningService, group: str = GROUP) -> None:
        self.dps = dps
        self.group = group

    def upload(self, turn: YourTurn) -> None:
        (certificate,) = files_of(turn)
        assert f"**Certificate name**: {CA}" in turn.checklist.steps
        self.dps.certificates.upload(CA, certificate_pem(certificate))

    def code(self) -> str:
        with_code = self.dps.certificates.generate_verification_code(self.dps.certificates.get(CA))
        return str(with_code.verification_code)

    def verify(self, turn: YourTurn) -> None:
        (proof,) = files_of(turn)
        assert self.dps.certificates.verify(self.dps.certificates.get(CA), certificate_pem(proof)).verified

    def create_group(self) -> None:
        self.dps.enrollment_groups.create(EnrollmentGroup(self.group, CaReference(CA)))


def files_of(turn: YourTurn) -> list[x509.Certificate]:
    return list(turn.checklist.files.values())


@pytest.fixture
def place(workspace: Workspace) -> Iterator[Workspace]:
    """A workspace whose person has a service: a local DPS, of which the walkthrough knows the ID scope alone."""
    with closing(connect_local(start_local_dps(workspace.local_dps_folder))) as dps:
        scope = dps.describe().id_scope
    chosen = lesson.StartHere(target="portal", provisioning_service="my-dps", id_scope=scope)
    lesson.choose_target(workspace, chosen)
    lesson.create_authorities(workspace, lesson.CreateCa(), None)
    yield workspace
    stop_local_dps(workspace.local_dps_folder)


@pytest.fixture
def hands(place: Workspace) -> Iterator[Hands]:
    with closing(connect_local(start_local_dps(place.local_dps_folder))) as dps:
        yield Hands(dps)


def turn(step: lesson.Form[Any, Any]) -> YourTurn:
    """What the person is asked to do."""
    with pytest.raises(YourTurn) as caught:
        step.result()
    return caught.value


def tell(place: Workspace, service: Portal) -> None:
    """Everything up to the group, as a person who has done it all would tell it; whether it is so is not asked here."""
    lesson.upload_form(place, service, done_in_portal=True).result()
    lesson.code_form(place, service, verification_code="AB" * 24).result()
    lesson.sign_form(place).result()
    lesson.verify_form(place, service, done_in_portal=True).result()
    lesson.group_form(place, service, done_in_portal=True).result()


def portal(place: Workspace) -> Portal:
    service = lesson.connect(place)
    assert isinstance(service, Portal)
    return service


def test_the_whole_path_by_a_persons_hands_lets_devices_in(place: Workspace, hands: Hands) -> None:
    service = portal(place)
    hands.upload(turn(lesson.upload_form(place, service)))
    assert not lesson.upload_form(place, service, done_in_portal=True).result().verified
    turn(lesson.code_form(place, service))
    lesson.code_form(place, service, verification_code=hands.code()).result()
    lesson.sign_form(place).result()
    hands.verify(turn(lesson.verify_form(place, service)))
    assert lesson.verify_form(place, service, done_in_portal=True).result().verified
    turn(lesson.group_form(place, service))
    hands.create_group()
    group = lesson.group_form(place, service, done_in_portal=True).result()
    assert group.attestation == CaReference(CA)
    device = lesson.devices_form(place, service, fleet_size=2).result()
    registration, events = lesson.provision_device(place, service, lesson.ProvisionDevices())
    assert registration.assigned_hub in hands.dps.describe().iot_hubs
    assert events
    fleet = lesson.provision_fleet(place, service, lesson.ProvisionDevices(fleet_size=2), None)
    told = [registration, *fleet]
    assert lesson.read_records(place, service, told) == told
    assert {each.registration_id for each in hands.dps.devices.records(GROUP)} == {
        each.registration_id for each in told
    }
    assert lesson.provision_stranger(place, service).status == 401
    assert "Self-Signed" in repr(lesson.show_at_hub(place, device, registration))
    assert "VERIFIED" in repr(lesson.show_chain(place, device, service))


def test_what_was_told_once_is_not_asked_for_again(place: Workspace, hands: Hands) -> None:
    service = portal(place)
    tell(place, service)
    before = place.facts
    lesson.upload_form(place, service).result()
    lesson.code_form(place, service).result()
    lesson.sign_form(place).result()
    lesson.verify_form(place, service).result()
    lesson.group_form(place, service).result()
    assert place.facts == before


def test_the_checklist_has_the_portals_words_the_learners_names_and_the_file(place: Workspace) -> None:
    asked = turn(lesson.upload_form(place, portal(place), certificate_name="my-ca"))
    assert list(asked.checklist.files) == ["intermediate.cer"]
    (sent,) = files_of(asked)
    assert sent == read_certificates(place.public_part("intermediate").read_bytes(), "")[0]
    html = asked._repr_html_()
    for text in ("my-dps", "my-ca", "<b>Certificates</b>", "Set certificate status to verified on upload", "download="):
        assert text in html
    assert "1. Open your provisioning service" in repr(asked.checklist)
    assert "your turn in the portal" in str(asked)
    assert "1. Open your provisioning service" in str(asked), "a terminal shows no picture"
    assert "1. Open your provisioning service" not in "\n".join(asked._render_traceback_())
    assert "Done in the portal" in asked.next_step


def test_the_button_shows_the_checklist_in_place(place: Workspace) -> None:
    form = lesson.upload_form(place, portal(place))
    form._button.click()
    assert "intermediate.cer" in form._outcome.value
    assert "Certificate name" in form._outcome.value
    form._fields[-1].control.value = True
    form._button.click()
    assert "registered as “walkthrough-ca”, not verified yet" in form._outcome.value


def test_a_code_that_was_copied_badly_is_told_while_it_is_pasted(place: Workspace) -> None:
    service = portal(place)
    lesson.upload_form(place, service, done_in_portal=True).result()
    form = lesson.code_form(place, service)
    form._fields[0].control.value = "AB" * 20
    assert "DPS gives 48" in form._fields[0]._reason.value
    form._fields[0].control.value = " " + "AB" * 24
    assert "white space" in form._fields[0]._reason.value


def test_a_new_code_takes_the_place_of_the_old_one(place: Workspace) -> None:
    service = portal(place)
    lesson.upload_form(place, service, done_in_portal=True).result()
    for code in ("AB" * 24, "CD" * 24):
        lesson.code_form(place, service, verification_code=code).result()
        assert place.facts.verification_code == code
        lesson.sign_form(place).result()
        assert lesson.examine_kept_proof(place).passed


def test_cleaning_up_is_asked_for_and_then_nothing_is_known_any_more(place: Workspace, hands: Hands) -> None:
    service = portal(place)
    lesson.upload_form(place, service, done_in_portal=True).result()
    asked = turn(lesson.clean_up_form(place))
    assert any(CA in step for step in asked.checklist.steps)
    assert place.facts.certificate_name == CA
    cleaned = lesson.clean_up_form(place, done_in_portal=True).result()
    assert any("in the portal" in each for each in cleaned.done)
    assert (place.facts.certificate_name, place.facts.done_in_portal) == (None, ())
    turn(lesson.upload_form(place, portal(place)))


def test_when_access_ends_is_rehearsed_at_a_local_dps_with_the_same_ca_and_group(place: Workspace) -> None:
    """The person's own service is another: nothing of it is touched."""
    place.update(id_scope="0ne0000AAAA")
    service = portal(place)
    tell(place, service)
    rehearsal = lesson.connect_to_rehearse(place)
    card = lesson.access_form(place, rehearsal).result()
    assert card.let_in == [True, True]
    (registered,) = rehearsal.certificates.list()
    assert (registered.name, registered.verified) == (CA, True)
    lesson.access_form(place, rehearsal).result()
    rehearsal.close()


def test_devices_go_to_azure_unless_the_id_scope_is_the_local_services(place: Workspace) -> None:
    assert portal(place).devices._plane.proxy is not None
    place.update(id_scope="0ne0000AAAA")
    plane = portal(place).devices._plane
    assert (plane.host, plane.proxy, plane.trust) == ("global.azure-devices-provisioning.net", None, None)


@pytest.mark.parametrize(
    ("step", "first"),
    [
        (lambda place, service: lesson.code_form(place, service, verification_code="AB" * 24), "02_upload_ca"),
        (lambda place, service: lesson.verify_form(place, service, done_in_portal=True), "03_sign_verification_code"),
        (lambda place, service: lesson.group_form(place, service, done_in_portal=True), "04_verify_ca"),
    ],
)
def test_a_step_too_early_names_the_notebook_to_run_first(place: Workspace, step: object, first: str) -> None:
    with pytest.raises(Problem, match=first):
        step(place, portal(place)).result()  # type: ignore[operator]


def test_no_private_key_can_be_in_a_checklist(place: Workspace) -> None:
    asked = turn(lesson.upload_form(place, portal(place)))
    key = (place.folder / "ca" / "intermediate.key.pem").read_text().splitlines()[1]
    assert key not in asked._repr_html_()
    with pytest.raises(AttributeError):
        Checklist("", (), "", {"key": Path("ca.key")})._repr_html_()  # type: ignore[dict-item]
