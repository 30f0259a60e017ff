"""Authorities from the `openssl` program in all its formats: load them, use them, and check the result with it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from helpers.certificates import CertificateAuthority, KeyAlgorithm, load_authority
from helpers.problem import Problem
from tests import openssl

CODE = "0123456789ABCDEF" * 3
PASSPHRASE = "correct horse"
PLAIN_FORMS: dict[str, Callable[[Path], bytes]] = {
    "PKCS#8 PEM": lambda key: openssl.pkcs8(key, "PEM"),
    "PKCS#8 DER": lambda key: openssl.pkcs8(key, "DER"),
    "traditional PEM": lambda key: openssl.traditional(key, "PEM"),
    "traditional DER": lambda key: openssl.traditional(key, "DER"),
    "as generated": Path.read_bytes,
}
ENCRYPTED_FORMS: dict[str, Callable[[Path], bytes]] = {
    "encrypted PKCS#8 PEM": lambda key: openssl.pkcs8(key, "PEM", PASSPHRASE),
    "encrypted PKCS#8 DER": lambda key: openssl.pkcs8(key, "DER", PASSPHRASE),
    "encrypted traditional PEM": lambda key: openssl.traditional(key, "PEM", PASSPHRASE),
}
KEYS = {"EC": openssl.SEC1_WITH_PARAMETERS, "RSA": openssl.RSA_2048}
AS_CLIENT = (*openssl.STRICT, "-purpose", "sslclient")


@pytest.fixture(scope="module", params=KEYS.values(), ids=KEYS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> openssl.Authority:
    return openssl.make_root(tmp_path_factory.mktemp("made"), key=request.param)


def assert_can_sign(authority: CertificateAuthority, *options: str) -> None:
    for certificate in (
        authority.issue_device("pump-1").certificate,
        authority.sign_verification_code(CODE).certificate,
    ):
        verdict = openssl.verify(certificate, trusted=authority.certificate, options=options or AS_CLIENT)
        assert verdict.accepted, verdict.why


@pytest.mark.parametrize("certificate_form", ["PEM", "DER"])
@pytest.mark.parametrize("form", PLAIN_FORMS)
def test_a_key_in_any_form_is_loaded(made: openssl.Authority, form: str, certificate_form: str, tmp_path: Path) -> None:
    certificate, key = tmp_path / "ca.crt", tmp_path / "ca.key"
    certificate.write_bytes(
        made.certificate.read_bytes() if certificate_form == "PEM" else openssl.to_der(made.certificate)
    )
    key.write_bytes(PLAIN_FORMS[form](made.private_key))
    assert_can_sign(load_authority(certificate, key))


@pytest.mark.parametrize("form", ENCRYPTED_FORMS)
class TestEncryptedKey:
    def test_the_passphrase_opens_it(self, made: openssl.Authority, form: str, tmp_path: Path) -> None:
        key = tmp_path / "ca.key"
        key.write_bytes(ENCRYPTED_FORMS[form](made.private_key))
        assert_can_sign(load_authority(made.certificate, key, passphrase=PASSPHRASE))

    @pytest.mark.parametrize(
        ("passphrase", "reason"),
        [("wrong horse", "passphrase is wrong"), (None, "no passphrase"), ("", "no passphrase")],
    )
    def test_without_the_right_passphrase_it_stays_closed(
        self, made: openssl.Authority, form: str, passphrase: str | None, reason: str, tmp_path: Path
    ) -> None:
        key = tmp_path / "ca.key"
        key.write_bytes(ENCRYPTED_FORMS[form](made.private_key))
        before = key.read_bytes()
        with pytest.raises(Problem, match=r"ca\.key could not be opened") as caught:
            load_authority(made.certificate, key, passphrase=passphrase)
        assert reason in caught.value.why
        assert "passphrase" in caught.value.next_step
        assert key.read_bytes() == before


@pytest.mark.parametrize("form", PLAIN_FORMS)
def test_a_needless_passphrase_is_rejected(made: openssl.Authority, form: str, tmp_path: Path) -> None:
    key = tmp_path / "ca.key"
    key.write_bytes(PLAIN_FORMS[form](made.private_key))
    with pytest.raises(Problem, match="was not opened") as caught:
        load_authority(made.certificate, key, passphrase=PASSPHRASE)
    assert "not encrypted" in caught.value.why


def test_the_generated_key_really_begins_with_its_parameters(tmp_path: Path) -> None:
    made = openssl.make_root(tmp_path)
    assert made.private_key.read_bytes().startswith(b"-----BEGIN EC PARAMETERS-----")


def test_key_and_certificate_may_be_in_one_file(made: openssl.Authority, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    for parts in ((made.certificate, made.private_key), (made.private_key, made.certificate)):
        both.write_bytes(b"".join(part.read_bytes() for part in parts))
        assert_can_sign(load_authority(both, both))


def test_a_text_around_the_certificate_is_allowed(made: openssl.Authority, tmp_path: Path) -> None:
    printed = tmp_path / "printed.pem"
    printed.write_bytes(openssl.run("x509", "-text", "-in", made.certificate))
    assert_can_sign(load_authority(printed, made.private_key))


def test_a_chain_file_gives_the_issuers(tmp_path: Path) -> None:
    root = openssl.make_root(tmp_path)
    below = openssl.make_below(tmp_path, root)
    chain = tmp_path / "chain.pem"
    chain.write_bytes(below.certificate.read_bytes() + root.certificate.read_bytes())
    authority = load_authority(chain, below.private_key)
    root_certificate = x509.load_pem_x509_certificate(root.certificate.read_bytes())
    assert authority.issuers == (root_certificate,)
    device = authority.issue_device("pump-1")
    verdict = openssl.verify(
        device.certificate, trusted=root_certificate, untrusted=device.chain[1:], options=AS_CLIENT
    )
    assert verdict.accepted, verdict.why


def test_an_intermediate_without_its_issuers_can_prove_itself_and_sign_devices(tmp_path: Path) -> None:
    below = openssl.make_below(tmp_path, openssl.make_root(tmp_path))
    authority = load_authority(below.certificate, below.private_key)
    assert authority.issuers == ()
    assert len(authority.issue_device("pump-1").chain) == 2
    assert_can_sign(authority, *AS_CLIENT, "-partial_chain")


@pytest.mark.parametrize("order", ["root first", "an unrelated CA between"])
def test_issuers_in_the_wrong_order_are_rejected(order: str, tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    root, unrelated = (
        openssl.make_root(tmp_path / "one"),
        openssl.make_root(tmp_path / "other", subject="/CN=Unrelated"),
    )
    below = openssl.make_below(tmp_path, root)
    wrong = {"root first": (root, below), "an unrelated CA between": (below, unrelated, root)}[order]
    chain = tmp_path / "chain.pem"
    chain.write_bytes(b"".join(each.certificate.read_bytes() for each in wrong))
    with pytest.raises(Problem, match=r"chain\.pem are not a chain") as caught:
        load_authority(chain, wrong[0].private_key)
    assert "was not signed by the next" in caught.value.why
    assert "its issuer" in caught.value.next_step


@pytest.mark.parametrize(
    "subject",
    ["/C=SE/O=Contoso AB/OU=Test/CN=Many parts", "/O=No common name", "/CN=One+O=Set", "/CN=\u6e29\u5ea6\u8a08"],
)
def test_its_certificates_name_the_issuer_byte_for_byte(subject: str, tmp_path: Path) -> None:
    made = openssl.make_root(tmp_path, subject=subject)
    authority = load_authority(made.certificate, made.private_key)
    device = authority.issue_device("pump-1").certificate
    assert device.issuer.public_bytes() == authority.certificate.subject.public_bytes()
    assert_can_sign(authority)


def test_an_unusual_key_identifier_is_repeated(tmp_path: Path) -> None:
    extensions = (*openssl.CA_EXTENSIONS[:2], "subjectKeyIdentifier = C0FFEE")
    made = openssl.make_root(tmp_path, extensions=extensions)
    authority = load_authority(made.certificate, made.private_key)
    device = authority.issue_device("pump-1").certificate
    found = device.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert found.key_identifier == bytes.fromhex("C0FFEE")
    assert_can_sign(authority)


@pytest.mark.parametrize("extensions", [openssl.CA_EXTENSIONS[:2], openssl.CA_EXTENSIONS[:1]])
def test_an_authority_with_few_extensions_can_sign(extensions: tuple[str, ...], tmp_path: Path) -> None:
    made = openssl.make_root(tmp_path, extensions=extensions)
    assert_can_sign(load_authority(made.certificate, made.private_key), "-purpose", "sslclient")


@pytest.mark.parametrize("curve", ["secp384r1", "secp521r1"])
def test_an_authority_on_another_curve_can_sign(curve: str, tmp_path: Path) -> None:
    made = openssl.make_root(tmp_path, key=("ecparam", "-name", curve, "-genkey"))
    assert_can_sign(load_authority(made.certificate, made.private_key))


@pytest.mark.parametrize("algorithm", ["ED25519", "ED448", "SM2"])
def test_a_key_that_is_neither_rsa_nor_on_a_supported_curve_is_rejected(algorithm: str, tmp_path: Path) -> None:
    made = openssl.make_root(tmp_path, key=("genpkey", "-algorithm", algorithm))
    with pytest.raises(Problem, match=r"root\.(key|pem)") as caught:
        load_authority(made.certificate, made.private_key)
    assert "RSA" in caught.value.next_step + caught.value.why


@pytest.mark.parametrize(
    "key",
    [("genpkey", "-algorithm", "RSA-PSS"), ("ecparam", "-name", "prime256v1", "-genkey", "-param_enc", "explicit")],
    ids=["RSA-PSS", "explicit curve parameters"],
)
def test_a_key_whose_signatures_openssl_would_reject_is_rejected(key: tuple[str, ...], tmp_path: Path) -> None:
    made = openssl.make_root(tmp_path, key=key)
    with pytest.raises(Problem):
        load_authority(made.certificate, made.private_key)


@pytest.mark.parametrize("kind", ["a device", "no extensions at all"])
def test_a_certificate_that_is_not_an_authoritys_is_rejected(kind: str, tmp_path: Path) -> None:
    device = ("basicConstraints = critical,CA:FALSE", "keyUsage = digitalSignature")
    made = openssl.make_root(tmp_path, subject="/CN=pump-1", extensions=device if kind == "a device" else ())
    with pytest.raises(Problem, match="“pump-1” is not a CA certificate") as caught:
        load_authority(made.certificate, made.private_key)
    assert "CA" in caught.value.next_step


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.P256, KeyAlgorithm.RSA2048])
def test_the_key_of_another_certificate_is_rejected(algorithm: KeyAlgorithm, tmp_path: Path) -> None:
    made = openssl.make_root(tmp_path)
    other = tmp_path / "other.key"
    other.write_bytes(openssl.run(*KEYS["EC" if algorithm is KeyAlgorithm.P256 else "RSA"]))
    with pytest.raises(Problem, match="does not belong to the certificate “Made by OpenSSL”") as caught:
        load_authority(made.certificate, other)
    assert "key file" in caught.value.next_step
