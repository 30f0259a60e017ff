"""Proofs whose signature is mathematically right; OpenSSL accepts some of them, and refuses the others all the same."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519, padding, rsa
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from tests import openssl
from tests.crafting import Crafted, authority, craft, key, name, root
from tests.encodings import as_pem
from tests.forging import elements, resigned, sequence
from tests.local_dps.wire import LocalService, Reply, group_body, upload_body

ECDSA_SHA256, ECDSA_SHA384 = (bytes.fromhex(each) for each in ("06082a8648ce3d040302", "06082a8648ce3d040303"))
ED25519, ED448 = (bytes.fromhex(each) for each in ("06032b6570", "06032b6571"))


def ask(dps: LocalService, uploaded_pem: str, make: Callable[[str], bytes]) -> tuple[Reply, bytes]:
    """Send a proof, and return the service's answer and the proof."""
    dps.upload("ca", uploaded_pem)
    der = make(dps.generate_code("ca")["properties"]["verificationCode"])
    return dps.verify("ca", as_pem(der)), der


def assert_as_openssl(dps: LocalService, uploaded_pem: str, make: Callable[[str], bytes]) -> bool:
    """Check that the service accepts the proof if and only if OpenSSL says that the CA signed it, and return whether it does."""
    reply, der = ask(dps, uploaded_pem, make)
    good = openssl.signed_by(as_pem(der), uploaded_pem)
    assert (reply.status == 200) is good, reply.content
    if not good:
        assert (reply.status, reply.json["code"]) == (400, 400053)
    return good


def plain(code: str, uploaded: Crafted, **options: Any) -> bytes:
    return craft(name(code), key(which=9), issuer=uploaded, **options).der


def test_the_forged_certificate_is_good_as_long_as_nothing_is_changed(dps: LocalService) -> None:
    uploaded = root()
    assert assert_as_openssl(dps, uploaded.pem, lambda code: resigned(plain(code, uploaded), uploaded.private_key))


def test_inner_and_outer_algorithm_must_be_the_same(dps: LocalService) -> None:
    uploaded = root()
    changed = (ECDSA_SHA256, ECDSA_SHA384)
    assert not assert_as_openssl(
        dps, uploaded.pem, lambda code: resigned(plain(code, uploaded), uploaded.private_key, changed=changed)
    )


@pytest.mark.parametrize(
    ("private_key", "own", "other"),
    [(ed25519.Ed25519PrivateKey, ED25519, ED448), (ed448.Ed448PrivateKey, ED448, ED25519)],
    ids=["Ed25519", "Ed448"],
)
def test_an_edwards_key_signs_under_its_own_name(dps: LocalService, private_key: Any, own: bytes, other: bytes) -> None:
    signer = private_key.generate()
    uploaded = edwards(signer, "Root", None)
    pem = uploaded.public_bytes(serialization.Encoding.PEM).decode()

    def good(code: str) -> bytes:
        return edwards(signer, code, uploaded).public_bytes(serialization.Encoding.DER)

    assert not assert_as_openssl(
        dps, pem, lambda code: resigned(good(code), signer, changed=(own, other), outer=sequence(other))
    )
    code = dps.generate_code("ca", if_match="*")["properties"]["verificationCode"]
    assert dps.verify("ca", as_pem(good(code))).status == 200


def edwards(signer: Any, common_name: str, issuer: x509.Certificate | None) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name(common_name))
        .issuer_name(issuer.subject if issuer else name(common_name))
        .public_key(signer.public_key() if issuer is None else key(which=9).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .sign(signer, None)
    )


SALTED = {"salt of 32": (32, True), "salt of 20": (20, False), "PKCS #1 v1.5": (None, False)}


