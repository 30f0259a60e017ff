"""The MQTT codec with paho's own packets, in both directions, and with any other bytes that may arrive."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import paho.mqtt.client as paho
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.local_dps.net.mqtt import codec
from helpers.local_dps.net.mqtt.codec import Connect, Publish, Subscribe
from helpers.local_dps.net.mqtt.framing import MAX_PACKET_BYTES, Decoder, MalformedPacket, Packet, PacketType
from tests.local_dps.mqtt_packets import connect, packet, publish, subscribe, text, unsubscribe

READERS: dict[PacketType, Callable[[Packet], Any]] = {
    PacketType.CONNECT: codec.read_connect,
    PacketType.PUBLISH: codec.read_publish,
    PacketType.SUBSCRIBE: codec.read_subscribe,
    PacketType.UNSUBSCRIBE: codec.read_unsubscribe,
}
PIECES = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.text(PIECES, max_size=40)
TOPICS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1, max_size=40)
PACKET_IDS = st.integers(1, 0xFFFF)


def decoded(*chunks: bytes) -> list[Any]:
    """Return each packet's kind, and its fields if it has any."""
    decoder = Decoder()
    whole = [each for chunk in chunks for each in decoder.feed(chunk)]
    return [READERS[each.kind](each) if each.kind in READERS else each.kind for each in whole]


# --- paho on the other end ---


class Paho(paho.Client):
    """Azure's device client speaks MQTT through paho; here it does so on one end of a pair of sockets."""

    def __init__(self, **options: Any) -> None:
        super().__init__(reconnect_on_failure=False, **options)
        near, self.far = socket.socketpair()
        self.far.settimeout(10)
        self._create_socket_connection = lambda: near

    def sent(self) -> bytes:
        return self.far.recv(1 << 20)

    def told(self, data: bytes) -> int:
        """Let it read bytes; paho's own return code."""
        self.far.sendall(data)
        return self.loop_read()


@contextmanager
def connected(**options: Any) -> Iterator[Paho]:
    client = Paho(**{"client_id": "device-1", **options})
    try:
        client.connect("localhost")
        client.sent()
        assert client.told(codec.connack(0)) == paho.MQTT_ERR_SUCCESS
        yield client
    finally:
        client.far.close()
        client._sock_close()


@given(
    client_id=st.text(PIECES, min_size=1, max_size=40),
    username=st.none() | TEXTS,
    password=st.none() | TEXTS,
    will=st.none() | st.tuples(TOPICS, st.binary(max_size=40), st.integers(0, 2), st.booleans()),
    keep_alive=st.integers(0, 0xFFFF),
    clean=st.booleans(),
)
def test_pahos_connect_is_understood(
    client_id: str, username: str | None, password: str | None, will: Any, keep_alive: int, clean: bool
) -> None:
    client = Paho(client_id=client_id, clean_session=clean)
    if username is not None:
        client.username_pw_set(username, password)
    if will:
        client.will_set(*will)
    client.connect("localhost", keepalive=keep_alive)
    assert decoded(client.sent()) == [
        Connect(4, client_id, keep_alive, username, username is not None and bool(password))
    ]
    client.far.close()
    client._sock_close()


@given(
    filters=st.lists(st.tuples(TOPICS, st.integers(0, 2)), min_size=1, max_size=5), names=st.lists(TOPICS, min_size=1)
)
def test_pahos_subscribe_and_unsubscribe_are_understood(filters: list[tuple[str, int]], names: list[str]) -> None:
    with connected() as client:
        number = client.subscribe(filters)[1]
        assert decoded(client.sent()) == [Subscribe(number, tuple(filters))]
        number = client.unsubscribe(names)[1]
        assert decoded(client.sent()) == [(number, tuple(names))]


@given(topic=TOPICS, payload=st.binary(max_size=300), qos=st.integers(0, 1), retain=st.booleans())
def test_pahos_publish_is_understood(topic: str, payload: bytes, qos: int, retain: bool) -> None:
    with connected() as client:
        number = client.publish(topic, payload, qos, retain).mid
        assert decoded(client.sent()) == [Publish(topic, payload, number if qos else None)]


def test_a_message_that_paho_sends_a_second_time_is_understood() -> None:
    with connected() as client:
        client._send_publish(7, b"topic", b"again", qos=1, dup=True)
        assert decoded(client.sent()) == [Publish("topic", b"again", 7)]


