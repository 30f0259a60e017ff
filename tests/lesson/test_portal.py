"""The target portal: these tests do the person's steps at a local DPS. The walkthrough has no credential."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from helpers import lesson
from helpers.certificates import read_certificates
from helpers.dps import (
    AllocationPolicy,
    CaReference,
    CustomAllocation,
    EnrollmentGroup,
    ProvisioningService,
    connect_local,
    start_local_dps,
    stop_local_dps,
)
from helpers.lesson import YourTurn
from helpers.lesson.figures import Checklist
from helpers.lesson.targets import Portal
from helpers.lesson.walkthrough.showing import picture_of
from helpers.problem import Problem
from helpers.workspace import Workspace
from tests.lesson.cells import CLEAN_UP, Notebook

CA, GROUP = "walkthrough-ca", "walkthrough-devices"
CALL = {
    "02": "certificates.upload",
    "03": "generate_verification_code",
    "04": "certificates.verify",
    "05": "enrollment_groups.create",
    CLEAN_UP: "clean_up(form.value)",
}
"""By notebook, a text of the cell in which a person has something to do."""


class Hands:
    """A person who uses the portal: does what the checklist says, with the files that it provides."""

    def __init__(self, dps: ProvisioningService, workspace: Workspace) -> None:
        self.dps = dps
        self._workspace = workspace

    def do(self, number: str, turn: YourTurn) -> dict[str, Any]:
        """Do what a notebook asks for, and return what the person then enters in the form."""
        match number:
            case "02":
                assert f"**Certificate name**: {CA}" in turn.checklist.steps
                self.dps.certificates.upload(CA, *files_of(turn))
            case "03":
                return {"verification_code": f" {self.code()}\n"}
            case "04":
                assert self.dps.certificates.verify(self.dps.certificates.get(CA), *files_of(turn)).verified
            case "05":
                self.dps.enrollment_groups.create(EnrollmentGroup(GROUP, CaReference(CA)))
        return {"done_in_portal": True}

    def code(self) -> str:
        with_code = self.dps.certificates.generate_verification_code(self.dps.certificates.get(CA))
        return str(with_code.verification_code)


def files_of(turn: YourTurn) -> list[x509.Certificate]:
    return list(turn.checklist.files.values())


@pytest.fixture
def place(alone: Workspace) -> Iterator[Workspace]:
    """A workspace for a person with a service: a local DPS, of which the walkthrough knows only the ID scope."""
    dps = connect_local(start_local_dps(alone.local_dps_folder))
    scope = dps.describe().id_scope
    dps.close()
    Notebook("00", alone, target="portal", provisioning_service="my-dps", id_scope=scope).call()
    Notebook("01", alone).call()
    yield alone
    stop_local_dps(alone.local_dps_folder)


@pytest.fixture
def hands(place: Workspace) -> Iterator[Hands]:
    dps = connect_local(start_local_dps(place.local_dps_folder))
    yield Hands(dps, place)
    dps.close()


def asked(place: Workspace, number: str, **parameters: Any) -> tuple[Notebook, YourTurn]:
    """Run a notebook until it waits for the person, and return what it asks for."""
    notebook = Notebook(number, place, **parameters)
    notebook.call(until=CALL[number])
    with pytest.raises(YourTurn) as caught:
        notebook.cell(CALL[number])
    return notebook, caught.value


def tell(place: Workspace, *, last: str = "05") -> None:
    """Set all facts up to this notebook as if a person had confirmed every step. This does not check that the steps were done."""
    for number in CALL:
        if number <= last:
            Notebook(number, place, done_in_portal=True, verification_code="AB" * 24).call()


@pytest.mark.parametrize("kernel", ["the same kernel", "a new kernel"])
def test_devices_register_after_a_person_has_done_every_step(place: Workspace, hands: Hands, kernel: str) -> None:
    for number in ("02", "03", "04", "05"):
        notebook, turn = asked(place, number)
        with pytest.raises(YourTurn):
            notebook.cell(CALL[number])  # run again before anything was done
        entered = hands.do(number, turn)
        if kernel == "a new kernel":
            notebook = Notebook(number, place)
            notebook.call(until=CALL[number])
        notebook.type_in(**entered)
        notebook.cell(CALL[number])
        assert "✔" in repr(Notebook(number, place).run()), "and it is not asked for again"
    assert hands.dps.certificates.get(CA).verified
    notebook = Notebook("06", place, fleet_size=2)
    assert "✔" in repr(notebook.run())
    assert notebook.group.attestation == CaReference(CA)
    assert notebook.registration.assigned_hub in hands.dps.describe().iot_hubs
    assert notebook.events
    told = {each.registration_id for each in (notebook.registration, *notebook.registrations)}
    assert {each.registration_id for each in hands.dps.devices.records(GROUP)} == told
    records = notebook.cell("walkthrough.records()")
    assert (records.assigned, records.told) == (told, True)
    assert notebook.answer.status == 401
    at_hub = repr(notebook.cell("walkthrough.at_hub"))
    assert "Self-Signed" in at_hub
    assert "This notebook can't ask the hub" in at_hub
    assert "VERIFIED" in repr(picture_of(notebook.walkthrough, notebook.device))
    assert "repeat what you entered" in repr(notebook.cell("checkpoint"))


def test_a_confirmed_step_stays_confirmed_whatever_the_parameters_are(place: Workspace) -> None:
    tell(place)
    before = place.facts
    for number in ("02", "03", "04", "05"):
        Notebook(number, place).run()
    assert place.facts.model_copy(update={"reached": before.reached, "recalled": before.recalled}) == before


def test_the_checklist_has_the_portals_words_the_learners_names_and_the_file(place: Workspace) -> None:
    _, turn = asked(place, "02", certificate_name="my-ca")
    assert list(turn.checklist.files) == ["intermediate.cer"]
    (sent,) = files_of(turn)
    assert sent == read_certificates(place.public_part("intermediate").read_bytes(), "")[0]
    html = turn._repr_html_()
    for text in ("my-dps", "my-ca", "<b>Certificates</b>", "Set certificate status to verified on upload", "download="):
        assert text in html
    assert "1. Open your provisioning service" in repr(turn.checklist)
    assert "your turn in the portal" in str(turn)
    assert "1. Open your provisioning service" in str(turn), "a terminal shows no picture"
    assert "Done in the portal" in turn.next_step


def test_in_a_notebook_the_list_is_shown_as_a_picture_above_the_sentences(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    _, turn = asked(place, "02")
    sentences = "\n".join(turn._render_traceback_())
    assert shown == [turn.checklist]
    assert "your turn in the portal" in sentences
    assert "1. Open your provisioning service" not in sentences


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("03", "“Verification code”"),
        ("04", "“Done in the portal”"),
        ("05", "“Done in the portal”"),
        (CLEAN_UP, "“Done in the portal”"),
    ],
)
def test_each_call_says_which_field_to_fill_in(place: Workspace, number: str, says: str) -> None:
    tell(place, last=min(f"{int(number) - 1:02}", "05"))
    _, turn = asked(place, number)
    assert says in turn.next_step
    assert "run this cell again" in turn.next_step
    assert turn.checklist.steps
    assert list(turn.checklist.files) == (["verification.cer"] if number == "04" else [])


def test_a_badly_copied_code_is_reported_as_soon_as_it_is_pasted(place: Workspace) -> None:
    tell(place, last="02")
    notebook, _ = asked(place, "03")
    field, *_ = notebook.form._fields
    field.control.value = "AB" * 20
    assert "codes have 48" in field._reason.value
    with pytest.raises(Problem, match="verification_code is invalid"):
        notebook.cell(CALL["03"])
    field.control.value = f"\t{'AB' * 24} \n"
    assert field._reason.value == "", "white space at its ends does not matter"
    notebook.cell(CALL["03"])
    assert notebook.code == "AB" * 24


def test_a_new_code_takes_the_place_of_the_old_one(place: Workspace) -> None:
    tell(place, last="02")
    notebook, _ = asked(place, "03")
    for code in ("AB" * 24, "CD" * 24):
        notebook.type_in(verification_code=code)
        notebook.cell(CALL["03"])
        assert place.facts.verification_code == code
        notebook.cell("walkthrough.signer")
        assert notebook.walkthrough.examine_proof().passed
    notebook.type_in(verification_code="")
    notebook.cell(CALL["03"])
    assert notebook.code == "CD" * 24, "an emptied field takes nothing back"


def test_a_code_that_is_pasted_after_the_verification_changes_nothing(place: Workspace) -> None:
    tell(place, last="04")
    before = place.facts
    again = Notebook("03", place, verification_code="CD" * 24)
    again.call()
    assert (again.code, place.facts) == ("AB" * 24, before)


def test_a_step_that_was_interrupted_between_the_tick_and_its_note_is_noted_later(place: Workspace) -> None:
    tell(place, last="03")
    place.update(done_in_portal=(*place.facts.done_in_portal, "verify"))
    assert "✔" in repr(Notebook("04", place).run())
    assert (place.facts.verified, place.facts.used_code) == (True, "AB" * 24)


HUB = "a-hub.azure-devices.net"
CHANGES: dict[str, dict[str, Any]] = {
    "another policy": {"allocation_policy": AllocationPolicy.GEO_LATENCY},
    "a hub": {"iot_hubs": HUB},
    "a function": {"allocation_policy": AllocationPolicy.CUSTOM, "webhook_url": "https://f.example/api"},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kernel", ["the same kernel", "a new kernel"])
def test_a_changed_group_is_the_persons_turn_again(place: Workspace, kernel: str, change: str) -> None:
    tell(place, last="04")
    notebook, _ = asked(place, "05")
    notebook.type_in(done_in_portal=True)
    notebook.cell(CALL["05"])
    before = notebook.group
    if kernel == "a new kernel":
        notebook = Notebook("05", place)
        notebook.call(until=CALL["05"])
        notebook.cell(CALL["05"])
    notebook.type_in(**CHANGES[change])
    for _ in range(2):
        with pytest.raises(YourTurn) as caught:
            notebook.cell(CALL["05"])
    assert "change the enrollment group" in str(caught.value)
    clicks = "\n".join(caught.value.checklist.steps)
    assert {"another policy": "Lowest latency", "a hub": HUB, "a function": "https://f.example/api"}[change] in clicks
    assert "Add enrollment group" not in clicks
    assert notebook.dps.enrollment_groups.get("") == before, "the change is noted only when it is done"
    notebook.type_in(done_in_portal=True)
    notebook.cell(CALL["05"])
    assert notebook.group != before
    assert notebook.dps.enrollment_groups.get("") == notebook.group
    again = Notebook("05", place)
    again.call()
    assert again.group == notebook.group, "the form shows it, and nothing is asked again"


def test_a_group_that_a_person_creates_gets_no_webhook_key_from_the_environment(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_KEY", "SECRET")
    tell(place, last="04")
    given = {"allocation_policy": "custom", "webhook_url": "https://f.example/api", "done_in_portal": True}
    notebook = Notebook("05", place, **given)
    notebook.call()
    assert notebook.group.custom_allocation == CustomAllocation("https://f.example/api")
    assert place.facts.webhook_url == "https://f.example/api"


def test_cleaning_up_is_requested_and_then_the_facts_are_deleted(place: Workspace) -> None:
    tell(place)
    notebook, turn = asked(place, CLEAN_UP)
    assert any(CA in step for step in turn.checklist.steps)
    assert place.facts.certificate_name == CA
    notebook.type_in(done_in_portal=True)
    assert "in the portal" in repr(notebook.cell(CALL[CLEAN_UP]))
    assert (place.facts.certificate_name, place.facts.done_in_portal) == (None, ())
    asked(place, "02")


REHEARSED: list[str] = [
    "two_devices",
    "One device is revoked",
    "The group is disabled",
    "next_ca.sign_verification_code",
    "Primary and secondary",
    "The next CA alone",
    "The CA is deleted",
]


@pytest.fixture
def elsewhere(place: Workspace) -> Workspace:
    """The person's own service is not the local DPS, and the tests don't touch it."""
    place.update(id_scope="0ne0000AAAA")
    tell(place)
    return place


@pytest.mark.parametrize("last", REHEARSED)
def test_when_access_ends_is_rehearsed_at_a_local_dps_and_can_be_interrupted(elsewhere: Workspace, last: str) -> None:
    notebook = Notebook("07", elsewhere)
    notebook.call(until="two_devices")
    for text in REHEARSED[: REHEARSED.index(last) + 1]:
        notebook.cell(text)
    again = Notebook("07", elsewhere)
    again.call(until="two_devices")
    assert again.cell("two_devices").accepted == [True, True]
    (registered,) = again.dps.certificates.list()
    assert (registered.name, registered.verified) == (CA, True)


def test_the_whole_rehearsal_reaches_its_checkpoint(elsewhere: Workspace) -> None:
    before = elsewhere.facts
    assert "✔" in repr(Notebook("07", elsewhere).run())
    facts = elsewhere.facts
    noted = {name: getattr(before, name) for name in ("outcomes", "reached", "rehearsed", "recalled")}
    assert facts.model_copy(update=noted) == before


def test_a_rehearsal_with_new_cas_after_a_clean_up(elsewhere: Workspace) -> None:
    Notebook("07", elsewhere).call(until="One device")
    Notebook(CLEAN_UP, elsewhere, delete_keys=True, done_in_portal=True).call()
    Notebook("01", elsewhere).call()
    tell(elsewhere)
    again = Notebook("07", elsewhere)
    again.call(until="two_devices")
    assert again.cell("two_devices").accepted == [True, True]


def test_cleaning_up_removes_the_rehearsal_from_the_local_dps(elsewhere: Workspace, hands: Hands) -> None:
    Notebook("07", elsewhere).call(until="The group is disabled")
    assert hands.dps.certificates.list()
    notebook = Notebook(CLEAN_UP, elsewhere, done_in_portal=True)
    notebook.call(until=CALL[CLEAN_UP])
    done = repr(notebook.cell(CALL[CLEAN_UP]))
    assert f"At the local DPS: The CA certificate “{CA}” is deleted" in done
    assert elsewhere.facts.rehearsed is False
    with closing(connect_local(start_local_dps(elsewhere.local_dps_folder))) as dps:
        left = (dps.certificates.list(), dps.enrollment_groups.list(), dps.individual_enrollments.list())
    assert left == ([], [], [])


def test_devices_go_to_azure_unless_the_id_scope_is_the_local_services(place: Workspace) -> None:
    assert Portal(place).devices._devices._plane.proxy is not None
    place.update(id_scope="0ne0000AAAA")
    plane = Portal(place).devices._devices._plane
    assert (plane.host, plane.proxy, plane.trust) == ("global.azure-devices-provisioning.net", None, None)


@pytest.mark.parametrize(
    ("number", "first"),
    [("03", "02_upload_ca"), ("04", "02_upload_ca"), ("05", "02_upload_ca")],
)
def test_a_notebook_too_early_names_the_one_to_run_first(place: Workspace, number: str, first: str) -> None:
    with pytest.raises(Problem, match=first):
        Notebook(number, place, done_in_portal=True, verification_code="AB" * 24).call()


def test_no_private_key_can_be_in_a_checklist(place: Workspace) -> None:
    _, turn = asked(place, "02")
    key = (place.folder / "ca" / "intermediate.key.pem").read_text().splitlines()[1]
    assert key not in turn._repr_html_()
    with pytest.raises(AttributeError):
        Checklist("", (), "", {"key": Path("ca.key")})._repr_html_()  # type: ignore[dict-item]


def test_both_targets_have_the_same_calls(place: Workspace) -> None:
    """A cell makes the same call with every target. Only 07 uses individual enrollments, and it runs at the service for
    experiments."""
    portal, service = lesson.open(place.folder).dps, lesson.open(place.folder).rehearsal
    methods: Callable[[object], set[str]] = lambda thing: {each for each in dir(thing) if not each.startswith("_")}  # noqa: E731
    for room in ("certificates", "enrollment_groups", "devices"):
        assert methods(getattr(portal, room)) <= methods(getattr(service, room))
    assert isinstance(portal, Portal)
