"""The examiner: each wrong proof and each wrong chain fails exactly the right checks."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from helpers.certificates import CertificateAuthority, Examination, certificate_pem, examine_chain, examine_proof
from helpers.problem import Problem
from tests import openssl
from tests.crafting import CLIENT, FUTURE, PAST, SERVER, Crafted, issue

CODE, OLD_CODE = "0123456789ABCDEF" * 3, "FEDCBA9876543210" * 3
ROOT = issue("Root", ca=True, path_length=1)
BELOW = issue("Below", ca=True, path_length=0, issuer=ROOT)
SAME_NAMED_ROOT = issue("Root", ca=True, path_length=1)
SAME_NAMED_BELOW = issue("Below", ca=True, path_length=0, issuer=SAME_NAMED_ROOT)
UNRELATED = issue("Unrelated", ca=True)
MISNAMED_ROOT = Crafted(issue("Misnamed", ca=True).certificate, ROOT.private_key)
EXPIRED_ROOT = issue("Root", ca=True, life=PAST)
FUTURE_ROOT = issue("Root", ca=True, life=FUTURE)
MALFORMED = x509.UnrecognizedExtension(x509.BasicConstraints.oid, b"\x30\xff")


def failed(examination: Examination) -> set[str]:
    """The names of the failed checks, after assertions that hold for every examination."""
    assert examination.checks
    for check in examination.checks:
        assert check.name
        assert check.reason
        assert bool(check.remedy) != check.passed
    names = [check.name for check in examination.checks if not check.passed]
    assert examination.passed == (not names)
    if names:
        with pytest.raises(Problem) as caught:
            examination.require()
        assert examination.title in caught.value.what
        assert f"{len(names)} of {len(examination.checks)}" in caught.value.what
        for check in examination.checks:
            assert (check.reason in caught.value.why) == (not check.passed)
            assert check.remedy in caught.value.next_step
    else:
        examination.require()
    return set(names)


def reasons(examination: Examination) -> str:
    return " ".join(check.reason for check in examination.checks if not check.passed)


class TestProof:
    @pytest.mark.parametrize("form", ["certificate_file", "der"])
    @pytest.mark.parametrize("authority", [ROOT, BELOW], ids=["root", "intermediate"])
    def test_a_right_one_passes(self, authority: Crafted, form: str) -> None:
        proof = issue(CODE, issuer=authority)
        examination = examine_proof(getattr(proof, form), authority.certificate, CODE)
        assert failed(examination) == set()
        assert len(examination.checks) == 6

    def test_a_proof_from_the_helpers_passes(self) -> None:
        root = CertificateAuthority.create_root("Root")
        for authority in (root, root.create_intermediate("Below")):
            proof = certificate_pem(authority.sign_verification_code(CODE).certificate)
            assert failed(examine_proof(proof, authority.certificate, CODE)) == set()

    @pytest.mark.parametrize(
        ("proof", "authority", "expected", "reason"),
        [
            (issue(CODE, issuer=UNRELATED), ROOT, {"Signed by the CA"}, "issuer is “CN=Unrelated”"),
            (issue(CODE, issuer=SAME_NAMED_ROOT), ROOT, {"Signed by the CA"}, "with another key"),
            (issue(CODE, issuer=ROOT), BELOW, {"Signed by the CA"}, "the CA above “Below”"),
            (issue(CODE, issuer=BELOW), ROOT, {"Signed by the CA"}, "issuer is “CN=Below”"),
            (issue(CODE), ROOT, {"Signed by the CA"}, "self-signed"),
            (
                issue(CODE, issuer=MISNAMED_ROOT),
                ROOT,
                {"Signed by the CA"},
                "signed with the right key, but it names “CN=Misnamed”",
            ),
            (issue(OLD_CODE, issuer=ROOT), ROOT, {"Common name is the code"}, "not the newest code"),
            (issue(CODE.lower(), issuer=ROOT), ROOT, {"Common name is the code"}, "case or in white space"),
            (issue(f"{CODE} ", issuer=ROOT), ROOT, {"Common name is the code"}, "case or in white space"),
            (issue(issuer=ROOT), ROOT, {"Common name is the code"}, "no CN"),
            (issue(CODE, OLD_CODE, issuer=ROOT), ROOT, {"Common name is the code"}, "more than one"),
            (issue(CODE, issuer=ROOT, life=PAST), ROOT, {"Dates of the proof"}, "Expired"),
            (issue(CODE, issuer=ROOT, life=FUTURE), ROOT, {"Dates of the proof"}, "Not valid yet"),
            (issue(CODE, issuer=EXPIRED_ROOT), EXPIRED_ROOT, {"Dates of the CA"}, "Expired"),
            (issue(CODE, issuer=FUTURE_ROOT), FUTURE_ROOT, {"Dates of the CA"}, "Not valid yet"),
            (ROOT, ROOT, {"Not the CA itself", "Common name is the code"}, "proves nothing"),
            (BELOW, BELOW, {"Not the CA itself", "Common name is the code", "Signed by the CA"}, "proves nothing"),
            (
                issue(OLD_CODE, issuer=UNRELATED, life=PAST),
                ROOT,
                {"Common name is the code", "Signed by the CA", "Dates of the proof"},
                "Expired",
            ),
        ],
        ids=[
            "another CA",
            "same-named CA",
            "root instead of intermediate",
            "intermediate instead of root",
            "self-signed",
            "another issuer's name",
            "old code",
            "lower case",
            "trailing space",
            "no name",
            "two names",
            "expired",
            "not yet valid",
            "expired CA",
            "CA not yet valid",
            "the root itself",
            "the intermediate itself",
            "three faults at once",
        ],
    )
    @pytest.mark.parametrize("form", ["certificate_file", "der"])
    def test_a_wrong_one_fails_exactly_the_right_checks(
        self, proof: Crafted, authority: Crafted, expected: set[str], reason: str, form: str
    ) -> None:
        examination = examine_proof(getattr(proof, form), authority.certificate, CODE)
        assert failed(examination) == expected
        assert reason in reasons(examination)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "empty"),
            (b"garbage \x00\xff" * 50, "neither PEM nor the DER"),
            (issue(CODE, issuer=ROOT).certificate_file[:-60], "cut off"),
            (issue(CODE, issuer=ROOT).key_file, "private key"),
            (issue(CODE, issuer=ROOT).certificate_file + ROOT.key_file, "private key"),
            (issue(CODE, issuer=ROOT).certificate_file + ROOT.certificate_file, "2 certificates"),
        ],
        ids=["empty", "garbage", "cut off", "a key", "with a key", "two certificates"],
    )
    def test_a_file_that_is_not_one_certificate_fails_at_once(self, content: bytes, reason: str) -> None:
        examination = examine_proof(content, ROOT.certificate, CODE)
        assert failed(examination) == {"Encoding"}
        assert len(examination.checks) == 1
        assert reason in reasons(examination)

    def test_a_malformed_certificate_is_a_failure_and_not_a_crash(self) -> None:
        broken = issue(CODE, issuer=ROOT, instead=(MALFORMED,))
        assert failed(examine_proof(broken.certificate_file, ROOT.certificate, CODE))

    def test_an_unknown_kind_of_key_is_a_failure_and_not_a_crash(self, tmp_path: Path) -> None:
        made = openssl.make_root(tmp_path, subject=f"/CN={CODE}", key=("genpkey", "-algorithm", "SM2"))
        assert failed(examine_proof(made.certificate.read_bytes(), ROOT.certificate, CODE))

    def test_the_dates_are_compared_with_the_given_time(self) -> None:
        proof = issue(CODE, issuer=ROOT).certificate_file
        for days, passed in ((-2, False), (0, True), (2, False)):
            moment = datetime.now(UTC) + timedelta(days=days)
            names = failed(examine_proof(proof, ROOT.certificate, CODE, at=moment))
            assert names == (set() if passed else {"Dates of the proof", "Dates of the CA"})


DEVICE = issue("pump-1", issuer=BELOW, purposes=CLIENT)
OF_ROOT = issue("pump-1", issuer=ROOT)
OF_UNRELATED = issue("pump-1", issuer=SAME_NAMED_BELOW)
TOO_DEEP = issue("Too deep", ca=True, issuer=BELOW)
BELOW_TOO_DEEP = issue("pump-1", issuer=TOO_DEEP)
NO_AUTHORITY = issue("No CA", issuer=ROOT)
BELOW_NO_AUTHORITY = issue("pump-1", issuer=NO_AUTHORITY)
MAY_NOT_SIGN = issue("May not sign", ca=True, issuer=ROOT, usages=("digital_signature",))
BELOW_MAY_NOT_SIGN = issue("pump-1", issuer=MAY_NOT_SIGN)
EXPIRED_BELOW = issue("Below", ca=True, path_length=0, issuer=ROOT, life=PAST)
BELOW_EXPIRED = issue("pump-1", issuer=EXPIRED_BELOW)


class TestChain:
    @pytest.mark.parametrize(
        ("chain", "authority"),
        [
            ([DEVICE, BELOW], ROOT),
            ([DEVICE, BELOW], BELOW),
            ([DEVICE], BELOW),
            ([DEVICE, BELOW, ROOT], ROOT),
            ([DEVICE, BELOW, ROOT], BELOW),
            ([OF_ROOT], ROOT),
        ],
        ids=["to the root", "to the intermediate", "device alone", "root sent", "beyond the CA", "one level"],
    )
    @pytest.mark.parametrize("registration_id", ["pump-1", "PUMP-1"])
    def test_a_right_one_passes(self, chain: list[Crafted], authority: Crafted, registration_id: str) -> None:
        examination = examine_chain([each.certificate for each in chain], authority.certificate, registration_id)
        assert failed(examination) == set()

    @pytest.mark.parametrize("depth", [0, 1, 2])
    def test_a_chain_from_the_helpers_passes(self, depth: int) -> None:
        line = [CertificateAuthority.create_root("Root", path_length=depth)]
        for level in range(depth):
            line.append(line[-1].create_intermediate(f"Level {level}"))
        device = line[-1].issue_device("pump-1")
        for authority in line:
            assert failed(examine_chain(device.chain, authority.certificate, "pump-1")) == set()

    @pytest.mark.parametrize(
        ("chain", "authority", "expected", "reason"),
        [
            ([DEVICE], ROOT, {"Reaches “Root”"}, "CA certificate not found"),
            (
                [DEVICE, ROOT, BELOW],
                ROOT,
                {"“pump-1” signed by “Root”", "“Root” signed by “Below”"},
                "order is wrong",
            ),
            (
                [BELOW, DEVICE],
                ROOT,
                {
                    "First certificate is a device's",
                    "Common name is the registration id",
                    "“Below” signed by “pump-1”",
                    "Reaches “Root”",
                    "“pump-1” may sign",
                },
                "not a device's",
            ),
            ([issue("pump-1", issuer=BELOW, life=PAST), BELOW], ROOT, {"Dates of “pump-1”"}, "Expired"),
            ([issue("pump-1", issuer=BELOW, life=FUTURE), BELOW], ROOT, {"Dates of “pump-1”"}, "Not valid yet"),
            ([BELOW_EXPIRED, EXPIRED_BELOW], ROOT, {"Dates of “Below”"}, "Expired"),
            ([issue("pump-2", issuer=BELOW), BELOW], ROOT, {"Common name is the registration id"}, "“pump-2”"),
            ([issue(issuer=BELOW), BELOW], ROOT, {"Common name is the registration id"}, "“”"),
            ([issue("pump-1", ca=True, issuer=ROOT)], ROOT, {"First certificate is a device's"}, "CA's certificate"),
            ([issue("pump-1", purposes=SERVER, issuer=ROOT)], ROOT, {"First certificate is a device's"}, "TLS client"),
            (
                [BELOW_TOO_DEEP, TOO_DEEP, BELOW],
                ROOT,
                {"“Below” may sign", "“Root” may sign"},
                "path length is 0, but the number of CAs",
            ),
            ([BELOW_NO_AUTHORITY, NO_AUTHORITY], ROOT, {"“No CA” may sign"}, "not a CA's"),
            ([BELOW_MAY_NOT_SIGN, MAY_NOT_SIGN], ROOT, {"“May not sign” may sign"}, "not a CA's"),
            ([OF_UNRELATED, SAME_NAMED_BELOW], ROOT, {"Reaches “Root”"}, "CA certificate not found"),
            ([OF_UNRELATED, BELOW], ROOT, {"“pump-1” signed by “Below”"}, "did not sign it"),
            ([issue("pump-1")], ROOT, {"Reaches “Root”"}, "CA certificate not found"),
            ([], ROOT, {"Chain"}, "empty"),
        ],
        ids=[
            "missing intermediate",
            "wrong order above the device",
            "device last",
            "expired device",
            "device not yet valid",
            "expired intermediate",
            "another name",
            "no name",
            "CA as device",
            "server as device",
            "path length exceeded",
            "signed by a device",
            "signed by a CA that may not sign",
            "same-named CA",
            "same-named intermediate's device",
            "self-signed",
            "empty",
        ],
    )
    def test_a_wrong_one_fails_exactly_the_right_checks(
        self, chain: list[Crafted], authority: Crafted, expected: set[str], reason: str
    ) -> None:
        examination = examine_chain([each.certificate for each in chain], authority.certificate, "pump-1")
        assert failed(examination) == expected
        assert reason in reasons(examination)

    @pytest.mark.parametrize("authority", [EXPIRED_ROOT, FUTURE_ROOT], ids=["expired", "not yet valid"])
    def test_the_groups_own_authority_must_be_valid_although_the_device_does_not_send_it(
        self, authority: Crafted
    ) -> None:
        device = issue("pump-1", issuer=authority)
        assert not openssl.verify(device.certificate, trusted=authority.certificate).accepted
        assert failed(examine_chain([device.certificate], authority.certificate, "pump-1")) == {"Dates of “Root”"}

    def test_a_malformed_certificate_is_a_failure_and_not_a_crash(self) -> None:
        broken = issue("pump-1", issuer=ROOT, instead=(MALFORMED,))
        assert failed(examine_chain([broken.certificate], ROOT.certificate, "pump-1"))

    def test_the_dates_are_compared_with_the_given_time(self) -> None:
        moment = datetime.now(UTC) + timedelta(days=2)
        names = failed(examine_chain([DEVICE.certificate, BELOW.certificate], BELOW.certificate, "pump-1", at=moment))
        assert names == {"Dates of “pump-1”", "Dates of “Below”"}

    @pytest.mark.parametrize(
        ("chain", "accepted"),
        [
            ([DEVICE, BELOW], True),
            ([DEVICE], False),
            ([BELOW_EXPIRED, EXPIRED_BELOW], False),
            ([BELOW_TOO_DEEP, TOO_DEEP, BELOW], False),
            ([BELOW_NO_AUTHORITY, NO_AUTHORITY], False),
            ([BELOW_MAY_NOT_SIGN, MAY_NOT_SIGN], False),
            ([OF_UNRELATED, SAME_NAMED_BELOW], False),
            ([issue("pump-1", purposes=SERVER, issuer=ROOT)], False),
        ],
    )
    def test_openssl_reaches_the_same_verdict(self, chain: list[Crafted], accepted: bool) -> None:
        device, *between = [each.certificate for each in chain]
        options = (*openssl.STRICT, "-purpose", "sslclient")
        verdict = openssl.verify(device, trusted=ROOT.certificate, untrusted=between, options=options)
        assert verdict.accepted == accepted, verdict.why
        assert examine_chain([device, *between], ROOT.certificate, "pump-1").passed == accepted
