"""Files and bytes: which of them is a key, a certificate or a request, and what a signature shows."""

import random
import secrets

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from helpers.certificates import certificate_pem, describe
from helpers.lesson.course.final_test.objects import Shown, maker, new_cast
from helpers.lesson.course.final_test.proof_objects import new_code
from helpers.lesson.figures import Listing

__all__: list[str] = []

_KEY = "-----BEGIN PRIVATE KEY-----"
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"


def _ends_in(pem: bytes) -> str:
    """Return the last characters of a certificate's base64, by which a reader tells two files apart."""
    return pem.decode().splitlines()[-2][-12:]


@maker
def files_of_a_factory() -> Shown:
    """Files whose names and first lines say what they are. One file's ending hides what it holds."""
    cast = new_cast()
    place = describe(cast.factory.certificate).common_name.split()[1].lower()
    lines = {
        f"{place}.cer": f"{_CERTIFICATE} …{_ends_in(certificate_pem(cast.factory.certificate))}",
        f"{place}-backup.cer": _KEY,
        f"{cast.device_id}.pem": f"{_CERTIFICATE} …{_ends_in(certificate_pem(cast.device.certificate))}",
        "proof.csr": "-----BEGIN CERTIFICATE REQUEST-----",
    }
    shuffled = random.sample(sorted(lines.items()), len(lines))
    names = {"ca_file": f"{place}.cer", "key_file": f"{place}-backup.cer", "device_file": f"{cast.device_id}.pem"}
    return Shown(Listing("Four files, and how each begins", [f"{name}: {first}" for name, first in shuffled]), names)


@maker
def der_and_pem() -> Shown:
    """The same certificate in both encodings."""
    cast = new_cast()
    pem = certificate_pem(cast.factory.certificate)
    der = cast.factory.certificate.public_bytes(Encoding.DER)
    place = describe(cast.factory.certificate).common_name.split()[1].lower()
    says = [
        f"{place}.pem, {len(pem)} bytes: {_CERTIFICATE} {pem.decode().splitlines()[1][:16]}…",
        f"{place}.cer, {len(der)} bytes: {der[:4].hex(' ')} … {der[-4:].hex(' ')}",
        f"SHA-1 of the certificate in each: {describe(cast.factory.certificate).sha1}",
    ]
    return Shown(Listing("Two files", says), {"pem": f"{place}.pem", "der": f"{place}.cer"})


@maker
def checked_signature() -> Shown:
    """A signature, and the result of its check with two public keys."""
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in random.sample(("Ada", "Ben", "Cem", "Dora"), 2)}
    signer, other = keys
    message = f"{secrets.choice(('open', 'close'))} valve {secrets.choice(range(10, 100))}".encode()
    signature = keys[signer].sign(message, ec.ECDSA(hashes.SHA256()))
    says = [f"The message: {message.decode()}", f"The signature: {signature.hex()[:24]}…"]
    for name in sorted(keys):
        try:
            keys[name].public_key().verify(signature, message, ec.ECDSA(hashes.SHA256()))
            says.append(f"Checked with {name}'s public key: valid")
        except InvalidSignature:
            says.append(f"Checked with {name}'s public key: InvalidSignature")
    return Shown(Listing("A signed message", says), {"signer": signer, "other": other})


@maker
def signing_request() -> Shown:
    """A PKCS#10 request for a proof."""
    cast, key = new_cast(), ec.generate_private_key(ec.SECP256R1())
    code = new_code()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, code)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    ca = describe(cast.factory.certificate).common_name
    says = [
        f"Subject: {request.subject.rfc4514_string()}",
        "Public key: a new P-256 key",
        f"Its own signature: {'valid' if request.is_signature_valid else 'invalid'}",
        f"Sent to: the PKI team, which holds the key of “{ca}” in an HSM",
    ]
    return Shown(Listing("A certificate signing request (PKCS#10)", says), {"ca": ca, "code": f"{code[:8]}…"})