@pytest.mark.parametrize("kind", SALTED)
def test_what_a_key_for_rsa_pss_allows(dps: LocalService, tmp_path: Path, kind: str) -> None:
    """The key says: SHA-256 and a salt of at least 32 bytes (RFC 4055 section 3.1)."""
    options = "rsa_keygen_bits:2048 rsa_pss_keygen_md:sha256 rsa_pss_keygen_mgf1_md:sha256 rsa_pss_keygen_saltlen:32"
    chosen = [part for option in options.split() for part in ("-pkeyopt", option)]
    made = openssl.make_root(tmp_path, subject="/CN=Pss", key=("genpkey", "-algorithm", "RSA-PSS", *chosen))
    private_key = serialization.load_pem_private_key(made.private_key.read_bytes(), None)
    assert isinstance(private_key, rsa.RSAPrivateKey)
    uploaded = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    salt, good = SALTED[kind]
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt) if salt else None

    def make(code: str) -> bytes:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(name(code)).issuer_name(uploaded.subject)
        builder = builder.public_key(key(which=9).public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        signed = builder.sign(private_key, hashes.SHA256(), rsa_padding=pss)
        return signed.public_bytes(serialization.Encoding.DER)

    assert assert_as_openssl(dps, made.certificate.read_text(), make) is good


def test_explicit_curve_parameters_are_refused(dps: LocalService, tmp_path: Path) -> None:
    curve = ("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-param_enc", "explicit")
    made = openssl.make_root(tmp_path, subject="/CN=Explicit", key=curve)
    reply = dps.manage("PUT", "/certificates/ca", upload_body(made.certificate.read_text()))
    if reply.status != 200:
        return  # it can't be read at all
    code = dps.generate_code("ca")["properties"]["verificationCode"]
    proof = openssl.make_below(tmp_path, made, subject=f"/CN={code}", extensions=())
    assert dps.verify("ca", proof.certificate.read_text()).status == 400


STRINGS = {
    _ASN1Type.UTF8String: True,
    _ASN1Type.PrintableString: True,
    _ASN1Type.T61String: True,
    _ASN1Type.BMPString: True,
    _ASN1Type.VisibleString: False,
    _ASN1Type.IA5String: False,
    _ASN1Type.NumericString: False,
}


@pytest.mark.parametrize("kind", STRINGS, ids=lambda kind: kind.name)
def test_a_common_name_is_a_directory_string(dps: LocalService, kind: _ASN1Type) -> None:
    uploaded = root()

    def make(code: str) -> bytes:
        text = code.encode("utf_16_be").decode("latin-1") if kind is _ASN1Type.BMPString else code
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, code, kind)])
        assert text
        return craft(subject, key(which=9), issuer=uploaded).der

    assert (ask(dps, uploaded.pem, make)[0].status == 200) is STRINGS[kind]


@pytest.mark.parametrize("spelled", ["Kelvin \u212a", "Kelvin\u00a0K", "Kelvin \u212b"])
def test_issuer_names_differ_in_characters_beyond_ascii(dps: LocalService, spelled: str) -> None:
    uploaded = root("Kelvin K")
    assert not assert_as_openssl(dps, uploaded.pem, lambda code: plain(code, uploaded, issuer_name=name(spelled)))


ISSUER_TYPES = {
    _ASN1Type.PrintableString: True,
    _ASN1Type.IA5String: True,
    _ASN1Type.T61String: True,
    _ASN1Type.NumericString: False,
    _ASN1Type.VisibleString: False,
}


@pytest.mark.parametrize("kind", ISSUER_TYPES, ids=lambda kind: kind.name)
def test_an_issuer_name_is_compared_as_openssl_compares_its_type(dps: LocalService, kind: _ASN1Type) -> None:
    uploaded = root("1234")
    retyped = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "1234", kind)])
    good = assert_as_openssl(dps, uploaded.pem, lambda code: plain(code, uploaded, issuer_name=retyped))
    assert good is ISSUER_TYPES[kind]


@pytest.mark.parametrize("place", [b"Contoso", b"Root"], ids=["subject", "issuer"])
def test_octets_are_not_a_name(dps: LocalService, place: bytes) -> None:
    """OpenSSL reads no certificate with such a name, wherever it is."""
    uploaded = root("Root")
    text, octets = (bytes([tag, len(place)]) + place for tag in (0x0C, 0x04))

    def make(code: str) -> bytes:
        made = craft(name(code, organization="Contoso"), key(which=9), issuer=uploaded)
        return resigned(made.der, uploaded.private_key, changed=(text, octets))

    assert not assert_as_openssl(dps, uploaded.pem, make)


def test_an_issuer_whose_name_lacks_one_of_two_parts_is_another(dps: LocalService) -> None:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, text) for text in ("Root", "ROOT")]
    both, one = (x509.Name([x509.RelativeDistinguishedName(some)]) for some in (parts, parts[:1]))
    uploaded = authority(both, key())
    assert not assert_as_openssl(dps, uploaded.pem, lambda code: plain(code, uploaded, issuer_name=one))


