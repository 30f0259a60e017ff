"""As much of DER as is needed to look where `cryptography` does not show everything (X.690)."""

from collections.abc import Iterator

__all__ = ["after", "content", "elements"]


def content(der: bytes) -> bytes:
    """What is inside the first element."""
    start, length = _header(der)
    return der[start : start + length]


def after(der: bytes) -> bytes:
    """What follows the first element."""
    start, length = _header(der)
    return der[start + length :]


def elements(der: bytes) -> Iterator[bytes]:
    """Each element of what stands one after the other, whole."""
    while der:
        rest = after(der)
        yield der[: len(der) - len(rest)]
        der = rest


def _header(der: bytes) -> tuple[int, int]:
    """Where an element's content begins, and how long it says that it is (X.690 8.1.3)."""
    if len(der) < 2 or der[1] < 0x80:
        return 2, der[1] if len(der) > 1 else 0
    size = der[1] & 0x7F
    return 2 + size, int.from_bytes(der[2 : 2 + size], "big")
