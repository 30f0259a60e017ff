"""The certificates that an authority issues, checked with OpenSSL and by parsing them."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from helpers.certificates import (
    CertificateAuthority,
    DeviceCertificate,
    KeyAlgorithm,
    check_verification_code,
    describe,
)
from helpers.problem import Problem
from tests import openssl
from tests.crafting import FUTURE, PAST, issue

CODE = "0123456789ABCDEF" * 3
AS_CLIENT = (*openssl.STRICT, "-purpose", "sslclient")
MINUTE = timedelta(minutes=1)


def new_root(**options: object) -> CertificateAuthority:
    return CertificateAuthority.create_root("Contoso Root", **options)  # type: ignore[arg-type]


def value(certificate: x509.Certificate, kind: type[x509.ExtensionType], *, critical: bool) -> x509.ExtensionType:
    found = certificate.extensions.get_extension_for_class(kind)
    assert found.critical is critical
    return found.value


def allowed_usages(certificate: x509.Certificate) -> set[str]:
    usage = value(certificate, x509.KeyUsage, critical=True)
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    return {name for name in (*names, "key_cert_sign", "crl_sign") if getattr(usage, name)}


def assert_key_identifiers(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    """The SKI is the SHA-1 of the certificate's key (RFC 5280 section 4.2.1.2, method 1); the AKI is the issuer's SKI."""
    own = value(certificate, x509.SubjectKeyIdentifier, critical=False)
    assert own == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    authority = value(certificate, x509.AuthorityKeyIdentifier, critical=False)
    assert authority.key_identifier == value(issuer, x509.SubjectKeyIdentifier, critical=False).digest
    assert certificate.issuer.public_bytes() == issuer.subject.public_bytes()


def assert_verifies_in_tls(device: DeviceCertificate, root: CertificateAuthority) -> None:
    verdict = openssl.verify(
        device.certificate, trusted=root.certificate, untrusted=device.chain[1:], options=AS_CLIENT
    )
    assert verdict.accepted, verdict.why


class TestRoot:
    def test_openssl_accepts_it_and_prints_its_fields(self) -> None:
        root = new_root()
        verdict = openssl.verify(root.certificate, trusted=root.certificate)
        assert verdict.accepted, verdict.why
        printed = openssl.text(root.certificate)
        assert "CA:TRUE, pathlen:1" in printed
        assert "Certificate Sign, CRL Sign" in printed
        assert "Version: 3" in printed

    def test_it_is_self_signed_and_may_only_sign_certificates(self) -> None:
        root = new_root().certificate
        root.verify_directly_issued_by(root)
        assert root.subject == root.issuer == x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Contoso Root")])
        assert value(root, x509.BasicConstraints, critical=True) == x509.BasicConstraints(True, 1)
        assert allowed_usages(root) == {"key_cert_sign", "crl_sign"}
        own = value(root, x509.SubjectKeyIdentifier, critical=False)
        assert own == x509.SubjectKeyIdentifier.from_public_key(root.public_key())

    @pytest.mark.parametrize("path_length", [0, 3, None])
    def test_the_path_length_is_the_given_one(self, path_length: int | None) -> None:
        root = new_root(path_length=path_length).certificate
        assert value(root, x509.BasicConstraints, critical=True).path_length == path_length

    def test_a_negative_path_length_is_rejected(self) -> None:
        with pytest.raises(Problem, match="-1") as caught:
            new_root(path_length=-1)
        assert "0 or more" in caught.value.next_step

    def test_two_roots_with_one_name_have_different_keys_and_serials(self) -> None:
        one, other = new_root().certificate, new_root().certificate
        assert one.public_key() != other.public_key()
        assert one.serial_number != other.serial_number

    def test_its_key_is_not_in_its_text(self) -> None:
        root = new_root()
        assert repr(root) == "CertificateAuthority('Contoso Root')"


class TestKeyAlgorithms:
    @pytest.mark.parametrize(
        ("algorithm", "bits", "hash_algorithm"),
        [
            (KeyAlgorithm.P256, 256, hashes.SHA256),
            (KeyAlgorithm.P384, 384, hashes.SHA384),
            (KeyAlgorithm.RSA2048, 2048, hashes.SHA256),
            (KeyAlgorithm.RSA3072, 3072, hashes.SHA256),
            (KeyAlgorithm.RSA4096, 4096, hashes.SHA256),
        ],
    )
    def test_each_one_can_be_the_root_of_a_chain(
        self, algorithm: KeyAlgorithm, bits: int, hash_algorithm: type[hashes.HashAlgorithm]
    ) -> None:
        root = new_root(key_algorithm=algorithm)
        kind = rsa.RSAPublicKey if algorithm.name.startswith("RSA") else ec.EllipticCurvePublicKey
        key = root.certificate.public_key()
        assert isinstance(key, kind)
        assert key.key_size == bits
        assert isinstance(root.certificate.signature_hash_algorithm, hash_algorithm)
        assert describe(root.certificate).key == algorithm.value
        assert_verifies_in_tls(root.create_intermediate("Below").issue_device("pump-1"), root)

    @pytest.mark.parametrize("algorithm", [KeyAlgorithm.P384, KeyAlgorithm.RSA2048])
    def test_each_certificate_of_a_chain_can_have_another(self, algorithm: KeyAlgorithm) -> None:
        root = new_root()
        below = root.create_intermediate("Below", key_algorithm=algorithm)
        device = below.issue_device("pump-1", key_algorithm=algorithm)
        assert describe(below.certificate).key == describe(device.certificate).key == algorithm.value
        assert device.private_key.public_key() == device.certificate.public_key()
        assert_verifies_in_tls(device, root)


class TestIntermediate:
    def test_openssl_accepts_it_below_its_root(self) -> None:
        root = new_root()
        below = root.create_intermediate("Below")
        verdict = openssl.verify(below.certificate, trusted=root.certificate)
        assert verdict.accepted, verdict.why
        assert_key_identifiers(below.certificate, root.certificate)
        assert allowed_usages(below.certificate) == {"key_cert_sign", "crl_sign"}
        assert below.issuers == (root.certificate,)

    def test_the_path_length_is_counted_down_and_none_is_created_below_0(self) -> None:
        authority = root = new_root(path_length=2)
        for left in (1, 0):
            authority = authority.create_intermediate(f"With {left} left")
            constraints = value(authority.certificate, x509.BasicConstraints, critical=True)
            assert constraints == x509.BasicConstraints(ca=True, path_length=left)
        with pytest.raises(Problem, match="With 0 left") as caught:
            authority.create_intermediate("One too many")
        assert "path length" in caught.value.why
        assert_verifies_in_tls(authority.issue_device("pump-1"), root)

    def test_below_an_unlimited_root_there_is_no_limit(self) -> None:
        authority = root = new_root(path_length=None)
        for depth in range(3):
            authority = authority.create_intermediate(f"Level {depth}")
            assert value(authority.certificate, x509.BasicConstraints, critical=True).path_length is None
        assert_verifies_in_tls(authority.issue_device("pump-1"), root)

    def test_the_path_length_of_every_authority_above_is_respected(self) -> None:
        above = issue("Above", ca=True, path_length=1)
        unlimited = issue("Says nothing of path length", ca=True, issuer=above)
        authority = CertificateAuthority(unlimited.certificate, unlimited.private_key, (above.certificate,))
        with pytest.raises(Problem):  # OpenSSL would say: path length constraint exceeded
            authority.create_intermediate("One too many")

    def test_one_with_its_issuers_name_is_still_sent_by_the_device(self) -> None:
        root = new_root()
        below = root.create_intermediate("Contoso Root")
        device = below.issue_device("pump-1")
        assert device.chain == (device.certificate, below.certificate)
        assert_verifies_in_tls(device, root)


class TestDevice:
    def test_it_is_only_a_tls_client(self) -> None:
        root = new_root()
        device = root.issue_device("pump-1").certificate
        assert device.subject == x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pump-1")])
        assert value(device, x509.BasicConstraints, critical=True) == x509.BasicConstraints(False, None)
        assert allowed_usages(device) == {"digital_signature"}
        purposes = value(device, x509.ExtendedKeyUsage, critical=False)
        assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
        assert_key_identifiers(device, root.certificate)
        as_server = openssl.verify(device, trusted=root.certificate, options=(*openssl.STRICT, "-purpose", "sslserver"))
        assert "purpose" in as_server.why

    def test_its_chain_begins_with_it_and_ends_below_the_root(self) -> None:
        root = new_root(path_length=2)
        upper = root.create_intermediate("Upper")
        lower = upper.create_intermediate("Lower")
        device = lower.issue_device("pump-1")
        assert device.chain == (device.certificate, lower.certificate, upper.certificate)
        assert lower.issuers == (upper.certificate, root.certificate)
        assert_verifies_in_tls(device, root)

    def test_below_a_root_its_chain_is_only_the_device(self) -> None:
        root = new_root()
        device = root.issue_device("pump-1")
        assert device.chain == (device.certificate,)
        assert_verifies_in_tls(device, root)

    def test_the_intermediate_can_be_the_only_trust_anchor(self) -> None:
        below = new_root().create_intermediate("Below")
        device = below.issue_device("pump-1").certificate
        anchored = openssl.verify(device, trusted=below.certificate, options=(*AS_CLIENT, "-partial_chain"))
        assert anchored.accepted, anchored.why

    def test_it_may_have_the_name_of_its_authority(self) -> None:
        root = new_root()
        device = root.issue_device("Contoso Root")
        assert device.chain == (device.certificate,)
        assert_verifies_in_tls(device, root)

    def test_openssl_rejects_it_below_another_root_with_the_same_name(self) -> None:
        device = new_root().issue_device("pump-1")
        assert not openssl.verify(device.certificate, trusted=new_root().certificate).accepted


class TestVerificationCertificate:
    @pytest.mark.parametrize("of_intermediate", [False, True])
    def test_openssl_accepts_it_below_the_authority_that_proves_itself(self, of_intermediate: bool) -> None:
        root = new_root()
        authority = root.create_intermediate("Below") if of_intermediate else root
        proof = authority.sign_verification_code(CODE)
        options = (*AS_CLIENT, "-partial_chain")
        verdict = openssl.verify(proof.certificate, trusted=authority.certificate, options=options)
        assert verdict.accepted, verdict.why
        proof.certificate.verify_directly_issued_by(authority.certificate)
        assert_key_identifiers(proof.certificate, authority.certificate)

    def test_its_only_name_is_the_code(self) -> None:
        proof = new_root().sign_verification_code(CODE)
        assert proof.code == CODE
        assert [name.value for name in proof.certificate.subject] == [CODE]

    def test_it_is_not_an_authority_and_has_a_new_key_each_time(self) -> None:
        root = new_root()
        proofs = [root.sign_verification_code(CODE).certificate for _ in range(2)]
        assert len({describe(each).sha256 for each in proofs}) == 2
        keys = [each.public_key() for each in (*proofs, root.certificate)]
        assert all(one != other for one, other in combinations(keys, 2))
        for each in proofs:
            assert value(each, x509.BasicConstraints, critical=True) == x509.BasicConstraints(False, None)
            assert allowed_usages(each) == {"digital_signature"}

    @pytest.mark.parametrize(
        ("code", "reason"),
        [
            (f" {CODE}", "white space"),
            (f"{CODE}\n", "white space"),
            (f"{CODE[:24]} {CODE[24:]}", "white space"),
            (CODE[:-1], "47 characters"),
            (f"{CODE}0", "49 characters"),
            ("", "0 characters"),
            (CODE.lower(), "upper-case"),
            ("G" * 48, "0–9 and upper-case A–F"),
            ("٣" * 48, "0–9 and upper-case A–F"),
        ],
    )
    def test_an_invalid_code_is_rejected_with_the_reason(self, code: str, reason: str) -> None:
        with pytest.raises(Problem, match="not a verification code") as caught:
            new_root().sign_verification_code(code)
        assert reason in caught.value.why
        assert "Copy" in caught.value.next_step

    def test_a_valid_code_is_returned_unchanged(self) -> None:
        assert check_verification_code(CODE) == CODE


class TestLifetimes:
    def test_each_certificate_has_the_given_lifetime_from_now_and_started_an_hour_ago(self) -> None:
        root = new_root(lifetime=timedelta(days=30))
        below = root.create_intermediate("Below", lifetime=timedelta(days=20))
        device = below.issue_device("pump-1", lifetime=timedelta(days=10))
        now = datetime.now(UTC)
        for certificate, days in ((root.certificate, 30), (below.certificate, 20), (device.certificate, 10)):
            assert abs(certificate.not_valid_after_utc - (now + timedelta(days=days))) < MINUTE
            assert abs(certificate.not_valid_before_utc - (now - timedelta(hours=1))) < MINUTE

    def test_openssl_accepts_a_chain_with_a_slow_clock_and_rejects_it_after_its_end(self) -> None:
        root = new_root(lifetime=timedelta(days=30))
        device = root.issue_device("pump-1", lifetime=timedelta(days=10)).certificate

        def accepted_at(moment: datetime) -> bool:
            options = (*AS_CLIENT, "-attime", str(int(moment.timestamp())))
            return openssl.verify(device, trusted=root.certificate, options=options).accepted

        now = datetime.now(UTC)
        assert accepted_at(now - 59 * MINUTE)
        assert accepted_at(now + timedelta(days=10) - MINUTE)
        assert not accepted_at(now - 61 * MINUTE)
        assert not accepted_at(now + timedelta(days=10) + MINUTE)

    def test_a_proof_lasts_days_and_not_years(self) -> None:
        proof = new_root().sign_verification_code(CODE).certificate
        assert proof.not_valid_after_utc - datetime.now(UTC) < timedelta(days=31)

    def test_no_certificate_outlives_its_issuer_or_starts_before_it(self) -> None:
        crafted = issue("Brief", ca=True, life=(-MINUTE, timedelta(hours=2)))
        brief = CertificateAuthority(crafted.certificate, crafted.private_key)
        below = brief.create_intermediate("Below")
        for issuer, certificate in (
            (brief, below.certificate),
            (brief, brief.sign_verification_code(CODE).certificate),
            (below, below.issue_device("pump-1").certificate),
        ):
            assert certificate.not_valid_after_utc == issuer.certificate.not_valid_after_utc
            assert certificate.not_valid_before_utc == issuer.certificate.not_valid_before_utc

    @pytest.mark.parametrize("lifetime", [timedelta(0), timedelta(days=-1)])
    def test_a_lifetime_that_is_not_positive_is_rejected(self, lifetime: timedelta) -> None:
        with pytest.raises(Problem, match="not positive"):
            new_root(lifetime=lifetime)
        with pytest.raises(Problem, match="not positive"):
            new_root().issue_device("pump-1", lifetime=lifetime)

    def test_a_lifetime_beyond_the_year_9999_is_rejected(self) -> None:
        with pytest.raises(Problem, match="9999"):
            new_root(lifetime=timedelta.max)

    @pytest.mark.parametrize(("life", "reason"), [(PAST, "expired"), (FUTURE, "not valid yet")])
    def test_an_authority_issues_no_certificate_outside_its_own_validity(
        self, life: tuple[timedelta, timedelta], reason: str
    ) -> None:
        crafted = issue("Out of time", ca=True, life=life)
        authority = CertificateAuthority(crafted.certificate, crafted.private_key)
        for sign in (
            lambda: authority.create_intermediate("Below"),
            lambda: authority.issue_device("pump-1"),
            lambda: authority.sign_verification_code(CODE),
        ):
            with pytest.raises(Problem, match=reason) as caught:
                sign()
            assert "Out of time" in caught.value.what


class TestNotAnAuthority:
    def test_the_key_of_another_certificate_is_rejected(self) -> None:
        with pytest.raises(Problem, match="does not belong") as caught:
            CertificateAuthority(issue("One", ca=True).certificate, issue("Other", ca=True).private_key)
        assert "One" in caught.value.what

    @pytest.mark.parametrize(
        ("options", "reason"),
        [
            ({"ca": False}, "basic constraints"),
            ({"ca": True, "usages": ("digital_signature",)}, "key usage"),
            ({"ca": True, "usages": ()}, "key usage"),
        ],
        ids=["not a CA", "a CA whose usage is another", "a CA that may do nothing"],
    )
    def test_a_certificate_that_may_not_sign_is_rejected(self, options: dict, reason: str) -> None:
        crafted = issue("pump-1", **options)
        with pytest.raises(Problem, match="not a CA certificate") as caught:
            CertificateAuthority(crafted.certificate, crafted.private_key)
        assert reason in caught.value.why
