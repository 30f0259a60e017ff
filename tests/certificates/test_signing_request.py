"""A CA whose key is elsewhere is proved through a request; in these tests, the OpenSSL program is the PKI team."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from helpers.certificates import (
    CertificateAuthority,
    accept_verification_certificate,
    certificate_pem,
    request_verification_certificate,
)
from helpers.dps import connect_local, start_local_dps, stop_local_dps
from helpers.problem import Problem
from tests import openssl
from tests.crafting import FUTURE, PAST, issue

CODE, OLD_CODE = "0123456789ABCDEF" * 3, "FEDCBA9876543210" * 3
CA = issue("Factory CA", ca=True)
KEYS = {"EC": openssl.SEC1_WITH_PARAMETERS, "RSA": openssl.RSA_2048}


def in_der(request: bytes) -> bytes:
    return openssl.run("req", "-outform", "DER", stdin=request)


def signed_by_openssl(team: openssl.Authority, request: bytes, folder: Path, *options: str) -> bytes:
    """The certificate that the PKI team issues for a request, as the checklist of 03 tells it to."""
    file = folder / "request.csr"
    file.write_bytes(request)
    signer = ("-CA", team.certificate, "-CAkey", team.private_key, "-CAcreateserial")
    return openssl.run("x509", "-req", "-in", file, *signer, "-days", "3", *options)


# --- the request ---


def test_openssl_verifies_the_request_and_finds_nothing_but_the_code_in_its_name() -> None:
    request = request_verification_certificate(CODE)
    assert openssl.verify_request(request).accepted
    printed = openssl.run("req", "-noout", "-subject", stdin=request).decode()
    assert printed.split() == ["subject=CN", "=", CODE]


def test_openssl_would_notice_that_a_request_was_changed() -> None:
    der = in_der(request_verification_certificate(CODE))
    changed = openssl.verify_request(der.replace(CODE.encode(), OLD_CODE.encode()), "DER")
    assert changed.has_judged
    assert not changed.accepted


def test_each_request_is_for_a_key_pair_of_its_own() -> None:
    keys = [x509.load_pem_x509_csr(request_verification_certificate(CODE)).public_key() for _ in range(2)]
    assert keys[0] != keys[1]


def test_a_signer_that_copies_its_extensions_issues_no_ca(tmp_path: Path) -> None:
    team = openssl.make_root(tmp_path)
    signed = signed_by_openssl(team, request_verification_certificate(CODE), tmp_path, "-copy_extensions", "copyall")
    constraints = x509.load_pem_x509_certificate(signed).extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.value.ca is False


@pytest.mark.parametrize("code", ["", CODE.lower(), CODE[:-1], f"{CODE} "])
def test_a_text_that_is_no_code_is_rejected(code: str) -> None:
    with pytest.raises(Problem, match="not a verification code"):
        request_verification_certificate(code)


# --- what comes back ---


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_what_openssl_signed_leads_to_verified(key: tuple[str, ...], form: str, tmp_path: Path) -> None:
    team = openssl.make_root(tmp_path, key=key)
    certificate = x509.load_pem_x509_certificate(team.certificate.read_bytes())
    dps = connect_local(start_local_dps(tmp_path / "local-dps"))
    try:
        registered = dps.certificates.upload("of-the-team", certificate)
        registered = dps.certificates.generate_verification_code(registered)
        code = str(registered.verification_code)
        signed = signed_by_openssl(team, request_verification_certificate(code), tmp_path, "-outform", form)
        proof = accept_verification_certificate(signed, certificate, code)
        assert openssl.verify(proof.certificate, trusted=certificate, options=()).accepted
        assert dps.certificates.verify(registered, proof).verified
    finally:
        dps.close()
        stop_local_dps(tmp_path / "local-dps")


REQUEST = request_verification_certificate(CODE)
GOOD = issue(CODE, issuer=CA)
WRONG: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "the request": (lambda: REQUEST, "It is the request", "Give the request"),
    "the request in DER": (lambda: in_der(REQUEST), "It is the request", "Give the request"),
    "another signer": (
        lambda: issue(CODE, issuer=issue("Other", ca=True)).certificate_file,
        "Signed by the CA: Its issuer is “CN=Other”",
        "private key of “Factory CA”",
    ),
    "another signer of the same name": (
        lambda: issue(CODE, issuer=issue("Factory CA", ca=True)).certificate_file,
        "signature was made with another key",
        "private key of “Factory CA”",
    ),
    "self-signed": (
        lambda: CertificateAuthority.create_root(CODE).certificate.public_bytes(Encoding.DER),
        "It is self-signed",
        "private key of “Factory CA”",
    ),
    "an old code": (lambda: issue(OLD_CODE, issuer=CA).certificate_file, "not the newest code", "Sign the newest code"),
    "the CA itself": (lambda: CA.certificate_file, "Anyone may have it", "that the CA signed"),
    "expired": (lambda: issue(CODE, issuer=CA, life=PAST).der, "Expired", "Sign the code again"),
    "not valid yet": (lambda: issue(CODE, issuer=CA, life=FUTURE).der, "Not valid yet", "clock"),
    "with a private key": (lambda: GOOD.certificate_file + GOOD.key_file, "contains a private key", "only the"),
    "a whole chain": (lambda: GOOD.certificate_file + CA.certificate_file, "2 certificates", "only the"),
    "an empty file": (lambda: b"", "empty", "PEM"),
    "a text": (lambda: b"Approved.", "neither PEM nor the DER", "PEM"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_file_is_not_accepted_and_the_first_finding_is_explained(kind: str) -> None:
    content, why, next_step = WRONG[kind]
    with pytest.raises(Problem, match=r"back\.cer was not accepted") as caught:
        accept_verification_certificate(content(), CA.certificate, CODE, "back.cer")
    assert why in caught.value.why
    assert next_step in caught.value.next_step


@pytest.mark.parametrize("content", [GOOD.certificate_file, GOOD.der, b"Subject: CN\n" + GOOD.certificate_file])
def test_a_good_one_is_the_proof_for_its_code(content: bytes) -> None:
    proof = accept_verification_certificate(content, CA.certificate, CODE)
    assert (certificate_pem(proof.certificate), proof.code) == (GOOD.certificate_file, CODE)
