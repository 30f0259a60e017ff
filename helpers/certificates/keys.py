"""Key pairs, of the algorithms that DPS and its devices support."""

from enum import StrEnum
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

__all__ = ["KeyAlgorithm", "PrivateKey", "PublicKey", "key_name", "signature_hash"]

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

_RSA_PUBLIC_EXPONENT = 65537  # FIPS 186-5 appendix A.1: odd, above 2**16; this is the usual choice


class KeyAlgorithm(StrEnum):
    """A key pair's algorithm and size. P-256 is the fastest and suits small devices; RSA is supported everywhere."""

    P256 = "P-256"
    P384 = "P-384"
    RSA2048 = "RSA-2048"
    RSA3072 = "RSA-3072"
    RSA4096 = "RSA-4096"

    def generate(self) -> PrivateKey:
        """Return a new key pair. RSA-4096 can take seconds; one on an elliptic curve takes no noticeable time."""
        match self:
            case KeyAlgorithm.P256:
                return ec.generate_private_key(ec.SECP256R1())
            case KeyAlgorithm.P384:
                return ec.generate_private_key(ec.SECP384R1())
            case _:
                return rsa.generate_private_key(_RSA_PUBLIC_EXPONENT, int(self.value.removeprefix("RSA-")))


def signature_hash(key: PrivateKey) -> hashes.SHA256 | hashes.SHA384:
    """Return a hash as strong as the key (NIST SP 800-57 part 1, table 3): SHA-384 for P-384 and up, otherwise SHA-256."""
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size > 256:
        return hashes.SHA384()
    return hashes.SHA256()


def key_name(certificate: x509.Certificate) -> str:
    """Return the algorithm and size of the certificate's public key: `P-256`, `RSA-2048`, …"""
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        curves = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
        return curves.get(key.curve.name, key.curve.name)
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA-{key.key_size}"
    return type(key).__name__.strip("_").removesuffix("PublicKey")
