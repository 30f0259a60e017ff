"""Certificates and keys on disk: their content, their permissions, and files that are rejected."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from helpers.certificates import (
    CertificateAuthority,
    KeyAlgorithm,
    certificate_pem,
    export_certificate,
    load_authority,
    public_certificate,
    read_certificates,
    read_private_key,
    save_authority,
    save_private_key,
)
from helpers.problem import Problem
from tests import openssl
from tests.certificates.watching import watch, write_with_full_disk
from tests.crafting import FUTURE, PAST, Crafted, issue
from tests.modes import has_mode

PASSPHRASE = "correct horse"
ROOT = issue("Contoso Root", ca=True)
OTHER = issue("Other", ca=True)
SAVE_NEW = """
from helpers.certificates import CertificateAuthority, save_authority
new = CertificateAuthority.create_root("New")

save_authority(new, folder / "ca.pem", folder / "ca.key")
"""

SAVE_AGAIN = """
from helpers.certificates import load_authority, save_authority
old = load_authority(folder / "ca.pem", folder / "ca.key")

save_authority(old, folder / "ca.pem", folder / "ca.key")
"""


@pytest.fixture(
    scope="module", params=[openssl.SEC1_WITH_PARAMETERS, openssl.RSA_2048], ids=["EC generated", "RSA generated"]
)
def generated_key(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key as the `openssl` program writes it when it creates it."""
    file = tmp_path_factory.mktemp("generated") / "generated.key"
    file.write_bytes(openssl.run(*request.param))
    return file


def put(folder: Path, certificate: bytes, key: bytes) -> tuple[Path, Path]:
    certificate_file, key_file = folder / "ca.pem", folder / "ca.key"
    certificate_file.write_bytes(certificate)
    key_file.write_bytes(key)
    return certificate_file, key_file


