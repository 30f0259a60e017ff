"""Certificates that no library creates: their DER is taken apart, changed, and signed again."""

from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.hazmat.primitives.serialization import Encoding

from tests.crafting import Crafted, PrivateKey, craft

__all__ = ["corrupted", "elements", "repeating_an_extension", "resigned", "sequence"]

Sign = Callable[[bytes], bytes]


def sequence(*parts: bytes, tag: int = 0x30) -> bytes:
    """A DER element that contains others."""
    inner = b"".join(parts)
    size = len(inner)
    if size < 0x80:
        return bytes([tag, size]) + inner
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + inner


def elements(der: bytes) -> list[bytes]:
    """The elements in an element."""
    start, end = _span(der, 0)
    found = []
    while start < end:
        _, after = _span(der, start)
        found.append(der[start:after])
        start = after
    return found


def _span(der: bytes, at: int) -> tuple[int, int]:
    """The offsets at which an element's content begins and ends."""
    size = der[at + 1]
    if size < 0x80:
        return at + 2, at + 2 + size
    digits = size & 0x7F
    begin = at + 2 + digits
    return begin, begin + int.from_bytes(der[at + 2 : begin], "big")


def resigned(
    der: bytes,
    private_key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey,
    *,
    changed: tuple[bytes, bytes] = (b"", b""),
    outer: bytes | None = None,
) -> bytes:
    """A certificate in which bytes were changed, with a valid signature.

    Args:
        changed: what is replaced in the signed part, and by what, of the same length.
        outer: the algorithm that the certificate names outside of the signed part; as it was unless given.
    """
    signed, algorithm, _ = elements(der)
    assert changed[0] in signed
    assert len(changed[0]) == len(changed[1])
    signed = signed.replace(*changed, 1) if changed[0] else signed
    if isinstance(private_key, ec.EllipticCurvePrivateKey):
        signature = private_key.sign(signed, ec.ECDSA(hashes.SHA256()))
    else:
        signature = private_key.sign(signed)
    return sequence(signed, outer or algorithm, sequence(b"\0", signature, tag=0x03))


def corrupted(certificate: x509.Certificate) -> bytes:
    """The DER of a certificate with one bit of the signature flipped."""
    der = bytearray(certificate.public_bytes(Encoding.DER))
    der[-1] ^= 1
    return bytes(der)


def repeating_an_extension(subject: x509.Name, private_key: PrivateKey, issuer: Crafted) -> Crafted:
    """A certificate with the same extension twice: one of two is turned into the other."""
    oids = [x509.ObjectIdentifier(f"1.3.6.1.4.1.99999.{last}") for last in (1, 2)]
    two = tuple(x509.UnrecognizedExtension(oid, b"\x05\x00") for oid in oids)
    first, second = (bytes.fromhex("2b06010401868d1f") + bytes([last]) for last in (1, 2))
    made = craft(subject, private_key, issuer=issuer, extensions=two)
    der = resigned(made.der, issuer.private_key, changed=(second, first))
    return Crafted(x509.load_der_x509_certificate(der), private_key)
