"""The part of DER (X.690) that is needed to read what `cryptography` does not expose."""

from collections.abc import Iterator

__all__ = ["after", "content", "elements"]


def content(der: bytes) -> bytes:
    """Return the content of the first element."""
    start, length = _header(der)
    return der[start : start + length]


def after(der: bytes) -> bytes:
    """Return the bytes after the first element."""
    start, length = _header(der)
    return der[start + length :]


def elements(der: bytes) -> Iterator[bytes]:
    """Yield each element of a sequence of elements, with its header."""
    while der:
        rest = after(der)
        yield der[: len(der) - len(rest)]
        der = rest


def _header(der: bytes) -> tuple[int, int]:
    """Return where an element's content begins, and its declared length (X.690 8.1.3)."""
    if len(der) < 2 or der[1] < 0x80:
        return 2, der[1] if len(der) > 1 else 0
    size = der[1] & 0x7F
    return 2 + size, int.from_bytes(der[2 : 2 + size], "big")
