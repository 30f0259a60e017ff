"""The fields of MQTT control packets, without any input or output. Section numbers are those of MQTT 3.1.1."""

from dataclasses import dataclass

from .framing import MalformedPacket, Packet, PacketType, frame

__all__ = [
    "PINGRESP",
    "PROTOCOL_LEVEL",
    "Connect",
    "Publish",
    "Subscribe",
    "connack",
    "puback",
    "publish",
    "read_connect",
    "read_nothing",
    "read_puback",
    "read_publish",
    "read_subscribe",
    "read_unsubscribe",
    "suback",
    "unsuback",
]

PINGRESP = b"\xd0\x00"
PROTOCOL_LEVEL = 4  # the number of MQTT 3.1.1 in a CONNECT


@dataclass(frozen=True)
class Connect:
    """CONNECT (3.1).

    Attributes:
        keep_alive: seconds; 0 turns it off.
        has_password: whether there is a password that is not empty.
    """

    level: int
    client_id: str
    keep_alive: int
    username: str | None
    has_password: bool = False


@dataclass(frozen=True)
class Publish:
    """PUBLISH (3.3). At QoS 0, packet_id is None."""

    topic: str
    payload: bytes
    packet_id: int | None


@dataclass(frozen=True)
class Subscribe:
    """SUBSCRIBE (3.8): topic filters, each with the requested QoS."""

    packet_id: int
    filters: tuple[tuple[str, int], ...]


class _Reader:
    """A reader for the fields after the fixed header."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._body)

    def take(self, count: int) -> bytes:
        found = self._body[self._at : self._at + count]
        if len(found) < count:
            raise MalformedPacket("A packet ends before its last field.")
        self._at += count
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def packet_id(self) -> int:
        found = self.number(2)
        if not found:
            raise MalformedPacket("A packet has the id 0, which MQTT forbids.")
        return found

    def text(self) -> str:
        raw = self.take(self.number(2))
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise MalformedPacket("A string is not UTF-8.") from error
        if "\0" in text:
            raise MalformedPacket("A string contains a zero byte.")
        return text

    def rest(self) -> bytes:
        return self.take(len(self._body) - self._at)

    def end(self) -> None:
        if not self.is_at_end:
            raise MalformedPacket("A packet has bytes after its last field.")


def read_connect(packet: Packet) -> Connect:
    """Return the fields of a CONNECT that matter here. The will is skipped. Of the password, only its presence is returned."""
    reader = _Reader(packet.body)
    protocol, level = reader.text(), reader.number(1)
    if protocol != "MQTT":
        raise MalformedPacket(f"The protocol name is {protocol[:20]!r}, not 'MQTT'.")
    if level != PROTOCOL_LEVEL:  # the format of the rest differs at another level
        return Connect(level, "", 0, None)
    flags, keep_alive = reader.number(1), reader.number(2)
    if flags & 0x01:
        raise MalformedPacket("The reserved flag of CONNECT is set.")
    has_will, has_username, has_password = bool(flags & 0x04), bool(flags & 0x80), bool(flags & 0x40)
    if (not has_will and flags & 0x38) or flags & 0x18 == 0x18 or (has_password and not has_username):
        raise MalformedPacket("The flags of CONNECT contradict each other.")
    client_id = reader.text()
    if has_will:
        reader.text()
        reader.take(reader.number(2))
    username = reader.text() if has_username else None
    has_password = has_password and bool(reader.take(reader.number(2)))
    reader.end()
    return Connect(level, client_id, keep_alive, username, has_password)


def read_publish(packet: Packet) -> Publish:
    """Return the fields of a PUBLISH at QoS 0 or 1. QoS 2 is rejected."""
    qos = (packet.flags >> 1) & 3
    if qos > 1:
        raise MalformedPacket(f"QoS {qos} is not supported.")
    if qos == 0 and packet.flags & 0x08:
        raise MalformedPacket("A packet with QoS 0 can't be a duplicate, but its DUP flag is set.")
    reader = _Reader(packet.body)
    topic = reader.text()
    if not topic or "#" in topic or "+" in topic:
        raise MalformedPacket("The topic of a PUBLISH is empty or has wildcards.")
    packet_id = reader.packet_id() if qos else None
    return Publish(topic, reader.rest(), packet_id)


def read_subscribe(packet: Packet) -> Subscribe:
    reader = _Reader(packet.body)
    packet_id, filters = reader.packet_id(), []
    while not reader.is_at_end:
        name, qos = reader.text(), reader.number(1)
        if qos > 2 or not name:
            raise MalformedPacket("A filter of SUBSCRIBE is empty, or its QoS is above 2.")
        filters.append((name, qos))
    if not filters:
        raise MalformedPacket("SUBSCRIBE has no filter.")
    return Subscribe(packet_id, tuple(filters))


def read_unsubscribe(packet: Packet) -> tuple[int, tuple[str, ...]]:
    reader = _Reader(packet.body)
    packet_id, filters = reader.packet_id(), []
    while not reader.is_at_end:
        filters.append(reader.text())
    if not filters or "" in filters:
        raise MalformedPacket("UNSUBSCRIBE has no filter, or an empty one.")
    return packet_id, tuple(filters)


def read_puback(packet: Packet) -> int:
    reader = _Reader(packet.body)
    packet_id = reader.packet_id()
    reader.end()
    return packet_id


def read_nothing(packet: Packet) -> None:
    """Check that nothing follows the fixed header, as in PINGREQ and DISCONNECT."""
    _Reader(packet.body).end()


def connack(code: int) -> bytes:
    """Return a CONNACK (3.2) that says that no earlier session is present."""
    return frame(PacketType.CONNACK, 0, bytes((0, code)))


def suback(packet_id: int, granted: tuple[int, ...]) -> bytes:
    """Return a SUBACK (3.9) with the QoS of each filter, or 0x80 for a rejected one."""
    return frame(PacketType.SUBACK, 0, packet_id.to_bytes(2, "big") + bytes(granted))


def unsuback(packet_id: int) -> bytes:
    """Return an UNSUBACK (3.11)."""
    return frame(PacketType.UNSUBACK, 0, packet_id.to_bytes(2, "big"))


def puback(packet_id: int) -> bytes:
    """Return a PUBACK (3.4)."""
    return frame(PacketType.PUBACK, 0, packet_id.to_bytes(2, "big"))


def publish(topic: str, payload: bytes, packet_id: int | None) -> bytes:
    """Return a PUBLISH at QoS 1, or at QoS 0 if packet_id is None."""
    name = topic.encode()
    number = b"" if packet_id is None else packet_id.to_bytes(2, "big")
    return frame(
        PacketType.PUBLISH, 0 if packet_id is None else 2, len(name).to_bytes(2, "big") + name + number + payload
    )
