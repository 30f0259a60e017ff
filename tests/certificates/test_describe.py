"""A certificate's properties in words, compared with OpenSSL's output."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from helpers.certificates import CertificateAuthority, describe, extensions_in_words
from tests import openssl
from tests.crafting import CLIENT, SERVER, issue


def printed(certificate: x509.Certificate, *options: str) -> str:
    output = openssl.run("x509", "-noout", *options, stdin=openssl.pem([certificate])).decode()
    return output.strip().partition("=")[2]


def test_thumbprints_serial_and_dates_are_those_that_openssl_prints() -> None:
    certificate = CertificateAuthority.create_root("Contoso Root").issue_device("pump-1").certificate
    facts = describe(certificate)
    assert facts.sha1 == printed(certificate, "-fingerprint", "-sha1").replace(":", "")
    assert facts.sha256 == printed(certificate, "-fingerprint", "-sha256").replace(":", "")
    assert facts.serial.zfill(40) == printed(certificate, "-serial").zfill(40)
    for moment, option in ((facts.not_before, "-startdate"), (facts.not_after, "-enddate")):
        text = printed(certificate, option)
        assert moment == datetime.strptime(text, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)


def test_a_device_is_described_in_words() -> None:
    certificate = issue("pump-1", issuer=issue("Root", ca=True), purposes=(*CLIENT, *SERVER)).certificate
    device = describe(certificate)
    assert (device.subject, device.issuer, device.common_name) == ("CN=pump-1", "CN=Root", "pump-1")
    words = extensions_in_words(certificate)
    assert "Key usage (critical): digital signature" in words
    assert any(each.startswith("Extended key usage") and each.endswith(": TLS client, TLS server") for each in words)
    assert not device.is_authority
    assert not device.is_self_signed


def test_an_authority_is_described_in_words() -> None:
    certificate = issue("Root", ca=True, path_length=2).certificate
    root = describe(certificate)
    assert (root.is_authority, root.path_length, root.is_self_signed, root.key) == (True, 2, True, "P-256")
    words = extensions_in_words(certificate)
    assert "Basic constraints (critical): it is a CA; 2 CAs may be below it" in words
    assert "Key usage (critical): sign certificates, sign revocation lists" in words


@pytest.mark.parametrize("names", [(), ("one", "other")])
def test_without_exactly_one_common_name_there_is_none(names: tuple[str, ...]) -> None:
    assert describe(issue(*names).certificate).common_name == ""


def test_a_certificate_without_extensions_is_not_an_authority(tmp_path: Path) -> None:
    made = openssl.make_root(tmp_path, extensions=())
    certificate = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    facts = describe(certificate)
    assert (facts.is_authority, facts.path_length, extensions_in_words(certificate)) == (False, None, ())


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (("genrsa",), "RSA-2048"),
        (("ecparam", "-name", "secp384r1", "-genkey"), "P-384"),
        (("ecparam", "-name", "secp521r1", "-genkey"), "P-521"),
        (("ecparam", "-name", "secp256k1", "-genkey"), "secp256k1"),
        (("genpkey", "-algorithm", "ED25519"), "Ed25519"),
    ],
)
def test_the_key_is_named_for_certificates_of_any_tool(key: tuple[str, ...], name: str, tmp_path: Path) -> None:
    made = openssl.make_root(tmp_path, key=key)
    assert describe(x509.load_pem_x509_certificate(made.certificate.read_bytes())).key == name


def test_key_identifiers_are_those_that_openssl_prints_and_an_unknown_extension_is_named_by_its_oid() -> None:
    root = CertificateAuthority.create_root("Root")
    device = root.issue_device("pump-1").certificate
    text = openssl.run("x509", "-noout", "-ext", "subjectKeyIdentifier", stdin=openssl.pem([root.certificate])).decode()
    identifier = text.splitlines()[1].strip().replace(":", "")
    assert f"Subject key identifier: the identifier of its key is {identifier}" in extensions_in_words(root.certificate)
    assert f"Authority key identifier: the identifier of the key that signed it is {identifier}" in extensions_in_words(
        device
    )
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    names = x509.SubjectAlternativeName([x509.DNSName("pump.example")])
    odd = issue("odd", instead=(unknown, names)).certificate
    assert "1.2.3.4: not explained here" in extensions_in_words(odd)
    assert "Subject alt name: it is also for pump.example" in extensions_in_words(odd)
