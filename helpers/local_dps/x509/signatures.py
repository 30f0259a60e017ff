"""Whether a certificate's signature was made with a key, as strictly as OpenSSL says it.

`cryptography` checks the mathematics. What a certificate says of its signature twice, and what a key allows, is checked
here, from the DER.
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
# RSASSA-PSS-params (RFC 4055 section 3.1): tag of each field, and its default.
_HASH, _MASK, _SALT, _TRAILER = 0xA0, 0xA1, 0xA2, 0xA3
_SHA1 = bytes.fromhex("300906052b0e03021a0500")
_MGF1_SHA1 = bytes.fromhex("301606092a864886f70d010108") + _SHA1
_DEFAULTS = {_HASH: _SHA1, _MASK: _MGF1_SHA1, _SALT: b"\x02\x01\x14", _TRAILER: b"\x02\x01\x01"}


def verify_signature(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    """
    Raises:
        InvalidSignature: the issuer's key did not make it, or says that it would not.
    """
    inner, outer, bits = _algorithms_and_signature(certificate)
    if inner != outer:  # RFC 5280 section 4.1.1.2
        raise InvalidSignature
    if der.content(bits)[:1] != b"\0":  # the number of bits that are left over: a signature is whole bytes
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
    """The algorithm as the signed part names it, and as the certificate does; the signature. Each is an element of DER."""
    signed, outer, bits = der.elements(der.content(certificate.public_bytes(serialization.Encoding.DER)))
    first, second, third, *_ = der.elements(der.content(signed))  # a version, if it is not 1; a serial number; this
    return third if first[:1] == _VERSION else second, outer, bits


def _key_algorithm(certificate: x509.Certificate) -> list[bytes]:
    """The kind of a certificate's key, and its parameters if any, as the certificate has them: the library rewrites them."""
    signed, *_ = der.elements(der.content(certificate.public_bytes(serialization.Encoding.DER)))
    parts = [each for each in der.elements(der.content(signed)) if each[:1] != _VERSION]
    algorithm, *_ = der.elements(der.content(parts[5]))  # after serial, signature, issuer, validity and subject
    return list(der.elements(der.content(algorithm)))


def _has_explicit_curve(certificate: x509.Certificate) -> bool:
    kind, *parameters = _key_algorithm(certificate)
    return kind == _EC and [each[:1] for each in parameters] != [_OID]


def _check_pss(algorithm: bytes, issuer: x509.Certificate) -> None:
    """A key that is for RSA-PSS alone, and may restrict even that (RFC 4055 section 1.2 and 3.1)."""
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
        if not same or salts[0] < salts[1] or allowed[_TRAILER] != _DEFAULTS[_TRAILER]:
            raise InvalidSignature


def _pss(parameters: list[bytes]) -> dict[int, bytes]:
    given = {each[0]: der.content(each) for each in der.elements(der.content(parameters[0]))} if parameters else {}
    return {**_DEFAULTS, **given}


def _bare(algorithm: bytes) -> list[bytes]:
    """An algorithm's elements; a NULL may stand for no parameters (RFC 4055 section 2.1)."""
    parts = [each for each in der.elements(der.content(algorithm)) if each != b"\x05\x00"]
    return [inner for each in parts for inner in (_bare(each) if each[:1] == _SEQUENCE else [each])]