def test_pahos_packets_without_a_body_are_understood() -> None:
    with connected() as client:
        client._send_pingreq()
        client._send_puback(3)
        client.disconnect()
        assert decoded(client.sent()) == [PacketType.PINGREQ, PacketType.PUBACK, PacketType.DISCONNECT]


@pytest.mark.parametrize("code", [0, 2, 3, 4, 5])
def test_paho_understands_a_connack(code: int) -> None:
    client = Paho(client_id="device-1")
    heard: list[Any] = []
    client.on_connect = lambda _client, _data, flags, result: heard.append((flags, result))
    client.connect("localhost")
    client.told(codec.connack(code))
    assert heard == [({"session present": 0}, code)]
    client.far.close()


@given(number=PACKET_IDS, granted=st.lists(st.sampled_from([0, 1, 0x80]), min_size=1, max_size=200))
def test_paho_understands_a_suback(number: int, granted: list[int]) -> None:
    heard: list[Any] = []
    with connected() as client:
        client.on_subscribe = lambda *said: heard.append(said[2:])
        client.on_unsubscribe = lambda *said: heard.append(said[2:])
        assert client.told(codec.suback(number, tuple(granted))) == paho.MQTT_ERR_SUCCESS
        assert client.told(codec.unsuback(number)) == paho.MQTT_ERR_SUCCESS
    assert heard == [(number, tuple(granted)), (number,)]


def test_paho_understands_a_puback() -> None:
    with connected() as client:
        message = client.publish("topic", b"", 1)
        assert not message.is_published()
        client.told(codec.puback(message.mid))
        assert message.is_published()
        assert client.told(codec.PINGRESP) == paho.MQTT_ERR_SUCCESS


@given(topic=TOPICS, payload=st.binary(max_size=300), number=st.none() | PACKET_IDS)
def test_paho_understands_a_publish(topic: str, payload: bytes, number: int | None) -> None:
    heard: list[paho.MQTTMessage] = []
    with connected() as client:
        client.on_message = lambda _client, _data, message: heard.append(message)
        assert client.told(codec.publish(topic, payload, number)) == paho.MQTT_ERR_SUCCESS
        if number is not None:
            assert client.sent() == codec.puback(number)
    (message,) = heard
    assert (message.topic, message.payload, message.qos, message.retain, message.dup) == (
        topic,
        payload,
        0 if number is None else 1,
        0,
        0,
    )


# --- a stream of bytes ---

VALID = {
    "CONNECT": connect("device-1", "scope/registrations/device-1/api-version=2019-03-31"),
    "CONNECT with a will and a password": packet(
        0x10, text("MQTT") + b"\x04\xc4\x00\x3c" + b"".join(map(text, ("id", "will", "last words", "name", "secret")))
    ),
    "SUBSCRIBE": subscribe(1, ("$dps/registrations/res/#", 1)),
    "UNSUBSCRIBE": unsubscribe(2, "$dps/registrations/res/#"),
    "PUBLISH": publish("$dps/registrations/PUT/iotdps-register/?$rid=1", b"{}", 3),
    "PUBLISH at QoS 0": publish("topic", b" "),
    "PUBACK": packet(0x40, b"\x00\x01"),
    "PINGREQ": packet(0xC0),
    "DISCONNECT": packet(0xE0),
}
STREAMS = st.lists(st.sampled_from(list(VALID.values())) | st.binary(max_size=600).map(lambda raw: publish("t", raw)))


@given(packets=STREAMS, data=st.data())
def test_however_a_stream_is_cut_the_packets_are_the_same(packets: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(packets)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=30)))
    chunks = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert decoded(*chunks) == [each for one in packets for each in decoded(one)]
    assert len(decoded(stream)) == len(packets)


def test_a_stream_may_come_byte_by_byte() -> None:
    stream = b"".join(VALID.values())
    assert decoded(*(bytes([byte]) for byte in stream)) == decoded(stream)


def or_malformed(*chunks: bytes) -> list[Any] | None:
    try:
        return decoded(*chunks)
    except MalformedPacket:
        return None


@settings(max_examples=500)
@given(stream=st.binary(max_size=400))
def test_any_bytes_are_packets_or_malformed(stream: bytes) -> None:
    or_malformed(stream)


