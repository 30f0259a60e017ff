"""CA certificates through the management SDK: upload, code, proof, and the ETag in each value."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from helpers.certificates import CertificateAuthority, certificate_pem, describe
from helpers.dps import CaCertificates, DpsError, RegisteredCertificate
from helpers.problem import Problem
from tests.crafting import LIVES, Crafted, pem, proof
from tests.dps.wire import Wire

Change = Callable[[CaCertificates, RegisteredCertificate, CertificateAuthority], RegisteredCertificate | None]
STALE_CODE = "0123456789ABCDEF" * 3


def code_of(registered: RegisteredCertificate) -> str:
    assert registered.verification_code is not None
    return registered.verification_code


def key_pem(ca: CertificateAuthority) -> bytes:
    return ca.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def proof_by(ca: CertificateAuthority, code: str) -> bytes:
    return certificate_pem(ca.sign_verification_code(code).certificate)


# --- the steps of the tutorial ---


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_ca_is_uploaded_proven_and_deleted(wire: Wire, ca: CertificateAuthority, encoding: Encoding) -> None:
    uploaded = wire.certificates.upload("factory", ca.certificate.public_bytes(encoding))
    facts = describe(ca.certificate)
    assert (uploaded.name, uploaded.thumbprint, uploaded.verified) == ("factory", facts.sha1, False)
    assert uploaded.expires == ca.certificate.not_valid_after_utc
    assert "Factory Root" in uploaded.subject
    assert uploaded == wire.certificates.get("factory")
    assert wire.certificates.list() == [uploaded]

    waiting = wire.certificates.generate_verification_code(uploaded)
    assert replace(waiting, verification_code=None) == wire.certificates.get("factory")
    signed = ca.sign_verification_code(code_of(waiting)).certificate
    verified = wire.certificates.verify(waiting, signed.public_bytes(encoding))
    assert verified.verified
    assert verified.verification_code is None
    assert verified == wire.certificates.get("factory")

    wire.certificates.delete(verified)
    assert wire.certificates.list() == []
    assert len({uploaded.etag, waiting.etag, verified.etag}) == 3


def test_each_change_sends_exactly_the_etag_of_its_value(
    wire: Wire, registered: RegisteredCertificate, ca: CertificateAuthority
) -> None:
    assert "if-match" not in wire.changes()[-1].headers
    waiting = wire.certificates.generate_verification_code(registered)
    again = wire.certificates.generate_verification_code(waiting)
    verified = wire.certificates.verify(again, proof_by(ca, code_of(again)))
    wire.certificates.delete(verified)
    sent = [each.headers["if-match"].strip('"') for each in wire.changes()[1:]]
    assert sent == [registered.etag, waiting.etag, again.etag, verified.etag]
    assert "*" not in {each.headers.get("if-match") for each in wire.seen}


def test_several_certificates_are_listed_and_a_new_service_has_none(wire: Wire, ca: CertificateAuthority) -> None:
    assert wire.certificates.list() == []
    names = ["a", "B.2", "c_3", "d-4", "x" * 64]
    uploaded = [wire.certificates.upload(name, certificate_pem(ca.certificate)) for name in names]
    assert sorted(wire.certificates.list(), key=lambda each: each.etag) == sorted(uploaded, key=lambda each: each.etag)


# --- ETags ---


@pytest.mark.parametrize(
    "change",
    [
        lambda certificates, stale, ca: certificates.generate_verification_code(stale),
        lambda certificates, stale, ca: certificates.verify(stale, proof_by(ca, STALE_CODE)),
        lambda certificates, stale, ca: certificates.delete(stale),
    ],
    ids=["generate_verification_code", "verify", "delete"],
)
def test_a_stale_value_changes_nothing(
    wire: Wire, registered: RegisteredCertificate, ca: CertificateAuthority, change: Change
) -> None:
    waiting = wire.certificates.generate_verification_code(registered)
    with pytest.raises(DpsError) as caught:
        change(wire.certificates, registered, ca)
    error = caught.value
    assert (error.status, error.code) == (412, "412001")
    assert "ETag" in error.why
    assert "Read the certificate again" in error.next_step
    assert wire.certificates.get("factory") == replace(waiting, verification_code=None)
    assert wire.certificates.verify(waiting, proof_by(ca, code_of(waiting))).verified


# --- uploads ---


def test_uploading_the_same_certificate_again_returns_its_state_and_sends_no_put(
    wire: Wire, registered: RegisteredCertificate, ca: CertificateAuthority
) -> None:
    waiting = wire.certificates.generate_verification_code(registered)
    verified = wire.certificates.verify(waiting, proof_by(ca, code_of(waiting)))
    before = len(wire.changes())
    assert wire.certificates.upload("factory", ca.certificate.public_bytes(Encoding.DER)) == verified
    assert len(wire.changes()) == before


def test_another_certificate_under_a_taken_name_changes_nothing(
    wire: Wire, registered: RegisteredCertificate, other_ca: CertificateAuthority
) -> None:
    before = len(wire.changes())
    with pytest.raises(DpsError) as caught:
        wire.certificates.upload("factory", certificate_pem(other_ca.certificate))
    assert caught.value.status == 409
    assert len(wire.changes()) == before
    assert wire.certificates.get("factory") == registered


@pytest.mark.parametrize("order", ["key first", "key last", "key alone"])
def test_a_file_with_a_private_key_is_rejected_and_nothing_is_sent(
    wire: Wire, ca: CertificateAuthority, order: str
) -> None:
    key, certificate = key_pem(ca), certificate_pem(ca.certificate)
    content = {"key first": key + certificate, "key last": certificate + key, "key alone": key}[order]
    with pytest.raises(Problem, match="private key"):
        wire.certificates.upload("factory", content, source="root.pem")
    assert wire.seen == []


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x30\x82", b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"]
)
def test_a_file_that_is_not_a_certificate_is_rejected_and_nothing_is_sent(wire: Wire, content: bytes) -> None:
    with pytest.raises(Problem, match=r"^root\.cer is not a certificate"):
        wire.certificates.upload("factory", content, source="root.cer")
    assert wire.seen == []


def test_a_devices_certificate_is_rejected_and_nothing_is_sent(wire: Wire, ca: CertificateAuthority) -> None:
    with pytest.raises(Problem, match="device"):
        wire.certificates.upload("factory", certificate_pem(ca.issue_device("pump-1").certificate))
    assert wire.seen == []


def test_two_certificates_in_one_file_are_rejected_and_nothing_is_sent(
    wire: Wire, ca: CertificateAuthority, other_ca: CertificateAuthority
) -> None:
    with pytest.raises(Problem, match="2 certificates"):
        wire.certificates.upload("factory", certificate_pem(ca.certificate, other_ca.certificate))
    assert wire.seen == []


@pytest.mark.parametrize("name", ["", "two words", "a/b", "x" * 65, "näme", "a\n", "a?b", "a%2Fb", ".", ".."])
def test_an_invalid_name_is_rejected_and_nothing_is_sent(wire: Wire, ca: CertificateAuthority, name: str) -> None:
    with pytest.raises(Problem, match="name"):
        wire.certificates.upload(name, certificate_pem(ca.certificate))
    assert wire.seen == []


# --- proofs ---

Forge = Callable[[CertificateAuthority, CertificateAuthority, str], bytes]
WRONG_PROOFS: dict[str, Forge] = {
    "signed by another CA": lambda ca, other, code: proof_by(other, code),
    "with another code": lambda ca, other, code: proof_by(ca, STALE_CODE),
    "the CA itself": lambda ca, other, code: certificate_pem(ca.certificate),
    "a device's certificate": lambda ca, other, code: certificate_pem(ca.issue_device("pump-1").certificate),
    "with the code in lower case": lambda ca, other, code: crafted_proof(ca, code.lower(), "good"),
    "expired": lambda ca, other, code: crafted_proof(ca, code, "expired"),
    "not valid yet": lambda ca, other, code: crafted_proof(ca, code, "future"),
}


def crafted_proof(ca: CertificateAuthority, common_name: str, life: str) -> bytes:
    issuer = Crafted(ca.certificate, ca.private_key)
    return pem(proof(issuer, common_name, life=LIVES[life]).certificate).encode()


@pytest.mark.parametrize("forge", WRONG_PROOFS.values(), ids=WRONG_PROOFS)
def test_a_wrong_proof_is_rejected_and_the_right_one_still_works(
    wire: Wire,
    registered: RegisteredCertificate,
    ca: CertificateAuthority,
    other_ca: CertificateAuthority,
    forge: Forge,
) -> None:
    waiting = wire.certificates.generate_verification_code(registered)
    with pytest.raises(DpsError) as caught:
        wire.certificates.verify(waiting, forge(ca, other_ca, code_of(waiting)))
    assert caught.value.status == 400
    assert "sign" in caught.value.next_step
    assert not wire.certificates.get("factory").verified
    assert wire.certificates.verify(waiting, proof_by(ca, code_of(waiting))).verified


def test_a_new_code_makes_the_earlier_one_invalid(
    wire: Wire, registered: RegisteredCertificate, ca: CertificateAuthority
) -> None:
    first = wire.certificates.generate_verification_code(registered)
    second = wire.certificates.generate_verification_code(first)
    with pytest.raises(DpsError) as caught:
        wire.certificates.verify(second, proof_by(ca, code_of(first)))
    assert caught.value.status == 400
    assert wire.certificates.verify(second, proof_by(ca, code_of(second))).verified


def test_a_code_works_once(wire: Wire, registered: RegisteredCertificate, ca: CertificateAuthority) -> None:
    waiting = wire.certificates.generate_verification_code(registered)
    signed = proof_by(ca, code_of(waiting))
    verified = wire.certificates.verify(waiting, signed)
    with pytest.raises(DpsError) as caught:
        wire.certificates.verify(verified, signed)
    assert caught.value.status == 400
    assert wire.certificates.get("factory").verified


@pytest.mark.parametrize("what", ["key", "garbage"])
def test_a_private_key_or_an_unreadable_file_is_not_sent_as_a_proof(
    wire: Wire, registered: RegisteredCertificate, ca: CertificateAuthority, what: str
) -> None:
    waiting = wire.certificates.generate_verification_code(registered)
    signed = proof_by(ca, code_of(waiting))
    before = len(wire.seen)
    with pytest.raises(Problem, match="The proof"):
        wire.certificates.verify(waiting, signed + key_pem(ca) if what == "key" else b"garbage")
    assert len(wire.seen) == before
    assert wire.certificates.verify(waiting, signed).verified


# --- certificates that do not exist ---


@pytest.mark.parametrize(
    "change",
    [
        lambda certificates, gone, ca: certificates.get("nobody"),
        lambda certificates, gone, ca: certificates.generate_verification_code(gone),
        lambda certificates, gone, ca: certificates.verify(gone, proof_by(ca, STALE_CODE)),
    ],
    ids=["get", "generate_verification_code", "verify"],
)
def test_a_certificate_that_does_not_exist_is_a_404(
    wire: Wire, registered: RegisteredCertificate, ca: CertificateAuthority, change: Change
) -> None:
    with pytest.raises(DpsError) as caught:
        change(wire.certificates, replace(registered, name="nobody"), ca)
    assert caught.value.status == 404
    assert wire.certificates.list() == [registered]


def test_deleting_a_certificate_that_is_already_gone_succeeds(wire: Wire, registered: RegisteredCertificate) -> None:
    for _ in range(2):
        wire.certificates.delete(registered)
    assert wire.certificates.list() == []


@pytest.mark.parametrize("name", ["", "..", "a/b", "ü"])
def test_reading_an_invalid_name_is_a_problem(wire: Wire, name: str) -> None:
    with pytest.raises(Problem):
        wire.certificates.get(name)


# --- self-attestation, and texts that are no proof ---


def test_a_self_attested_ca_is_verified_at_once_without_its_key(wire: Wire, other_ca: CertificateAuthority) -> None:
    registered = wire.certificates.upload("theirs", certificate_pem(other_ca.certificate), self_attested=True)
    assert registered.verified
    assert wire.certificates.get("theirs").verified
    body = json.loads(wire.changes()[-1].body)
    assert body["properties"]["isVerified"] is True


def test_an_ordinary_upload_does_not_mention_verification(wire: Wire, registered: RegisteredCertificate) -> None:
    assert "isVerified" not in json.loads(wire.changes()[-1].body)["properties"]


def test_any_text_sent_as_a_proof_arrives_unchanged(wire: Wire, registered: RegisteredCertificate) -> None:
    with pytest.raises(DpsError) as refused:
        wire.certificates.send_proof(registered, "anything at all")
    assert (refused.value.status, refused.value.code) == (500, "500019")
    assert json.loads(wire.changes()[-1].body) == {"certificate": "anything at all"}
