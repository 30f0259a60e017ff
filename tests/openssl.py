"""The `openssl` program: a second opinion, and the other tool whose files a learner may bring."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

STRICT = ("-x509_strict",)
CA_EXTENSIONS = (
    "basicConstraints = critical,CA:TRUE",
    "keyUsage = critical,keyCertSign,cRLSign",
    "subjectKeyIdentifier = hash",
)
SEC1_WITH_PARAMETERS = ("ecparam", "-name", "prime256v1", "-genkey")
RSA_2048 = ("genrsa",)


@dataclass(frozen=True)
class Verdict:
    """The result of `openssl verify`.

    Attributes:
        why: its text.
        has_judged: whether the program came as far as a judgment.
    """

    accepted: bool
    why: str
    has_judged: bool = True

    @property
    def errors(self) -> frozenset[int]:
        """The numbers of the errors; `openssl verify` continues after some of them."""
        return frozenset(map(int, re.findall(r"^error (\d+) at ", self.why, re.MULTILINE)))


@dataclass(frozen=True)
class Authority:
    """The files of a CA that was created without the helpers."""

    certificate: Path
    private_key: Path


def run(*arguments: str | Path, stdin: bytes = b"") -> bytes:
    """The program's output; a failure is raised with the program's message."""
    result = subprocess.run(["openssl", *map(str, arguments)], input=stdin, capture_output=True, check=False)
    if result.returncode:
        raise ValueError(result.stderr.decode())
    return result.stdout


def pem(certificates: Iterable[x509.Certificate]) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def verify(
    certificate: x509.Certificate,
    *,
    trusted: x509.Certificate,
    untrusted: Iterable[x509.Certificate] = (),
    options: Iterable[str] = STRICT,
) -> Verdict:
    """Whether OpenSSL accepts the certificate with that one trust anchor."""
    return verify_pem(pem([certificate]), pem([trusted]), pem(untrusted), options=options)


def verify_pem(certificate: bytes, trusted: bytes, untrusted: bytes = b"", *, options: Iterable[str]) -> Verdict:
    """Run `openssl verify` on PEM with one trust anchor, and without the machine's own."""
    with TemporaryDirectory() as folder:
        anchor, between = Path(folder, "anchor.pem"), Path(folder, "between.pem")
        anchor.write_bytes(trusted)
        between.write_bytes(untrusted)
        sent = ("-untrusted", str(between)) if untrusted else ()
        arguments = ["openssl", "verify", "-no-CApath", "-no-CAstore", "-CAfile", str(anchor), *sent, *options]
        result = subprocess.run(arguments, input=certificate, capture_output=True, check=False)
    why = (result.stdout + result.stderr).decode("utf-8", "replace")
    return Verdict(result.returncode == 0, why, result.returncode in (0, 2))


def signed_by(proof_pem: str, uploaded_pem: str) -> bool:
    """Whether OpenSSL finds the proof signed by the uploaded certificate, regardless of the dates of both."""
    options = ("-partial_chain", "-no_check_time")
    verdict = verify_pem(proof_pem.encode(), uploaded_pem.encode(), options=options)
    assert verdict.has_judged, verdict.why
    return verdict.accepted


def read_proof(proof_pem: str) -> tuple[list[str], datetime, datetime]:
    """The common names, the beginning and the end, as OpenSSL reads them."""
    options = ("-noout", "-subject", "-startdate", "-enddate", "-nameopt", "sep_multiline,sname,utf8,esc_ctrl")
    printed = run("x509", *options, stdin=proof_pem.encode()).decode()
    names = re.findall(r"^    CN=(.*)$", printed, re.MULTILINE)
    return names, _date(printed, "notBefore"), _date(printed, "notAfter")