@settings(max_examples=500)
@given(kind=st.sampled_from(list(VALID)), data=st.data())
def test_a_packet_with_wrong_bytes_in_it_is_a_packet_or_malformed(kind: str, data: st.DataObject) -> None:
    wrong = bytearray(VALID[kind])
    for at in data.draw(st.lists(st.integers(0, len(wrong) - 1), min_size=1, max_size=4)):
        wrong[at] = data.draw(st.integers(0, 255))
    or_malformed(bytes(wrong))


@given(first=st.integers(0, 255), body=st.binary(max_size=60))
def test_any_body_of_any_kind_is_a_packet_or_malformed(first: int, body: bytes) -> None:
    found = or_malformed(packet(first, body))
    assert found is None or len(found) == 1


# --- lengths ---

LENGTHS = {
    0: "00",
    1: "01",
    127: "7f",
    128: "8001",
    16_383: "ff7f",
    16_384: "808001",
    MAX_PACKET_BYTES: "808004",
}


@pytest.mark.parametrize("length", LENGTHS)
def test_a_length_up_to_the_limit_is_read(length: int) -> None:
    (found,) = Decoder().feed(b"\x30" + bytes.fromhex(LENGTHS[length]) + b"x" * length)
    assert (found.kind, found.body) == (PacketType.PUBLISH, b"x" * length)


@pytest.mark.parametrize("length", [length for length in LENGTHS if length > 1])
def test_a_length_is_written_in_as_many_bytes_as_it_takes(length: int) -> None:
    written = codec.publish("", b"x" * (length - 2), None)
    assert written == b"\x30" + bytes.fromhex(LENGTHS[length]) + b"\x00\x00" + b"x" * (length - 2)


@pytest.mark.parametrize("length", ["818004", "ffff7f", "80808001", "ffffff7f"])
def test_a_packet_that_is_too_large_is_refused_before_any_of_it_has_come(length: str) -> None:
    with pytest.raises(MalformedPacket):
        decoded(b"\x30" + bytes.fromhex(length))


@pytest.mark.parametrize("length", ["80808080", "8080808000", "8080808001", "ffffffff", "ffffffffff"])
def test_a_length_of_five_bytes_is_refused(length: str) -> None:
    with pytest.raises(MalformedPacket):
        list(Decoder().feed(b"\x30" + bytes.fromhex(length)))


@pytest.mark.parametrize("stream", ["", "30", "30ff", "30ffff", "308080", "3005000174"])
def test_an_incomplete_packet_is_waited_for(stream: str) -> None:
    assert decoded(bytes.fromhex(stream)) == []


# --- what no client may send ---


@pytest.mark.parametrize("kind", ["CONNECT", "SUBSCRIBE", "UNSUBSCRIBE", "PUBACK", "PINGREQ", "DISCONNECT"])
def test_flags_other_than_the_reserved_ones_are_refused(kind: str) -> None:
    good = VALID[kind]
    for flags in set(range(16)) - {good[0] & 0x0F}:
        with pytest.raises(MalformedPacket):
            decoded(bytes([good[0] & 0xF0 | flags]) + good[1:])


@pytest.mark.parametrize("flags", [0x4, 0x6, 0x8, 0xC, 0xE])
def test_a_publish_of_a_quality_that_is_not_served_is_refused(flags: int) -> None:
    """QoS 2, QoS 3 which does not exist, and a second sending at QoS 0 (3.3.1)."""
    with pytest.raises(MalformedPacket):
        decoded(packet(0x30 | flags, text("topic") + b"\x00\x01"))


@pytest.mark.parametrize("kind", ["CONNECT", "CONNECT with a will and a password", "SUBSCRIBE", "UNSUBSCRIBE"])
def test_a_body_that_ends_too_early_is_refused_wherever_it_ends(kind: str) -> None:
    first, body = VALID[kind][0], VALID[kind][2:]
    for length in range(len(body)):
        with pytest.raises(MalformedPacket):
            decoded(packet(first, body[:length]))


def test_a_publish_that_ends_before_its_payload_is_refused() -> None:
    body = text("topic") + b"\x00\x01"
    for length in range(len(body)):
        with pytest.raises(MalformedPacket):
            decoded(packet(0x32, body[:length]))


