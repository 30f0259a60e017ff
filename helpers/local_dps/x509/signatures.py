"""Verification of a certificate's signature, as strictly as OpenSSL verifies it.

`cryptography` checks the mathematics. This module checks, in the DER, that both copies of the signature algorithm agree,
and that the key allows the algorithm.
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import SignatureAlgorithmOID

from . import der

__all__ = ["verify_signature"]

_OID, _SEQUENCE, _VERSION = b"\x06", b"\x30", b"\xa0"
_RSA_PSS = bytes.fromhex("06092a864886f70d01010a")
_EC = bytes.fromhex("06072a8648ce3d0201")
_EDWARDS = {
    ed25519.Ed25519PublicKey: SignatureAlgorithmOID.ED25519,
    ed448.Ed448PublicKey: SignatureAlgorithmOID.ED448,
}
# RSASSA-PSS-params (RFC 4055 section 3.1): the tag of each field, and its default.
_HASH, _MASK, _SALT, _TRAILER = 0xA0, 0xA1, 0xA2, 0xA3
_SHA1 = bytes.fromhex("300906052b0e03021a0500")
_MGF1_SHA1 = bytes.fromhex("301606092a864886f70d010108") + _SHA1
_DEFAULTS = {_HASH: _SHA1, _MASK: _MGF1_SHA1, _SALT: b"\x02\x01\x14", _TRAILER: b"\x02\x01\x01"}


def verify_signature(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    """Verify the signature of a certificate.

    Raises:
        InvalidSignature: the issuer's key did not make the signature, or does not allow its algorithm.
    """
    inner, outer, bits = _algorithms_and_signature(certificate)
    if inner != outer:  # RFC 5280 section 4.1.1.2
        raise InvalidSignature
    if der.content(bits)[:1] != b"\0":  # the number of unused bits: a signature has whole bytes
        raise InvalidSignature
    for each in (certificate, issuer):
        if _has_explicit_curve(each):  # RFC 5480 section 2.1.1
            raise InvalidSignature
    key, hash_algorithm = issuer.public_key(), certificate.signature_hash_algorithm
    signature, signed = certificate.signature, certificate.tbs_certificate_bytes
    parameters = certificate.signature_algorithm_parameters
    if isinstance(key, rsa.RSAPublicKey) and hash_algorithm is not None:
        if isinstance(parameters, ec.ECDSA) or parameters is None:
            raise InvalidSignature
        _check_pss(outer, issuer)
        key.verify(signature, signed, parameters, hash_algorithm)
    elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(parameters, ec.ECDSA):
        key.verify(signature, signed, parameters)
    elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        if certificate.signature_algorithm_oid != next(oid for kind, oid in _EDWARDS.items() if isinstance(key, kind)):
            raise InvalidSignature
        key.verify(signature, signed)
    else:
        raise InvalidSignature


def _algorithms_and_signature(certificate: x509.Certificate) -> tuple[bytes, bytes, bytes]:
    """Return the algorithm in the signed part, the algorithm outside it, and the signature, each as a DER element."""
    signed, outer, bits = der.elements(der.content(certificate.public_bytes(serialization.Encoding.DER)))
    first, second, third, *_ = der.elements(
        der.content(signed)
    )  # the version unless it is 1, the serial number, the algorithm
    return third if first[:1] == _VERSION else second, outer, bits


def _key_algorithm(certificate: x509.Certificate) -> list[bytes]:
    """Return the algorithm of a certificate's key and its parameters, as in the DER, which `cryptography` rewrites."""
    signed, *_ = der.elements(der.content(certificate.public_bytes(serialization.Encoding.DER)))
    parts = [each for each in der.elements(der.content(signed)) if each[:1] != _VERSION]
    algorithm, *_ = der.elements(der.content(parts[5]))  # after serial number, signature, issuer, validity and subject
    return list(der.elements(der.content(algorithm)))


def _has_explicit_curve(certificate: x509.Certificate) -> bool:
    kind, *parameters = _key_algorithm(certificate)
    return kind == _EC and [each[:1] for each in parameters] != [_OID]


def _check_pss(algorithm: bytes, issuer: x509.Certificate) -> None:
    """Check that the key allows the signature: it may be for RSA-PSS only, with restrictions (RFC 4055 sections 1.2 and 3.1)."""
    made_with, *parameters = der.elements(der.content(algorithm))
    kind, *restrictions = _key_algorithm(issuer)
    if made_with != _RSA_PSS:
        if kind == _RSA_PSS:
            raise InvalidSignature
        return
    said = _pss(parameters)
    if said[_TRAILER] != _DEFAULTS[_TRAILER]:
        raise InvalidSignature
    if kind == _RSA_PSS and restrictions:
        allowed = _pss(restrictions)
        salts = [int.from_bytes(der.content(each[_SALT]), "big") for each in (said, allowed)]
        same = all(_bare(said[field]) == _bare(allowed[field]) for field in (_HASH, _MASK))
        if not same or salts[0] < salts[1]:
            raise InvalidSignature


def _pss(parameters: list[bytes]) -> dict[int, bytes]:
    given = {each[0]: der.content(each) for each in der.elements(der.content(parameters[0]))} if parameters else {}
    return {**_DEFAULTS, **given}


def _bare(algorithm: bytes) -> list[bytes]:
    """Return an algorithm's elements without NULL, which means no parameters (RFC 4055 section 2.1)."""
    parts = [each for each in der.elements(der.content(algorithm)) if each != b"\x05\x00"]
    return [inner for each in parts for inner in (_bare(each) if each[:1] == _SEQUENCE else [each])]
