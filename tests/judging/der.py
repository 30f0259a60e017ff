"""The elements of DER that a certificate consists of, written by hand, because libraries don't write invalid ones."""

from tests.forging import sequence

__all__ = ["NULL", "bits", "explicit", "integer", "octets", "oid", "sequence", "set_of"]

NULL = b"\x05\x00"


def integer(number: int) -> bytes:
    """An INTEGER, two's complement."""
    size = ((number if number >= 0 else ~number).bit_length() + 8) // 8
    return sequence(number.to_bytes(size, "big", signed=True), tag=0x02)


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    content = b""
    for part in (40 * first + second, *rest):
        groups = [part & 0x7F]
        while part := part >> 7:
            groups.insert(0, part & 0x7F | 0x80)
        content += bytes(groups)
    return sequence(content, tag=0x06)


def bits(content: bytes, unused: int = 0) -> bytes:
    """A BIT STRING."""
    return sequence(bytes([unused]), content, tag=0x03)


def octets(content: bytes) -> bytes:
    """An OCTET STRING."""
    return sequence(content, tag=0x04)


def explicit(number: int, content: bytes) -> bytes:
    """An element in the context-specific tag of that number."""
    return sequence(content, tag=0xA0 | number)


def set_of(*parts: bytes, sort: bool = True) -> bytes:
    """A SET OF, in the order of DER unless told otherwise."""
    return sequence(*(sorted(parts) if sort else parts), tag=0x31)