def contents(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


class TestSavingAKey:
    @pytest.mark.parametrize("algorithm", [KeyAlgorithm.P256, KeyAlgorithm.RSA2048])
    @pytest.mark.parametrize("passphrase", [None, "", PASSPHRASE, "пароль"])
    def test_it_is_pkcs8_that_only_the_owner_may_read_and_comes_back(
        self, algorithm: KeyAlgorithm, passphrase: str | None, tmp_path: Path
    ) -> None:
        key = algorithm.generate()
        file = save_private_key(key, tmp_path / "ca.key", passphrase=passphrase)
        label = b"ENCRYPTED PRIVATE KEY" if passphrase else b"PRIVATE KEY"
        assert file.read_bytes().startswith(b"-----BEGIN " + label + b"-----\n")
        assert has_mode(file, 0o600)
        assert [each.name for each in tmp_path.iterdir()] == ["ca.key"]
        again = read_private_key(file.read_bytes(), passphrase, file.name)
        assert again.public_key() == key.public_key()

    def test_openssl_opens_an_encrypted_one_only_with_its_passphrase(self, tmp_path: Path) -> None:
        file = save_private_key(ROOT.private_key, tmp_path / "ca.key", passphrase=PASSPHRASE)
        assert openssl.opens_key(file, PASSPHRASE)
        assert not openssl.opens_key(file)
        assert not openssl.opens_key(file, "wrong horse")

    def test_openssl_opens_a_plain_one(self, tmp_path: Path) -> None:
        assert openssl.opens_key(save_private_key(ROOT.private_key, tmp_path / "ca.key"))

    def test_a_folder_that_is_missing_is_a_problem(self, tmp_path: Path) -> None:
        with pytest.raises(Problem, match="could not be written"):
            save_private_key(ROOT.private_key, tmp_path / "missing" / "ca.key")


class TestSavingAnAuthority:
    @pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
    def test_it_comes_back_with_its_issuers(self, passphrase: str | None, tmp_path: Path) -> None:
        below = CertificateAuthority.create_root("Root").create_intermediate("Below")
        files = tmp_path / "ca.pem", tmp_path / "ca.key"
        save_authority(below, *files, passphrase=passphrase)
        again = load_authority(*files, passphrase=passphrase)
        assert (again.certificate, again.issuers) == (below.certificate, below.issuers)
        assert again.private_key.private_numbers() == below.private_key.private_numbers()
        assert set(contents(tmp_path)) == {"ca.pem", "ca.key"}
        assert has_mode(tmp_path / "ca.pem", 0o644)
        assert has_mode(tmp_path / "ca.key", 0o600)
        assert b"PRIVATE" not in files[0].read_bytes()

    @pytest.mark.unix
    def test_no_key_is_ever_readable_by_others_even_under_umask_0(self, tmp_path: Path) -> None:
        seen = watch(tmp_path, SAVE_NEW)
        keys = [sight for sight in seen if b"PRIVATE KEY" in sight.content]
        assert {sight.mode for sight in keys} == {0o600}
        assert any(sight.name != "ca.key" for sight in keys), "the scratch file was not seen"
        assert {sight.mode for sight in seen if sight.name == "ca.key"} == {0o600}

    def test_another_authority_is_never_overwritten(self, tmp_path: Path) -> None:
        old = CertificateAuthority.create_root("Old")
        save_authority(old, tmp_path / "ca.pem", tmp_path / "ca.key")
        before = contents(tmp_path)
        with pytest.raises(Problem, match="It holds the CA “Old”"):
            save_authority(CertificateAuthority.create_root("New"), tmp_path / "ca.pem", tmp_path / "ca.key")
        assert contents(tmp_path) == before

    @pytest.mark.unix
    @pytest.mark.parametrize("largest", [100, 400])  # bytes: too few for the key; too few for the certificate
    def test_a_full_disk_leaves_the_authority_that_was_there_usable(self, tmp_path: Path, largest: int) -> None:
        old = CertificateAuthority.create_root("Old")
        save_authority(old, tmp_path / "ca.pem", tmp_path / "ca.key")
        before = contents(tmp_path)
        assert len(before["ca.key"]) < 400 < len(before["ca.pem"])
        what, why, _ = write_with_full_disk(tmp_path, SAVE_AGAIN, largest=largest)
        assert "could not be written" in what
        assert "too large" in why
        assert contents(tmp_path) == before
        assert load_authority(tmp_path / "ca.pem", tmp_path / "ca.key").certificate == old.certificate


class TestExport:
    @pytest.mark.parametrize(("name", "form"), [("ca.pem", "PEM"), ("ca.cer", "DER"), ("CA.CER", "DER")])
    def test_openssl_reads_the_file(self, name: str, form: str, tmp_path: Path) -> None:
        file = export_certificate(ROOT.certificate, tmp_path / name)
        assert openssl.run("x509", "-in", file, "-inform", form, "-outform", "PEM") == ROOT.certificate_file
        assert file.read_bytes().startswith(b"-----BEGIN CERT") == (form == "PEM")
        assert public_certificate(file.read_bytes(), name) == ROOT.certificate

    @pytest.mark.parametrize("name", ["ca.crt", "ca", "ca.pem.txt"])
    def test_another_ending_is_rejected_and_nothing_is_written(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(Problem, match="not written") as caught:
            export_certificate(ROOT.certificate, tmp_path / name)
        assert ".pem or .cer" in caught.value.why
        assert not contents(tmp_path)


class TestFilesThatMayBeSent:
    @pytest.mark.parametrize(
        "key",
        [
            lambda file: openssl.pkcs8(file, "PEM"),
            lambda file: openssl.pkcs8(file, "PEM", PASSPHRASE),
            lambda file: openssl.traditional(file, "PEM"),
            lambda file: openssl.traditional(file, "PEM", PASSPHRASE),
            Path.read_bytes,
        ],
        ids=["PKCS#8", "encrypted PKCS#8", "traditional", "encrypted traditional", "as generated"],
    )
    @pytest.mark.parametrize("key_first", [True, False])
    def test_a_certificate_with_a_private_key_may_not(
        self, key: Callable[[Path], bytes], key_first: bool, generated_key: Path
    ) -> None:
        parts = (
            (key(generated_key), ROOT.certificate_file) if key_first else (ROOT.certificate_file, key(generated_key))
        )
        with pytest.raises(Problem, match=r"ca\.pem was not sent") as caught:
            public_certificate(b"".join(parts), "ca.pem")
        assert "private key" in caught.value.why
        assert "only the certificate" in caught.value.next_step

    @pytest.mark.parametrize("form", ["PEM", "DER"])
    @pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
    def test_a_key_without_a_certificate_may_not(self, form: str, passphrase: str | None, tmp_path: Path) -> None:
        file = tmp_path / "ca.key"
        file.write_bytes(ROOT.key_file)
        with pytest.raises(Problem):
            public_certificate(openssl.pkcs8(file, form, passphrase), "ca.key")

    @pytest.mark.parametrize("order", ["certificate first", "key first"])
    def test_a_der_certificate_with_a_key_may_not(self, order: str, tmp_path: Path) -> None:
        file = tmp_path / "ca.key"
        file.write_bytes(ROOT.key_file)
        parts = (ROOT.der, openssl.pkcs8(file, "DER"))
        with pytest.raises(Problem):
            public_certificate(b"".join(parts if order == "certificate first" else parts[::-1]), "ca.cer")

    def test_several_certificates_may_not(self) -> None:
        with pytest.raises(Problem, match="not sent") as caught:
            public_certificate(ROOT.certificate_file + OTHER.certificate_file, "chain.pem")
        assert "2 certificates" in caught.value.why

    @pytest.mark.parametrize("form", ["certificate_file", "der"])
    def test_one_certificate_may(self, form: str) -> None:
        assert public_certificate(getattr(ROOT, form), "ca") == ROOT.certificate


class TestReadingCertificates:
    def test_all_certificates_of_a_pem_are_read_in_order(self) -> None:
        content = certificate_pem(OTHER.certificate, ROOT.certificate)
        assert content == OTHER.certificate_file + ROOT.certificate_file
        assert read_certificates(content, "chain.pem") == (OTHER.certificate, ROOT.certificate)

    @pytest.mark.parametrize("ending", [b"\r\n", b"\n\n"])
    def test_other_line_endings_are_read(self, ending: bytes) -> None:
        content = ROOT.certificate_file.replace(b"\n", ending) if ending == b"\r\n" else ROOT.certificate_file + ending
        assert read_certificates(content, "ca.pem") == (ROOT.certificate,)

    @pytest.mark.parametrize("left_out", [20, 60, 300])
    def test_a_chain_whose_last_certificate_is_cut_off_is_rejected(self, left_out: int) -> None:
        with pytest.raises(Problem, match=r"chain\.pem"):
            read_certificates((OTHER.certificate_file + ROOT.certificate_file)[:-left_out], "chain.pem")


def request_pem(folder: Path) -> bytes:
    file = folder / "for_request.key"
    file.write_bytes(ROOT.key_file)
    request = openssl.sign_request(file)
    file.unlink()
    return request


class TestAFileThatIsNotACertificate:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (lambda _: b"", "empty"),
            (lambda _: b"garbage \x00\xff" * 50, "neither PEM nor the DER"),
            (lambda _: "Bonjour, voilà".encode(), "neither PEM nor the DER"),
            (lambda _: ROOT.key_file, "PRIVATE KEY"),
            (request_pem, "CERTIFICATE REQUEST"),
            (lambda _: ROOT.certificate_file[:-100], "cut off or damaged"),
            (lambda _: ROOT.certificate_file.replace(b"-----END CERTIFICATE-----\n", b""), "cut off or damaged"),
            (lambda _: ROOT.certificate_file[:100] + b"\n!" + ROOT.certificate_file[102:], "cut off or damaged"),
            (lambda _: ROOT.der[:-10], "neither PEM nor the DER"),
            (lambda _: ROOT.der + b"more", "neither PEM nor the DER"),
        ],
        ids=["empty", "bytes", "text", "key", "CSR", "cut off", "without end", "damaged", "short DER", "long DER"],
    )
    def test_it_is_rejected_and_the_reason_describes_its_content(
        self, content: Callable[[Path], bytes], reason: str, tmp_path: Path
    ) -> None:
        files = put(tmp_path, content(tmp_path), ROOT.key_file)
        before = contents(tmp_path)
        with pytest.raises(Problem, match=r"ca\.pem is not a certificate") as caught:
            load_authority(*files)
        assert reason in caught.value.why
        assert "BEGIN CERTIFICATE" in caught.value.next_step
        assert contents(tmp_path) == before


