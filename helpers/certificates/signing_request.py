"""Proofs of possession for a CA whose private key is elsewhere: in an HSM, in Key Vault, with a PKI team.

You write a request with the verification code as its common name, the holder of the CA's key signs it, and the certificate
that comes back is the proof. The CA's private key stays where it is.
"""

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from helpers.certificates.authority import VerificationCertificate
from helpers.certificates.checks import check_verification_code
from helpers.certificates.fields import distinguished_name
from helpers.certificates.keys import KeyAlgorithm, signature_hash
from helpers.certificates.proof_examiner import examine_proof
from helpers.certificates.storage import public_certificate
from helpers.problem import Problem

__all__ = ["accept_verification_certificate", "request_verification_certificate"]


def request_verification_certificate(code: str) -> bytes:
    """Return a PKCS#10 request (RFC 2986) as PEM, for a verification certificate: one with `code` as its CN.

    The request is for an ephemeral key pair. Its private key signs the request, as RFC 2986 section 4.2 requires, and is then
    discarded because nothing uses it.

    Args:
        code: exactly as DPS returned it, 48 upper-case hexadecimal characters.

    Raises:
        Problem: the code does not have that form.
    """
    check_verification_code(code)
    ephemeral = KeyAlgorithm.P256.generate()
    builder = x509.CertificateSigningRequestBuilder(distinguished_name(code))
    # A CA may copy the extensions that a request asks for. This one makes sure that it doesn't issue another CA.
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return builder.sign(ephemeral, signature_hash(ephemeral)).public_bytes(Encoding.PEM)


def accept_verification_certificate(
    content: bytes, authority: x509.Certificate, code: str, source: str = "The certificate"
) -> VerificationCertificate:
    """Return the proof in a file that came back from the holder of the CA's key, after examining it.

    The examiner does not compare the certificate's public key with the request's, because DPS doesn't either.

    Args:
        content: the file's bytes: PEM or DER.
        authority: the CA certificate that was uploaded to DPS.
        code: the newest verification code that DPS generated for it.
        source: the file's name, for the error.

    Raises:
        Problem: DPS would reject it; the error is the examiner's first finding.
    """
    if _is_request(content):
        raise Problem(
            f"{source} was not accepted.",
            "It is the request, which is signed only with its own key. It proves nothing about the CA.",
            "Give the request to the holder of the CA's key, and choose the certificate that comes back.",
        )
    if failed := examine_proof(content, authority, code).failed:
        first = failed[0]
        raise Problem(f"{source} was not accepted.", f"{first.name}: {first.reason}", first.remedy)
    return VerificationCertificate(public_certificate(content), code)


def _is_request(content: bytes) -> bool:
    for load in (x509.load_pem_x509_csr, x509.load_der_x509_csr):
        try:
            load(content)
        except (ValueError, x509.InvalidVersion):
            continue
        return True
    return False
