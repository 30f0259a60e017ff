"""The process of the PKI team: it creates a CA, and signs requests. The CA's private key is only in its memory.

It writes and reads lines of JSON. It first writes `{"certificate": PEM}`, the CA's certificate. For each request on standard
input, `{"request": PEM}`, it answers with `{"certificate": PEM}` or `{"refused": REASON}`. It ends with standard input.

It is a script that imports nothing from the helpers, so it shares no code with what it checks, and starts in a moment.
"""

import json
import re
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "PKI Team CA")])
_CODE = re.compile("[0-9A-F]{48}")
_BACKDATED = timedelta(hours=1)  # for a service whose clock is slow
_CA_LIFETIME, _PROOF_LIFETIME = timedelta(days=3650), timedelta(days=1)


def _begin(subject: x509.Name, public_key: CertificatePublicKeyTypes, *, is_ca: bool) -> x509.CertificateBuilder:
    """Return a certificate without its signature, and with the team's own extensions, whichever the request asks for."""
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=not is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .issuer_name(_NAME)
        .subject_name(subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + (_CA_LIFETIME if is_ca else _PROOF_LIFETIME))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=0 if is_ca else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _reason_to_refuse(request: x509.CertificateSigningRequest) -> str:
    """Return why the team does not sign this request; "" if it does."""
    names = [str(each.value) for each in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if not request.is_signature_valid:
        return "The request was changed after it was signed, or was signed with another key than its own."
    if len(request.subject) != 1 or len(names) != 1 or not _CODE.fullmatch(names[0]):
        return "The team signs only verification codes: one common name of 48 upper-case hexadecimal characters."
    return ""


def _sign(key: ec.EllipticCurvePrivateKey, pem: str) -> dict[str, str]:
    try:
        request = x509.load_pem_x509_csr(pem.encode())
        reason = _reason_to_refuse(request)
        if reason:
            return {"refused": reason}
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
        builder = _begin(request.subject, request.public_key(), is_ca=False).add_extension(issuer, critical=False)
    except (ValueError, x509.InvalidVersion):
        return {"refused": "This is not a PKCS#10 request as PEM."}
    return {"certificate": builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()}


def _answers() -> Iterator[dict[str, str]]:
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _begin(_NAME, key.public_key(), is_ca=True).sign(key, SHA256())
    yield {"certificate": authority.public_bytes(Encoding.PEM).decode()}
    for line in sys.stdin:
        yield _sign(key, json.loads(line)["request"])


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupted cell must not end the team
    for answer in _answers():
        print(json.dumps(answer), flush=True)
