"""Pictures say the same in HTML and in plain text, and text from a certificate is never HTML."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from markupsafe import escape

from helpers.certificates import CertificateAuthority, Check, Examination
from helpers.dps import (
    AllocationPolicy,
    CaReference,
    CustomAllocation,
    EnrollmentGroup,
    RegisteredCertificate,
    Registration,
    ReprovisionPolicy,
    ServiceDescription,
    SigningCertificate,
)
from helpers.lesson import figures
from helpers.problem import Problem
from tests.crafting import issue

SCRIPT = "<script>alert('&')</script>"
REGISTERED = RegisteredCertificate("at-dps", "CN=x", "00", datetime.now(UTC), False, "etag")
GROUP = EnrollmentGroup("the-group", CaReference("the-ca"))


def assert_shows(picture: Any, *texts: str) -> None:
    """Expect texts in both forms; in HTML, hexadecimal digits may be in groups."""
    html = picture._repr_html_().replace("<span>", "").replace("</span>", "")
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
    assert_shows(figures.RefusalCard(refusal), "What helps")
    assert_shows(figures.RefusalCard(refusal, "CA"), "If the CA is yours", "Sign it with the CA's key.")
    assert "help" not in repr(figures.RefusalCard(refusal, "CA"))


@pytest.mark.parametrize(("path_length", "says"), [(None, "any number of CAs"), (0, "no CAs"), (2, "2 CAs")])
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
        (GROUP, ["the-group", "“the-ca”", "enabled", "the service's own policy", "may move"]),
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
