"""MQTT control packets as a client sends them, byte by byte (MQTT 3.1.1, section 3)."""


def packet(first: int, body: bytes = b"") -> bytes:
    """A control packet: the first byte, the remaining length as section 2.2.3 says, the rest."""
    length, left = bytearray(), len(body)
    while left > 127:
        length.append(left % 128 + 128)
        left //= 128
    return bytes([first, *length, left]) + body


def text(content: str | bytes) -> bytes:
    """Text after its length (section 1.5.3)."""
    raw = content if isinstance(content, bytes) else content.encode()
    return len(raw).to_bytes(2, "big") + raw


def connect(
    client_id: str, username: str | None, *, level: int = 4, keep_alive: int = 60, password: str | None = None
) -> bytes:
    flags = (0 if username is None else 0x80) | (0 if password is None else 0x40)
    head = text("MQTT") + bytes([level, flags]) + keep_alive.to_bytes(2, "big")
    given = (client_id, username, password)
    return packet(0x10, head + b"".join(text(each) for each in given if each is not None))


def publish(topic: str, payload: bytes, packet_id: int | None = None) -> bytes:
    number = b"" if packet_id is None else packet_id.to_bytes(2, "big")
    return packet(0x30 if packet_id is None else 0x32, text(topic) + number + payload)


def subscribe(packet_id: int, *filters: tuple[str, int]) -> bytes:
    return packet(0x82, packet_id.to_bytes(2, "big") + b"".join(text(name) + bytes([qos]) for name, qos in filters))


def unsubscribe(packet_id: int, *filters: str) -> bytes:
    return packet(0xA2, packet_id.to_bytes(2, "big") + b"".join(map(text, filters)))
