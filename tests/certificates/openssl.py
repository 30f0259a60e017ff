"""The `openssl` program as a second opinion, and as the other tool whose files a learner brings along."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
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
    """What `openssl verify` said; `why` is its text."""

    accepted: bool
    why: str


@dataclass(frozen=True)
class Authority:
    """Files of a CA made without the helpers."""

    certificate: Path
    private_key: Path


def run(*arguments: str | Path, stdin: bytes = b"") -> bytes:
    """The program's output; a failure is raised with its own words."""
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
    """`openssl verify` with one anchor and nothing of the machine's own trust."""
    with TemporaryDirectory() as folder:
        anchor, between = Path(folder, "anchor.pem"), Path(folder, "between.pem")
        anchor.write_bytes(pem([trusted]))
        between.write_bytes(pem(untrusted))
        sent = ("-untrusted", str(between)) if between.stat().st_size else ()
        arguments = ["openssl", "verify", "-no-CApath", "-no-CAstore", "-CAfile", str(anchor), *sent, *options]
        result = subprocess.run(arguments, input=pem([certificate]), capture_output=True, check=False)
    return Verdict(result.returncode == 0, (result.stdout + result.stderr).decode())


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
