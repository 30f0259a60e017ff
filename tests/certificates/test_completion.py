"""The certificate of completion: X.509, about a person, and useless for a device."""

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from helpers.certificates import (
    COURSE_COMPLETION,
    CertificateAuthority,
    describe,
    extensions_in_words,
    issue_completion,
)
from helpers.problem import Problem
from tests import openssl


@pytest.fixture(scope="module")
def ca() -> CertificateAuthority:
    return CertificateAuthority.create_root("Root").create_intermediate("Intermediate")


def test_it_names_the_learner_and_allows_neither_a_ca_nor_a_tls_client(ca: CertificateAuthority) -> None:
    certificate = issue_completion(ca, "Zoë O'Neill <b>")
    facts = describe(certificate)
    assert (facts.common_name, facts.is_authority) == ("Zoë O'Neill <b>", False)
    value = certificate.extensions.get_extension_for_class
    assert list(value(x509.ExtendedKeyUsage).value) == [COURSE_COMPLETION]
    usage = value(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_cert_sign) == (True, False)
    assert "Extended key usage: completion of this course" in extensions_in_words(certificate)


def test_openssl_accepts_the_chain_but_neither_as_a_client_nor_as_a_server(ca: CertificateAuthority) -> None:
    certificate = issue_completion(ca, "Ada")
    (root,) = ca.issuers
    assert openssl.verify(certificate, trusted=root, untrusted=[ca.certificate]).accepted
    for purpose in ("sslclient", "sslserver"):
        options = (*openssl.STRICT, "-purpose", purpose)
        verdict = openssl.verify(certificate, trusted=root, untrusted=[ca.certificate], options=options)
        assert not verdict.accepted
        assert verdict.errors == {26}, "unsuitable certificate purpose"


def test_each_certificate_is_for_a_key_of_its_own_which_nobody_gets(ca: CertificateAuthority) -> None:
    one, other = issue_completion(ca, "Ada"), issue_completion(ca, "Ada")
    assert one.public_key() != other.public_key()


def test_it_never_outlives_its_ca(ca: CertificateAuthority) -> None:
    assert issue_completion(ca, "Ada").not_valid_after_utc <= ca.certificate.not_valid_after_utc


def test_the_oid_is_derived_from_its_uuid_and_is_no_known_purpose() -> None:
    assert COURSE_COMPLETION.dotted_string == f"2.25.{0x10888855_B599_484B_9A53_756D00EF8D43}"
    assert COURSE_COMPLETION not in (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)


@pytest.mark.parametrize("name", ["", " Ada", "Ada\n", "x" * 65, "0123456789ABCDEF" * 3, "ab" * 20])
def test_a_name_that_is_no_common_name_or_looks_like_a_code_is_refused(ca: CertificateAuthority, name: str) -> None:
    """A code that the CA signs is a proof of possession, whatever the certificate is called."""
    with pytest.raises(Problem):
        issue_completion(ca, name)
