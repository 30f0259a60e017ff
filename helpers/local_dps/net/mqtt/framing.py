"""The frame of MQTT control packets: where each begins, its type, and its length. Section numbers are those of MQTT 3.1.1."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["MAX_PACKET_BYTES", "Decoder", "MalformedPacket", "Packet", "PacketType", "frame"]

MAX_PACKET_BYTES = 64 * 1024  # a registration has a few hundred


class MalformedPacket(ValueError):
    """The client sent something that is not MQTT 3.1.1, or is not supported here. The connection ends (4.8)."""


class PacketType(IntEnum):
    """The packet types (2.2.1)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


@dataclass(frozen=True)
class Packet:
    """One packet: its type, its four flags, and everything after the fixed header."""

    kind: PacketType
    flags: int
    body: bytes


class Decoder:
    """A decoder that takes bytes as they arrive, and returns complete packets."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Yield the packets that are complete now.

        Raises:
            MalformedPacket: as soon as the bytes can't become a valid packet.
        """
        self._waiting += data
        start = 0
        try:
            while (found := _split(self._waiting, start)) is not None:
                packet, start = found
                yield packet
        finally:
            del self._waiting[:start]


def _split(data: bytearray, start: int) -> tuple[Packet, int] | None:
    """Return the packet that begins at `start`, and where the next one begins; None while the packet is incomplete."""
    if len(data) <= start:
        return None
    kind, flags = _kind_and_flags(data[start])
    header = _remaining_length(data[start : start + 5])
    if header is None:
        return None
    begin, length = start + header[0], header[1]
    if length > MAX_PACKET_BYTES:
        raise MalformedPacket(f"A packet of {length} bytes is too large: at most {MAX_PACKET_BYTES} are accepted.")
    end = begin + length
    return (Packet(kind, flags, bytes(data[begin:end])), end) if len(data) >= end else None


def _kind_and_flags(first: int) -> tuple[PacketType, int]:
    """Return the two halves of a packet's first byte (2.2)."""
    try:
        kind = PacketType(first >> 4)
    except ValueError as error:
        raise MalformedPacket(f"A client sends no packets of type {first >> 4}.") from error
    flags = first & 0x0F
    expected = 2 if kind in (PacketType.SUBSCRIBE, PacketType.UNSUBSCRIBE) else 0
    if kind is not PacketType.PUBLISH and flags != expected:
        raise MalformedPacket(f"{kind.name} has the flags {flags}, where MQTT requires {expected}.")
    return kind, flags


def _remaining_length(data: bytes | bytearray) -> tuple[int, int] | None:
    """Return where the rest of a packet begins, and its length (2.2.3); None while the length is incomplete."""
    value = 0
    for place, byte in enumerate(data[1:5]):
        value += (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return place + 2, value
    if len(data) >= 5:
        raise MalformedPacket("The remaining length of a packet has more than four bytes.")
    return None


def frame(kind: PacketType, flags: int, body: bytes) -> bytes:
    """Return a packet as it is sent (2.2)."""
    length, left = bytearray(), len(body)
    while True:
        left, low = divmod(left, 128)
        length.append(low | (0x80 if left else 0))
        if not left:
            return bytes(((kind << 4) | flags,)) + bytes(length) + body