class TestAFileThatIsNotAKey:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"garbage \x00\xff" * 50,
            ROOT.certificate_file,
            ROOT.der,
            ROOT.key_file[:-60],
            ROOT.key_file.replace(b"M", b"!"),
        ],
        ids=["empty", "bytes", "certificate", "DER certificate", "cut off", "damaged"],
    )
    @pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
    def test_it_is_rejected(self, content: bytes, passphrase: str | None, tmp_path: Path) -> None:
        files = put(tmp_path, ROOT.certificate_file, content)
        with pytest.raises(Problem, match=r"ca\.key") as caught:
            load_authority(*files, passphrase=passphrase)
        assert "not a private key" in caught.value.what + caught.value.why

    def test_a_public_key_is_rejected(self, tmp_path: Path) -> None:
        files = put(tmp_path, ROOT.certificate_file, ROOT.key_file)
        files[1].write_bytes(openssl.run("pkey", "-in", files[1], "-pubout"))
        with pytest.raises(Problem, match="not a private key"):
            load_authority(*files)


class TestAnAuthorityThatCanNotBeUsed:
    @pytest.mark.parametrize(
        ("made", "what"),
        [
            (issue("Out of time", ca=True, life=PAST), "has expired"),
            (issue("Out of time", ca=True, life=FUTURE), "is not valid yet"),
            (issue("Out of time", issuer=ROOT), "is not a CA certificate"),
        ],
        ids=["expired", "not yet valid", "a device"],
    )
    def test_it_is_rejected_and_its_files_are_unchanged(self, made: Crafted, what: str, tmp_path: Path) -> None:
        files = put(tmp_path, made.certificate_file, made.key_file)
        before = contents(tmp_path)
        with pytest.raises(Problem, match=what) as caught:
            load_authority(*files)
        assert "“Out of time”" in caught.value.what
        assert caught.value.next_step
        assert contents(tmp_path) == before

    def test_the_key_of_another_certificate_is_rejected(self, tmp_path: Path) -> None:
        with pytest.raises(Problem, match="does not belong to the certificate “Contoso Root”"):
            load_authority(*put(tmp_path, ROOT.certificate_file, OTHER.key_file))

    @pytest.mark.parametrize("missing", ["ca.pem", "ca.key"])
    def test_a_missing_file_is_named(self, missing: str, tmp_path: Path) -> None:
        files = put(tmp_path, ROOT.certificate_file, ROOT.key_file)
        (tmp_path / missing).unlink()
        with pytest.raises(Problem, match=missing):
            load_authority(*files)

    def test_a_malformed_extension_is_a_problem(self, tmp_path: Path) -> None:
        broken = issue("Broken", instead=(x509.UnrecognizedExtension(x509.BasicConstraints.oid, b"\x30\xff"),))
        with pytest.raises(Problem):
            load_authority(*put(tmp_path, broken.certificate_file, broken.key_file))
