"""Certificates that no library makes: taken apart as DER, changed, and signed again over what they say then."""

from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519

__all__ = ["elements", "resigned", "sequence"]

Sign = Callable[[bytes], bytes]


def sequence(*parts: bytes, tag: int = 0x30) -> bytes:
    """An element of DER around others."""
    inner = b"".join(parts)
    size = len(inner)
    if size < 0x80:
        return bytes([tag, size]) + inner
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + inner


def elements(der: bytes) -> list[bytes]:
    """The elements inside of an element."""
    start, end = _span(der, 0)
    found = []
    while start < end:
        _, after = _span(der, start)
        found.append(der[start:after])
        start = after
    return found


def _span(der: bytes, at: int) -> tuple[int, int]:
    """Where an element's content begins and ends."""
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
    """A certificate in which bytes were changed, with a signature that holds.

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
