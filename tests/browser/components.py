"""A page with every picture, made of real objects."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from markupsafe import Markup

from helpers.certificates import CertificateAuthority, DeviceCredential, describe, issue_completion, issue_fleet
from helpers.dps import (
    CaReference,
    DpsError,
    EnrollmentGroup,
    Event,
    Exchange,
    HubDevice,
    Registration,
)
from helpers.lesson import figures
from helpers.lesson.course.checkpoint import Checkpoint
from helpers.lesson.course.expectations import Expect
from helpers.lesson.course.final_test import TestResult
from helpers.lesson.course.journey import JOURNEY, JourneyMap
from helpers.lesson.course.judging.decisions import by_examiner, decide_all
from helpers.lesson.course.judging.judging_pictures import Comparison, Replay, Reveal, Scores
from helpers.lesson.course.judging.misconceptions import diagnose
from helpers.lesson.course.mastery import Marks, marks
from helpers.lesson.experiments.attack_scenes import SCENES
from helpers.lesson.experiments.exhibit import Exhibit
from helpers.lesson.experiments.gallery import rehearsed_exhibits
from helpers.lesson.experiments.proof_case import Answer
from helpers.lesson.figures.picture import pill
from helpers.lesson.figures.tabs import highlighted
from helpers.workspace import Workspace
from tests.browser.proof_pictures import of_certificates, of_proofs
from tests.browser.question_pictures import exported_form, of_questions

__all__ = ["components_page"]


_HUBS = ("contoso-west.azure-devices.net", "contoso-north.azure-devices.net")


def components_page() -> str:
    """Return an HTML page with every picture, each made of real objects, under the name of its class."""
    parts = (Markup("<section><h2>{}</h2>{}</section>").format(name, Markup(html)) for name, html in _components())
    return Markup(
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        "<title>Components</title>{}</head><body class='dps-page'><main><h1>Components</h1>{}</main></body></html>"
    ).format(figures.STYLE, Markup().join(parts))


def _components() -> Iterator[tuple[str, str]]:
    for name, picture in _pictures():
        yield name, picture._repr_html_().replace(str(figures.STYLE), "")  # the page has it once
    yield "Form: exported", exported_form().replace(str(figures.STYLE), "")
    words = (
        pill("accepted", "accepted"),
        pill("rejected", "rejected"),
        pill("error", "stolen"),
        pill("note", "not verified yet"),
    )
    yield "pills", figures.Picture.framed(Markup(" ").join(words))


def _pictures() -> Iterator[tuple[str, figures.Picture]]:
    root = CertificateAuthority.create_root("Walkthrough Root CA")
    intermediate = root.create_intermediate("Walkthrough Intermediate CA")
    pump = intermediate.issue_device("pump-1")
    yield from _course()
    yield from of_certificates(root, intermediate, pump)
    yield from of_proofs(intermediate)
    yield from _of_devices(pump)
    yield from _of_registrations(intermediate)
    yield from _of_access()
    yield from _of_judging()
    yield from of_questions()
    yield from _of_final_test(intermediate)


def _course() -> Iterator[tuple[str, figures.Picture]]:
    yield "SystemMap", figures.SystemMap()
    yield "SystemMap: here", figures.SystemMap("proof")
    yield "SystemMap: at a station", figures.SystemMap("group")
    yield "ThreePlanes", figures.ThreePlanes()
    yield "FourIds", figures.FourIds("0ne005CB7A6", "pump-1", "pump-1", "walkthrough-devices")
    with TemporaryDirectory() as folder:
        yield "JourneyMap", JourneyMap(_progress(marks(Workspace(Path(folder) / "workspace"))))
    statements = ("Your CA is registered with DPS", "DPS has verified it by your proof", "The code is used up")
    yield (
        "Checkpoint",
        Checkpoint(
            tuple(Expect(each, True, "") for each in statements), JOURNEY[5], left="Solve the exercise of 04_verify_ca."
        ),
    )
    yield (
        "Checkpoint: the last",
        Checkpoint(
            (Expect("Nothing is left", True, ""),), None, left="The course is complete, and every prediction came true."
        ),
    )


def _of_final_test(intermediate: CertificateAuthority) -> Iterator[tuple[str, figures.Picture]]:
    chain = (issue_completion(intermediate, "Ada Lovelace"), intermediate.certificate, *intermediate.issuers)
    yield "TestResult: open", TestResult((*[True] * 7, *[None] * 5))
    yield "TestResult: not passed", TestResult((*[True] * 6, *[False] * 4, *[True] * 2), times=1, best=8)
    yield "TestResult: passed", TestResult((*[True] * 11, False), times=2, best=11)
    drawn = figures.draw_completion(chain, "11 of 12")
    yield "CompletionCard", figures.CompletionCard(chain[0], drawn, Path("data/workspace/lab/completion"))
    answered = {"properties": {"isVerified": False}, "etag": "IjA1MDA2YmVhLTAwMDA="}
    url = "https://management.azure.com/subscriptions/…/certificates/walkthrough-ca"
    upload = Exchange(
        "management", "PUT", url, {"If-Match": "*"}, {"properties": {"certificate": "MIIB…"}}, 200, {}, answered
    )
    yield "RecordedExchanges", figures.RecordedExchanges("A request to DPS", [upload])


def _of_judging() -> Iterator[tuple[str, figures.Picture]]:
    with TemporaryDirectory() as folder:
        exhibits = [_answered(each) for each in rehearsed_exhibits(Workspace(Path(folder) / "workspace"))]
    everything = decide_all(lambda _ca, _code, _sent, _now: True, exhibits)
    half = decide_all(lambda ca, code, sent, now: b"BEGIN" in sent and by_examiner(ca, code, sent, now), exhibits)
    yield "Exhibit", exhibits[0]
    yield "Scores", Scores({"nothing": everything, "what the examiner checks": half})
    yield "Comparison", Comparison(half, diagnose(half))
    yield "Reveal", Reveal([(each.exhibit, each) for each in half])
    yield "Replay", Replay("ALWAYS-THE-SAME-CODE", True, False, by_examiner=False)


def _answered(exhibit: Exhibit) -> Exhibit:
    """Return the exhibit with the refusal that its case describes."""
    answer = exhibit.answer.case.answer
    refusal = DpsError("", "", "", status=answer.status, code=answer.code, says=answer.words)
    return replace(exhibit, answer=replace(exhibit.answer, refusal=None if answer is Answer.ACCEPTED else refusal))


def _progress(made: list[Marks]) -> list[Marks]:
    """Return the marks of a learner who has finished three notebooks and run a fourth."""
    return [
        replace(each, ran=number < 4, solved=number < 3, right=min(each.asked, 1) if number < 4 else 0)
        for number, each in enumerate(made)
    ]


def _of_devices(pump: DeviceCredential) -> Iterator[tuple[str, figures.Picture]]:
    group = EnrollmentGroup("walkthrough-devices", CaReference("walkthrough-ca"))
    landed = [
        Registration(f"pump-{n}", f"pump-{n}", _HUBS[n % 3 == 0], "assigned", "initialAssignment") for n in range(24)
    ]
    yield "GroupPicture", figures.GroupPicture(group, _HUBS, landed)
    events = (
        Event(0.0, "The device opens a TLS connection and shows its certificate"),
        Event(0.4, "DPS asks it to wait"),
        Event(2.5, "DPS has assigned it"),
    )
    yield "RegistrationCard", figures.RegistrationCard(landed[1], events)
    yield "RecordsCard", figures.RecordsCard(landed[:5])
    facts = describe(pump.certificate)
    yield "HubCard", figures.HubCard(_HUBS[0], HubDevice("pump-1", "selfSigned", facts.sha256), facts)


def _of_registrations(intermediate: CertificateAuthority) -> Iterator[tuple[str, figures.Picture]]:
    accepted = Registration("pump-1", "pump-1", _HUBS[0], "assigned", "initialAssignment")
    why = "Its enrollment group “walkthrough-devices” is disabled (401, code 401004)."
    rejected = DpsError("DPS rejected the device.", why, "Enable the group.", status=401)
    with TemporaryDirectory() as folder:
        one, two = issue_fleet(intermediate, ["pump-1", "pump-2"], Path(folder))
        both = ((one, rejected), (two, replace(accepted, registration_id="pump-2")))
        situations = ("group disabled", "group deleted")
        for name, picture in {
            "accepted": figures.AccessCard("Before", [(each, accepted) for each in (one, two)]),
            "rejected": figures.AccessCard("The group is disabled", [(one, rejected)]),
            "both": figures.AccessCard("One device is revoked", both),
            "situations": figures.AccessCard("A group is disabled, then deleted", both, situations=situations),
            "stolen": figures.AccessCard("With Mallory's ID scope", [(one, accepted)], harms=True),
        }.items():
            yield f"AccessCard: {name}", picture


def _of_access() -> Iterator[tuple[str, figures.Picture]]:
    devices, everywhere = ("pump-1", "pump-2", "valve-7"), dict.fromkeys(("pump-1", "pump-2", "valve-7"), True)
    yield (
        "AccessMatrix",
        figures.AccessMatrix(
            devices,
            {
                "Before": everywhere,
                "pump-1 revoked": {**everywhere, "pump-1": False},
                "The CA is deleted": {"pump-2": False, "valve-7": False},
                "After the roll-over": {},
            },
            {"pump-1 revoked": "its individual enrollment is disabled, and comes before the group"},
        ),
    )
    for name, scene in SCENES.items():
        yield f"Scene: {name}", scene
    ways = {
        "In the portal": Markup("<p>Open <b>Certificates</b>.</p>"),
        "As Python": highlighted("print('hello')", "python"),
    }
    yield "Tabs", figures.Tabs(ways)
