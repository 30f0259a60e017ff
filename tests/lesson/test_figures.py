"""Pictures say the same in HTML and in plain text, and text from a certificate is never HTML."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from markupsafe import Markup, escape

from helpers.certificates import CertificateAuthority, Check, Examination
from helpers.dps import (
    AllocationPolicy,
    CaReference,
    Chapter,
    CustomAllocation,
    DpsError,
    EnrollmentGroup,
    Exchange,
    RegisteredCertificate,
    Registration,
    ReprovisionPolicy,
    ServiceDescription,
    SigningCertificate,
)
from helpers.lesson import figures
from helpers.lesson.experiments.attack_scenes import SCENES
from helpers.lesson.figures.happened import WhatJustHappened
from helpers.lesson.figures.requests import show_exchange
from helpers.lesson.figures.tabs import highlighted
from helpers.lesson.recipes import Recipe
from helpers.problem import Problem
from tests.crafting import issue

SCRIPT = "<script>alert('&')</script>"
REGISTERED = RegisteredCertificate("at-dps", "CN=x", "00", datetime.now(UTC), False, "etag")
GROUP = EnrollmentGroup("the-group", CaReference("the-ca"))


def assert_shows(picture: Any, *texts: str) -> None:
    """Expect texts in both forms; in HTML, hexadecimal digits may be in groups."""
    html = re.sub(r"</?span( class='pieces')?>", "", picture._repr_html_())
    for text in texts:
        assert text in repr(picture)
        assert escape(text) in html


def thumbprint(certificate: x509.Certificate, algorithm: hashes.HashAlgorithm) -> str:
    return certificate.fingerprint(algorithm).hex().upper()


def test_a_certificates_card_has_its_name_issuer_and_both_thumbprints() -> None:
    root = issue("The Root", ca=True)
    device = issue("The Device", issuer=root).certificate
    card = figures.show_certificate(device)
    assert_shows(card, "The Device", "Issuer", "The Root", "can't issue certificates")
    assert_shows(card, thumbprint(device, hashes.SHA1()), thumbprint(device, hashes.SHA256()))
    assert "At DPS" not in repr(card)


def test_only_a_devices_certificate_says_that_iot_hub_shows_its_sha_256_thumbprint() -> None:
    root = CertificateAuthority.create_root("The Root")
    others = root.certificate, root.sign_verification_code("0123456789ABCDEF" * 3).certificate
    assert_shows(
        figures.show_certificate(root.issue_device("pump-1").certificate), "(the thumbprint that IoT Hub shows)"
    )
    for certificate in others:
        assert "IoT Hub" not in repr(figures.show_certificate(certificate))


def test_the_fix_is_addressed_to_the_owner_of_a_refused_resource() -> None:
    refusal = Problem("It was refused.", "Another key has signed it.", "Sign it with the CA's key.")
    assert_shows(figures.AnswerCard(refusal), "What helps")
    assert_shows(figures.AnswerCard(refusal, "CA"), "If the CA is yours", "Sign it with the CA's key.")
    assert "help" not in repr(figures.AnswerCard(refusal, "CA"))


def test_an_answers_title_is_short_and_its_status_and_code_are_facts() -> None:
    what = "Could not verify the CA certificate “x”: the service rejected the request (412, code 412001)."
    refusal = DpsError(what, "It is stale.", "Read it again.", status=412, code="412001")
    shown = figures.AnswerCard(refusal)._repr_html_()
    assert "<h2>DPS rejects the proof " in shown
    for fact in ("verify the CA certificate “x”", "412 Precondition Failed, code 412001", "It is stale."):
        assert f"<td>{fact}</td>" in shown
    assert what in repr(figures.AnswerCard(refusal))
    unreachable = DpsError("Could not upload “x”: the service did not answer.", "It is not running.", "Start it.")
    assert unreachable.what.removesuffix(".") in figures.AnswerCard(unreachable)._repr_html_()


@pytest.mark.parametrize(("path_length", "says"), [(None, "any number of CAs"), (0, "no CA"), (2, "2 CAs")])
def test_a_cas_card_says_that_it_is_one_and_how_long_the_path_below_may_be(path_length: int | None, says: str) -> None:
    card = figures.show_certificate(issue("Root", ca=True, path_length=path_length).certificate)
    assert_shows(card, "a CA; ", says, "itself")


@pytest.mark.parametrize(("verified", "says"), [(True, "VERIFIED"), (False, "not verified yet")])
def test_a_registered_cas_card_says_whether_it_is_verified(verified: bool, says: str) -> None:
    card = figures.show_certificate(issue("Root", ca=True).certificate, replace(REGISTERED, verified=verified))
    assert_shows(card, "at-dps", says)
    assert ("VERIFIED" in repr(card)) is verified
    assert repr(card).splitlines()[1].startswith("  At DPS"), "what it is all about comes first"


@pytest.mark.parametrize(
    "picture",
    [
        figures.show_certificate(issue(SCRIPT, ca=True).certificate, replace(REGISTERED, name=SCRIPT)),
        figures.show_certificate(issue("x", issuer=issue(SCRIPT, ca=True)).certificate),
        figures.Verdicts(Examination(SCRIPT, (Check(SCRIPT, SCRIPT, SCRIPT),))),
        figures.EtagTrail(((SCRIPT, SCRIPT),)),
        figures.GroupPicture(replace(GROUP, group_id=SCRIPT, attestation=CaReference(SCRIPT)), (SCRIPT,)),
        figures.ServiceCard(SCRIPT, ServiceDescription(SCRIPT, SCRIPT, SCRIPT, SCRIPT, (SCRIPT,))),
        figures.CertificateAnatomy(issue(SCRIPT, ca=True).certificate),
        figures.ProofAnatomy(SCRIPT, SCRIPT),
        figures.AccessMatrix((SCRIPT,), {SCRIPT: {SCRIPT: True}}, {SCRIPT: SCRIPT}),
        figures.Scene(SCRIPT, "nowhere", "none", "none", SCRIPT, "note", act=1, sender="mallory", sends=SCRIPT),
        figures.FourIds(SCRIPT, SCRIPT, SCRIPT, SCRIPT),
        figures.Tabs({SCRIPT: highlighted(SCRIPT, "python")}),
    ],
    ids=lambda picture: type(picture).__name__,
)
def test_a_script_in_a_name_is_shown_and_not_run(picture: Any) -> None:
    assert "<script" not in picture._repr_html_()
    assert "&lt;script" in picture._repr_html_()


def test_verdicts_show_every_check_with_its_reason_and_its_remedy_if_it_failed() -> None:
    checks = (Check("The code", "It is right."), Check("The dates", "It is over.", "Sign again."))
    verdicts = figures.Verdicts(Examination("The proof", checks))
    assert_shows(verdicts, "The proof", "The code", "It is right.", "The dates", "It is over.", "Sign again.")
    assert "✔ The code: It is right." in repr(verdicts)
    assert "✘ The dates: It is over. → Sign again." in repr(verdicts)
    html = verdicts._repr_html_()
    assert html.index("✔") < html.index("The code") < html.index("✘") < html.index("The dates")


def test_a_brief_examination_folds_what_passed_and_shows_what_failed() -> None:
    checks = (Check("The code", "It is right."), Check("The dates", "It is over.", "Sign again."))
    shown, _, folded = figures.Verdicts(Examination("The proof", checks), is_brief=True).html().partition("<details>")
    assert ("It is over." in shown, "It is right." in shown) == (True, False)
    assert ("It is over." in folded, "It is right." in folded) == (False, True)
    assert "Show the checks that passed (1)" in folded


def test_a_brief_card_folds_what_the_moment_is_not_about() -> None:
    certificate = issue("Root", ca=True).certificate
    shown, _, folded = figures.show_certificate(certificate, REGISTERED, is_brief=True).html().partition("<details>")
    for text in ("At DPS", "SHA-1", "Issuer"):
        assert text in shown
    for text in ("SHA-256", "Extensions", "Kind"):
        assert text not in shown
        assert text in folded


def test_only_the_last_etag_is_good() -> None:
    trail = figures.EtagTrail((("upload", "AAA="), ("verification code", "BBB="), ("verification", "CCC=")))
    assert [line.endswith("(stale)") for line in repr(trail).splitlines()[1:]] == [True, True, False]
    assert_shows(trail, "AAA=", "BBB=", "CCC=", "current")
    assert trail._repr_html_().count("code stale") == 2
    assert repr(trail).count("current") == trail._repr_html_().count(">current<") == 1


@pytest.mark.parametrize("picture", [figures.EtagTrail(()), figures.Verdicts(Examination("Nothing", ()))])
def test_a_picture_of_nothing_is_still_a_picture(picture: Any) -> None:
    assert repr(picture)
    assert picture._repr_html_()


@pytest.mark.parametrize(
    ("group", "says"),
    [
        (GROUP, ["the-group", "“the-ca”", "enabled", "the service's own policy", "applies the policy again"]),
        (replace(GROUP, enabled=False), ["disabled: DPS rejects its devices"]),
        (replace(GROUP, attestation=CaReference("one", "two")), ["“one” and “two”"]),
        (replace(GROUP, attestation=SigningCertificate(None)), ["inside the group itself"]),
        (replace(GROUP, allocation_policy=AllocationPolicy.STATIC), ["static", "a.hub"]),
        (replace(GROUP, custom_allocation=CustomAllocation("http://localhost:7071/f")), ["own function", "7071/f"]),
        (replace(GROUP, reprovision_policy=ReprovisionPolicy(update_hub_assignment=False)), ["stays at its hub"]),
    ],
)
def test_a_groups_card_says_which_devices_it_accepts_and_their_hubs(group: EnrollmentGroup, says: list[str]) -> None:
    assert_shows(figures.GroupPicture(group, ("a.hub",)), *says)


def test_the_services_card_says_which_service_it_is() -> None:
    card = figures.ServiceCard("local", ServiceDescription("dps-1", "westeurope", "0ne001", "Hashed", ("a.hub",)))
    assert_shows(card, "local", "dps-1", "westeurope", "0ne001", "a.hub")


def test_of_many_records_the_first_are_shown_and_the_rest_are_counted() -> None:
    records = [Registration(f"pump-{n:02}", "", "a.hub", "assigned", "initialAssignment") for n in range(20)]
    assert_shows(figures.RecordsCard(records[::-1]), "pump-00", "pump-11", "and 8 more")
    assert "pump-12" not in repr(figures.RecordsCard(records))
    assert "more" not in repr(figures.RecordsCard(records[:12]))


PLACES = ("root", "intermediate", "upload", "code", "proof", "verify", "group", "device", "end")


@pytest.mark.parametrize(("number", "place"), list(enumerate(PLACES)))
def test_the_map_marks_one_place_and_what_lies_before_it(number: int, place: Any) -> None:
    lines = repr(figures.SystemMap(place)).splitlines()[1:]
    assert [line.strip()[0] for line in lines[: number + 1]] == ["✔"] * number + ["▶"]
    assert not any(line.strip().startswith(("✔", "▶")) for line in lines[number + 1 :])
    shown = figures.SystemMap(place)._repr_html_().partition("</style>")[2]
    assert shown.count("You are here") == 1
    also = 2 if place == "end" else 0  # registering and the hubs, which have no place of their own
    assert shown.count("done'") + shown.count("done ") == number + also


def test_the_map_describes_all_places_once_and_later_only_the_readers() -> None:
    for here, described in (("", True), ("group", False)):
        shown = figures.SystemMap(here)._repr_html_()  # type: ignore[arg-type]  # both are places
        assert "accepts devices below this CA" in shown
        for other in ("DPS sends a random code", "the device's new home", "the device proves that it has its key"):
            assert (escape(other) in shown) is described, other


def test_the_map_without_a_place_marks_none() -> None:
    shown = figures.SystemMap()._repr_html_().partition("</style>")[2]
    assert "You are here" not in shown + repr(figures.SystemMap())
    assert "done" not in shown


def test_a_certificates_anatomy_shows_its_parts_and_that_the_private_key_is_absent() -> None:
    root = issue("The Root", ca=True)
    device = issue("The Device", issuer=root).certificate
    anatomy = figures.CertificateAnatomy(device)
    assert_shows(anatomy, "The Device", "The Root", "Not in it: the private key", device.signature[:12].hex().upper())
    assert "The Root's private key" in repr(anatomy)
    assert "its own private key" in repr(figures.CertificateAnatomy(root.certificate))


def test_a_proofs_anatomy_says_which_key_signs_and_which_one_checks() -> None:
    anatomy = figures.ProofAnatomy("0123456789ABCDEF" * 3, "The CA")
    assert_shows(
        anatomy, "0123456789ABCDEF" * 3, "made with the private key of The CA", "the public key that you uploaded"
    )


def test_the_matrix_fills_up_in_the_order_of_its_situations() -> None:
    matrix = figures.AccessMatrix(
        ("pump-1", "pump-2"),
        {"Before": {"pump-1": True}, "After": {"pump-1": False}, "Later": {}},
        {"After": "revoked"},
    )
    assert_shows(matrix, "pump-1", "accepted", "rejected", "not tried")
    assert repr(matrix).index("Before") < repr(matrix).index("After: revoked")
    shown = matrix._repr_html_().partition("</style>")[2]
    assert [shown.count(f"pill {kind}") for kind in ("accepted", "rejected")] == [1, 1]
    assert shown.count("– not tried") == 2, "pump-2 was not tried"
    assert shown.count("aria-label='not tried'") == 2, "nothing has been tried later"


@pytest.mark.parametrize("contoso", ["verified", "none"])
def test_a_stolen_pump_is_never_a_success(contoso: str) -> None:
    scene = figures.Scene(
        "The theft", "mallory", contoso, "verified", "It is gone.", "error", act=3, sender="pump", sends="its chain"
    )
    assert "STOLEN" in repr(scene)
    shown = scene._repr_html_().partition("</style>")[2]
    pump = shown[shown.rindex("<div class='station ", 0, shown.index("pump</b>")) :]
    assert pump.startswith("<div class='station error")
    assert "accepted" not in pump
    assert "✔" not in shown


def test_a_scene_shows_the_number_of_its_act_and_who_sends_what() -> None:
    scene = figures.Scene(
        "An act", "contoso", "verified", "uploaded", "No.", "note", act=2, sender="mallory", sends="a copy"
    )
    assert_shows(scene, "Act 2 of 5", "a copy")
    shown = scene._repr_html_().partition("</style>")[2]
    assert shown.count("<i class='past'>") == 2
    assert shown.index("Mallory sends") < shown.index("Mallory&#39;s DPS")
    before = figures.Scene(
        "Home", "contoso", "verified", "none", "Yes.", "accepted", act=0, sender="contoso", sends="it"
    )
    assert_shows(before, "Before the attack")


def test_the_pump_stands_in_one_place_only() -> None:
    for name, scene in SCENES.items():
        assert scene._repr_html_().count("pump</b>") == 1, name


def test_the_ids_and_the_planes_are_told_apart() -> None:
    assert_shows(
        figures.FourIds("0ne0", "pump-1", "pump-at-hub", "the-group"), "0ne0", "pump-1", "pump-at-hub", "the-group"
    )
    planes = repr(figures.ThreePlanes())
    for text in ("management.azure.com", "Data Contributor", "TLS with the device's certificate"):
        assert text in planes


def test_tabs_have_names_of_their_own_and_the_first_is_open() -> None:
    tabs = figures.Tabs({"One": Markup("<p>1</p>"), "Two": Markup("<p>2</p>")})
    first, second = (re.findall(r"<details name='([^']+)'( open)?>", tabs._repr_html_()) for _ in range(2))
    assert [opened for _, opened in first] == [" open", ""]
    assert len({name for name, _ in first}) == 1
    assert first[0][0] != second[0][0], "the browser keeps only one fold of a name open"


def test_verified_is_green_wherever_it_stands() -> None:
    root = issue("Root", ca=True).certificate
    facts = figures.show_certificate(root).facts
    for verified, kind in ((True, "accepted"), (False, "note")):
        known = replace(REGISTERED, thumbprint=facts.sha1, verified=verified)
        word = "VERIFIED" if verified else "not verified yet"
        page = figures.CertificatesPage({"CAs": [figures.PageLine("root.pem", facts, figures.status_at_dps(known))]})
        for picture in (figures.show_certificate(root, known), figures.show_tree("Tree", [root], known=[known]), page):
            assert f"<span class='pill {kind}'>{word}</span>" in picture._repr_html_()


def test_hexadecimal_digits_stand_in_groups_without_spaces_between_them() -> None:
    shown = figures.CodeCard("0123456789AB")._repr_html_()
    assert "<span>0123</span><span>4567</span><span>89AB</span>" in shown


def test_a_request_breaks_between_the_parts_of_its_path_and_its_status_has_words() -> None:
    url = "https://localhost/certificates/walkthrough-ca?api-version=1&top=2"
    html = show_exchange(Exchange("management", "PUT", url, {}, None, 412, {}, None), is_open=True)
    pieces = re.findall(r"<span>([^<]+)</span>", html)
    assert pieces == ["/certificates", "/walkthrough-ca", "?api-version=", "1", "&amp;top=", "2"]
    assert "412 Precondition Failed" in html
    assert "499" in show_exchange(Exchange("management", "GET", url, {}, None, 499, {}, None), is_open=True)


def exchange(method: str, end: str, request: Any = None, answer: Any = None) -> Exchange:
    return Exchange(
        "management", method, f"https://localhost/certificates/ca{end}", {"If-Match": "e"}, request, 200, {}, answer
    )


def test_a_request_has_its_fields_explained_and_its_headers_folded_but_not_in_a_question() -> None:
    put = exchange("PUT", "", {"properties": {"certificate": "AA"}}, {"properties": {"isVerified": False}, "etag": "x"})
    html = show_exchange(put, is_open=True)
    notes = re.findall(r"<div class='quiet'><code>(\w+)</code>", html)
    assert notes == ["certificate", "isVerified", "etag"]
    assert "<details><summary><small>Headers of the request" in html
    asked = show_exchange(put, is_open=True, explained=False)
    assert "class='quiet'><code>" not in asked
    assert "<details><summary>" not in asked
    assert "If-Match: e" in asked


def test_only_a_body_that_is_shown_whole_can_be_copied_and_an_absent_one_is_told() -> None:
    whole, shortened = (show_exchange(exchange("GET", "", answer={"a": "x" * n}), is_open=True) for n in (9, 999))
    assert "class='copy'" in whole
    assert "(999 characters)" in shortened
    assert "class='copy'" not in shortened
    assert "The answer has no body." in show_exchange(exchange("DELETE", ""), is_open=True)


@pytest.mark.parametrize(
    ("methods", "opened"), [("GET PUT GET", 1), ("GET POST/verify GET", 1), ("GET GET", 1), ("PUT POST/query", 0)]
)
def test_of_a_steps_requests_only_its_own_is_open(methods: str, opened: int) -> None:
    wire = Chapter()
    for each in methods.split():
        method, slash, end = each.partition("/")
        wire.note(exchange(method, slash + end))
    html = WhatJustHappened(wire, (), Recipe((), "", ""))._repr_html_()
    folds = re.findall(r"class='exchange'( open)?", html)
    assert [bool(each) for each in folds] == [number == opened for number in range(len(folds))]


def test_the_text_of_a_picture_has_no_words_of_its_copy_buttons() -> None:
    card = figures.show_certificate(issue("The Device").certificate)
    assert card._repr_html_().count("class='copy'") == 2
    assert "opy" not in repr(card)