ORGANIZATION, COMMON_NAME = NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME
UTF8, PRINTABLE, NUMERIC = _ASN1Type.UTF8String, _ASN1Type.PrintableString, _ASN1Type.NumericString
Parts = tuple[tuple[x509.ObjectIdentifier, str, _ASN1Type], ...]
# The name of the uploaded CA, the issuer's name in the proof, and whether they are one. All parts are in one set.
ONE_SET: dict[str, tuple[Parts, Parts, bool]] = {
    "another attribute": (((COMMON_NAME, "Root", UTF8),), ((ORGANIZATION, "Root", UTF8),), False),
    "in another order, for other types": (
        ((COMMON_NAME, "b", UTF8), (COMMON_NAME, "a", PRINTABLE)),
        ((COMMON_NAME, "a", UTF8), (COMMON_NAME, "b", UTF8)),
        True,
    ),
    "the same digits": (((COMMON_NAME, "1234", NUMERIC),), ((COMMON_NAME, "1234", NUMERIC),), True),
    "other digits": (((COMMON_NAME, "1234", NUMERIC),), ((COMMON_NAME, "1235", NUMERIC),), False),
    "digits of another attribute": (((COMMON_NAME, "1234", NUMERIC),), ((ORGANIZATION, "1234", NUMERIC),), False),
}


@pytest.mark.parametrize("kind", ONE_SET)
def test_an_issuer_name_is_compared_part_by_part(dps: LocalService, kind: str) -> None:
    *both, good = ONE_SET[kind]
    own, told = (
        x509.Name([x509.RelativeDistinguishedName([x509.NameAttribute(*part) for part in parts])]) for parts in both
    )
    uploaded = authority(own, key())
    assert assert_as_openssl(dps, uploaded.pem, lambda code: plain(code, uploaded, issuer_name=told)) is good


def test_a_ca_whose_issuer_has_no_name_issues_nothing(dps: LocalService) -> None:
    """OpenSSL does not read such a CA."""
    parent = authority(name("Parent"), key(which=1))
    middle = authority(name("Middle"), key(which=2), issuer=parent)
    text, octets = (bytes([tag, 6]) + b"Parent" for tag in (0x0C, 0x04))
    pem = as_pem(resigned(middle.der, parent.private_key, changed=(text, octets)))
    assert ask(dps, pem, lambda code: plain(code, middle))[0].status == 400


def test_a_signature_is_whole_bytes(dps: LocalService) -> None:
    """A bit string says how many bits of its last byte don't count; in a signature, it must be none."""
    uploaded = root()

    def make(code: str) -> bytes:
        while (der := plain(code, uploaded))[-1] & 1:  # a bit that does not count must be zero
            pass
        signed, algorithm, _ = elements(der)
        signature = x509.load_der_x509_certificate(der).signature
        return sequence(signed, algorithm, sequence(b"\x01", signature, tag=0x03))

    assert not assert_as_openssl(dps, uploaded.pem, make)


def test_an_issuer_in_a_key_identifier_may_be_written_in_another_case(dps: LocalService) -> None:
    parent = authority(name("Parent"), key(which=1))
    uploaded = authority(name("Uploaded"), key(which=2), issuer=parent)
    shouted = [x509.DirectoryName(name("PARENT"))]
    identifier = x509.AuthorityKeyIdentifier(None, shouted, uploaded.certificate.serial_number)
    assert assert_as_openssl(dps, uploaded.pem, lambda code: plain(code, uploaded, extensions=(identifier,)))


def test_a_certificate_of_the_year_zero_can_not_be_read(dps: LocalService) -> None:
    """GeneralizedTime has a year 0, but Python's calendar doesn't."""
    uploaded = root()
    long_ago = (
        datetime(2055, 1, 1, tzinfo=UTC) - datetime.now(UTC),
        datetime(2056, 1, 1, tzinfo=UTC) - datetime.now(UTC),
    )

    def zero(der: bytes) -> bytes:
        return resigned(der, uploaded.private_key, changed=(b"20550101", b"00000101"))

    reply, _ = ask(dps, uploaded.pem, lambda code: zero(plain(code, uploaded, life=long_ago)))
    assert reply.status in (400, 500)
    assert reply.json["code"] in (400053, 500019), "as anything else that can't be read"
    old = zero(craft(name("Old"), uploaded.private_key, life=long_ago).der)
    refused = dps.serve("PUT", "/enrollmentGroups/old", group_body("old", signing=as_pem(old)))
    assert refused.status == 400
