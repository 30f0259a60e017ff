"""A certificate's facts in words, held against what OpenSSL prints."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from helpers.certificates import CertificateAuthority, describe
from tests.certificates import openssl
from tests.certificates.crafting import CLIENT, SERVER, craft


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
    device = describe(craft("pump-1", issuer=craft("Root", ca=True), purposes=(*CLIENT, *SERVER)).certificate)
    assert (device.subject, device.issuer, device.common_name) == ("CN=pump-1", "CN=Root", "pump-1")
    assert device.usages == ("digital signature", "TLS client", "TLS server")
    assert not device.is_authority
    assert not device.is_self_signed


def test_an_authority_is_described_in_words() -> None:
    root = describe(craft("Root", ca=True, path_length=2).certificate)
    assert (root.is_authority, root.path_length, root.is_self_signed, root.key) == (True, 2, True, "P-256")
    assert root.usages == ("sign certificates", "sign revocation lists")


@pytest.mark.parametrize("names", [(), ("one", "other")])
def test_without_exactly_one_common_name_there_is_none(names: tuple[str, ...]) -> None:
    assert describe(craft(*names).certificate).common_name == ""


def test_a_certificate_without_extensions_says_nothing_of_itself(tmp_path: Path) -> None:
    made = openssl.make_root(tmp_path, extensions=())
    facts = describe(x509.load_pem_x509_certificate(made.certificate.read_bytes()))
    assert (facts.is_authority, facts.path_length, facts.usages) == (False, None, ())


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
def test_the_key_is_named_whoever_made_it(key: tuple[str, ...], name: str, tmp_path: Path) -> None:
    made = openssl.make_root(tmp_path, key=key)
    assert describe(x509.load_pem_x509_certificate(made.certificate.read_bytes())).key == name