NO_UTF8 = {"a byte of none": b"\xff", "overlong": b"\xc0\x80", "a surrogate": b"\xed\xa0\x80", "a zero byte": b"a\x00b"}


@pytest.mark.parametrize("kind", NO_UTF8)
def test_a_text_that_is_not_utf_8_is_refused(kind: str) -> None:
    bad = text(NO_UTF8[kind])
    head = text("MQTT") + b"\x04\x80\x00\x3c"
    for stream in (
        packet(0x10, head + bad + text("name")),
        packet(0x10, head + text("id") + bad),
        packet(0x10, bad + b"\x04\x00\x00\x3c" + text("id")),
        packet(0x82, b"\x00\x01" + bad + b"\x01"),
        packet(0xA2, b"\x00\x01" + bad),
        packet(0x30, bad),
    ):
        with pytest.raises(MalformedPacket):
            decoded(stream)


def with_flags(flags: int, *texts: str) -> bytes:
    return packet(0x10, text("MQTT") + bytes([4, flags]) + b"\x00\x3c" + b"".join(map(text, texts)))


WRONG = {
    "a packet id of zero in PUBLISH": packet(0x32, text("topic") + b"\x00\x00"),
    "a packet id of zero in SUBSCRIBE": subscribe(0, ("topic", 1)),
    "a packet id of zero in UNSUBSCRIBE": unsubscribe(0, "topic"),
    "SUBSCRIBE to nothing": subscribe(1),
    "UNSUBSCRIBE from nothing": unsubscribe(1),
    "SUBSCRIBE with an empty filter": subscribe(1, ("", 1)),
    "UNSUBSCRIBE with an empty filter": unsubscribe(1, ""),
    "SUBSCRIBE at QoS 3": subscribe(1, ("topic", 3)),
    "SUBSCRIBE with a reserved bit": subscribe(1, ("topic", 0x81)),
    "PUBLISH to nothing": publish("", b""),
    "PUBLISH to #": publish("a/#", b""),
    "PUBLISH to +": publish("+/a", b""),
    "packet type 0": packet(0x00),
    "packet type 15": packet(0xF0),
    "PUBREC": packet(0x50, b"\x00\x01"),
    "PUBREL": packet(0x62, b"\x00\x01"),
    "PUBCOMP": packet(0x70, b"\x00\x01"),
    "CONNECT of another protocol": packet(0x10, text("MQTT!") + b"\x04\x00\x00\x3c" + text("id")),
    "CONNECT with its reserved flag": with_flags(0x01, "id"),
    "CONNECT with the QoS of a will and no will": with_flags(0x08, "id"),
    "CONNECT that retains a will and has none": with_flags(0x20, "id"),
    "CONNECT with a will of QoS 3": with_flags(0x1C, "id", "will", "words"),
    "CONNECT with a password and no name": with_flags(0x40, "id", "secret"),
    "CONNECT with more behind it": with_flags(0x80, "id", "name", "more"),
    "an empty CONNECT": packet(0x10),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_makes_no_sense_is_refused(kind: str) -> None:
    with pytest.raises(MalformedPacket):
        decoded(WRONG[kind])


def test_the_packets_before_a_malformed_one_are_given() -> None:
    stream = Decoder().feed(VALID["PINGREQ"] + VALID["SUBSCRIBE"] + b"\x00\x00")
    assert [next(stream).kind, next(stream).kind] == [PacketType.PINGREQ, PacketType.SUBSCRIBE]
    with pytest.raises(MalformedPacket):
        next(stream)


@pytest.mark.parametrize("level", [5, 6, 255])
def test_another_level_is_told_from_a_malformed_packet_whatever_follows_it(level: int) -> None:
    """A server says CONNACK 1 to it (3.1.2.2), so it has to be read; MQTT 5 goes on in its own way after the keep-alive."""
    properties = b"\x05\x11\x00\x00\x00\x78"
    body = text("MQTT") + bytes([level, 0x82]) + b"\x00\x3c" + properties + text("device-1") + text("name")
    (found,) = decoded(packet(0x10, body))
    assert found.level == level


def test_pahos_mqtt_5_is_told_from_a_malformed_packet() -> None:
    client = Paho(client_id="device-1", protocol=paho.MQTTv5)
    client.username_pw_set("name")
    client.connect("localhost")
    (found,) = decoded(client.sent())
    assert found.level == 5
    client.far.close()