def _date(printed: str, which: str) -> datetime:
    found = re.search(rf"^{which}=(.*) GMT$", printed, re.MULTILINE)
    assert found
    return datetime.strptime(found[1], "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)


def text(certificate: x509.Certificate) -> str:
    """The certificate as `openssl x509 -text` prints it."""
    return run("x509", "-noout", "-text", stdin=pem([certificate])).decode()


def opens_key(file: Path, passphrase: str = "") -> bool:
    """Whether `openssl pkey` can use the private key with that passphrase."""
    try:
        run("pkey", "-in", file, "-noout", "-passin", f"pass:{passphrase}")
    except ValueError:
        return False
    return True


def make_root(
    folder: Path,
    *,
    subject: str = "/O=Contoso/CN=Made by OpenSSL",
    key: Iterable[str] = SEC1_WITH_PARAMETERS,
    extensions: Iterable[str] = CA_EXTENSIONS,
) -> Authority:
    """A self-signed CA for three days: a PEM certificate and the key just as the program writes it."""
    made = Authority(folder / "root.pem", folder / "root.key")
    made.private_key.write_bytes(run(*key))
    settings = folder / "root.cnf"
    lines = ["[req]", "distinguished_name = name", "x509_extensions = ca", "[name]", "[ca]", *extensions]
    settings.write_text("\n".join(lines))
    made.certificate.write_bytes(
        run("req", "-x509", "-new", "-config", settings, "-subj", subject, "-days", "3", "-key", made.private_key)
    )
    return made


def make_encrypted_root(folder: Path, passphrase: str, algorithm: str = "rsa:2048") -> Authority:
    """A root as people often create it: with one command and an encrypted key."""
    made = Authority(folder / "own.pem", folder / "own.key")
    subject = ("-subj", "/CN=Own Root", "-days", "365", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    files = ("-keyout", made.private_key, "-out", made.certificate, "-passout", f"pass:{passphrase}")
    run("req", "-x509", "-newkey", algorithm, *files, *subject)
    assert b"ENCRYPTED" in made.private_key.read_bytes()
    return made


def make_below(
    folder: Path, issuer: Authority, *, subject: str = "/CN=Below", extensions: Iterable[str] = CA_EXTENSIONS
) -> Authority:
    """A certificate that `issuer` signed."""
    made = Authority(folder / "below.pem", folder / "below.key")
    made.private_key.write_bytes(run(*SEC1_WITH_PARAMETERS))
    request, settings = folder / "below.csr", folder / "below.cnf"
    request.write_bytes(sign_request(made.private_key, subject))
    settings.write_text("\n".join([*extensions, "authorityKeyIdentifier = keyid"]))
    signer = ("-CA", issuer.certificate, "-CAkey", issuer.private_key, "-CAcreateserial")
    made.certificate.write_bytes(run("x509", "-req", "-in", request, *signer, "-days", "3", "-extfile", settings))
    return made


def sign_request(private_key: Path, subject: str = "/CN=Request") -> bytes:
    """A certificate signing request as PEM."""
    return run("req", "-new", "-key", private_key, "-subj", subject)


def verify_request(request: bytes, form: str = "PEM") -> Verdict:
    """Whether OpenSSL finds a request signed with the key that it holds. OpenSSL 3.0 exits with 0 even if not."""
    arguments = ["openssl", "req", "-verify", "-noout", "-inform", form]
    result = subprocess.run(arguments, input=request, capture_output=True, check=False)
    why = (result.stdout + result.stderr).decode()
    return Verdict("verify OK" in why, why, "verify OK" in why or "verify failure" in why)


def to_der(certificate: Path) -> bytes:
    return run("x509", "-in", certificate, "-outform", "DER")


def pkcs8(key: Path, form: str, passphrase: str | None = None) -> bytes:
    """The key as PKCS#8, `form` PEM or DER."""
    protection = ("-v2", "aes-256-cbc", "-passout", f"pass:{passphrase}") if passphrase else ("-nocrypt",)
    return run("pkcs8", "-topk8", "-in", key, "-outform", form, *protection)


def traditional(key: Path, form: str, passphrase: str | None = None) -> bytes:
    """The key as PKCS#1 (RSA) or SEC1 (EC); only PEM can be encrypted."""
    protection = ("-aes256", "-passout", f"pass:{passphrase}") if passphrase else ()
    return run("pkey", "-traditional", "-in", key, "-outform", form, *protection)
