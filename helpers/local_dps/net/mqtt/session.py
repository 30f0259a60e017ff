"""The MQTT session of one device, without a network. The device connects, subscribes to answers, registers and polls."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote

from cryptography import x509

from ...errors import ApiPlane
from ...errors import device as errors
from ...request.outcome import RequestOutcome
from ...request.routing import Request, Response
from . import codec
from .framing import MalformedPacket, Packet, PacketType

__all__ = ["ConnectRefused", "ConnectionClosed", "MqttSession"]

_RID = r"(?P<rid>[^&$]+)"
_MAX_REQUEST_ID_BYTES = 65_400  # an answer's topic is a little longer than the request's, and MQTT allows 65,535
_ANSWERS = "$dps/registrations/res/#"
_USERNAME = re.compile(r"(?P<scope>[^/]+)/registrations/(?P<registration>[^/]+)/(?P<options>.*)")
_REGISTER = re.compile(rf"\$dps/registrations/PUT/iotdps-register/\?\$rid={_RID}")
_POLL = re.compile(
    rf"\$dps/registrations/GET/iotdps-get-operationstatus/\?\$rid={_RID}&operationId=(?P<operation>[^&$]+)"
)
_ACCEPTED, _OTHER_VERSION, _BAD_USERNAME, _NOT_AUTHORIZED = 0, 1, 4, 5


class ConnectionClosed(Exception):
    """The connection is over: the client disconnected, or a fault dropped its request."""


class ConnectRefused(Exception):
    """The CONNECT is refused, and the connection is over.

    Attributes:
        response: the CONNACK that says so.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"CONNACK {code}: {reason}")
        self.response = codec.connack(code)


@dataclass(frozen=True)
class _Device:
    scope: str
    registration: str
    api_version: str


class MqttSession:
    """A session that takes packets, and returns the bytes to send back.

    Args:
        handle: answers a request to the device plane.
        name, port: how the client reached the local DPS.
        chain: the certificates that the client sent in its handshake.
    """

    def __init__(
        self,
        handle: Callable[[Request], Awaitable[RequestOutcome]],
        name: str,
        port: int,
        chain: tuple[x509.Certificate, ...],
    ) -> None:
        self._handle = handle
        self._name = name
        self._port = port
        self._chain = chain
        self._device: _Device | None = None
        self._answers_at: int | None = None  # the QoS of the subscription to answers; None without one
        self._next_id = 0
        self.keep_alive = 0

    @property
    def path(self) -> str:
        """The start of the path of this device's requests; `/` before its CONNECT is accepted."""
        device = self._device
        if device is None:
            return "/"
        return f"/{quote(device.scope, safe='')}/registrations/{quote(device.registration, safe='')}"

    async def receive(self, packet: Packet) -> list[bytes]:
        """Return the packets to send back, in their order.

        Raises:
            ConnectionClosed: the client disconnected.
            ConnectRefused: the CONNECT can't be accepted.
            MalformedPacket
        """
        if self._device is None:
            return self._connect(packet)
        match packet.kind:
            case PacketType.SUBSCRIBE:
                return [self._subscribe(codec.read_subscribe(packet))]
            case PacketType.UNSUBSCRIBE:
                packet_id, filters = codec.read_unsubscribe(packet)
                if _ANSWERS in filters:
                    self._answers_at = None
                return [codec.unsuback(packet_id)]
            case PacketType.PUBLISH:
                return await self._publish(self._device, codec.read_publish(packet))
            case PacketType.PUBACK:
                codec.read_puback(packet)
                return []
            case PacketType.PINGREQ:
                codec.read_nothing(packet)
                return [codec.PINGRESP]
            case PacketType.DISCONNECT:
                codec.read_nothing(packet)
                raise ConnectionClosed
            case _:
                raise MalformedPacket(f"A connected client must not send {packet.kind.name}.")

    def _connect(self, packet: Packet) -> list[bytes]:
        """Accept any device that sends a certificate. Whether DPS accepts the certificate is decided when it registers."""
        if packet.kind is not PacketType.CONNECT:
            raise MalformedPacket(f"The first packet must be CONNECT, but it is {packet.kind.name}.")
        asked = codec.read_connect(packet)
        if asked.level != codec.PROTOCOL_LEVEL:
            raise ConnectRefused(
                _OTHER_VERSION,
                f"This client uses protocol level {asked.level}. Only level 4, which is MQTT 3.1.1, is supported.",
            )
        named = _USERNAME.fullmatch(asked.username or "")
        options = parse_qs(named["options"]) if named else {}
        if not named or "api-version" not in options:
            raise ConnectRefused(
                _BAD_USERNAME, "The user name must be {idScope}/registrations/{registrationId}/api-version=…"
            )
        if not self._chain:
            raise ConnectRefused(_NOT_AUTHORIZED, errors.SYMMETRIC_KEY if asked.has_password else errors.NO_CERTIFICATE)
        if asked.client_id.lower() != named["registration"].lower():
            raise ConnectRefused(_NOT_AUTHORIZED, "The client id must be the registration id in the user name.")
        self._device = _Device(named["scope"], named["registration"], options["api-version"][0])
        self.keep_alive = asked.keep_alive
        return [codec.connack(_ACCEPTED)]

    def _subscribe(self, asked: codec.Subscribe) -> bytes:
        granted = []
        for name, qos in asked.filters:
            if name == _ANSWERS:
                self._answers_at = min(qos, 1)
                granted.append(self._answers_at)
            else:
                granted.append(0x80)
        return codec.suback(asked.packet_id, tuple(granted))

    async def _publish(self, device: _Device, asked: codec.Publish) -> list[bytes]:
        register, poll = _REGISTER.fullmatch(asked.topic), _POLL.fullmatch(asked.topic)
        if register:
            request, rid = self._request(device, "PUT", "/register", asked.payload), register["rid"]
        elif poll:
            request, rid = self._request(device, "GET", f"/operations/{quote(poll['operation'])}", b""), poll["rid"]
        else:
            raise MalformedPacket("A device must not publish to this topic.")
        if len(rid.encode()) > _MAX_REQUEST_ID_BYTES:
            raise MalformedPacket("The $rid is too long.")
        acknowledged = [] if asked.packet_id is None else [codec.puback(asked.packet_id)]
        outcome = await self._handle(request)
        if outcome.response is None:
            raise ConnectionClosed
        if self._answers_at is None:
            return acknowledged
        return [*acknowledged, self._answer(rid, outcome.response)]

    def _request(self, device: _Device, method: str, suffix: str, body: bytes) -> Request:
        return Request(
            method=method,
            name=self._name,
            port=self._port,
            plane=ApiPlane.DEVICE,
            path=f"{self.path}{suffix}",
            query={"api-version": device.api_version},
            headers={},
            body=body,
            now=datetime.now(UTC),
            chain=self._chain,
        )

    def _answer(self, rid: str, response: Response) -> bytes:
        retry = response.headers.get("Retry-After")
        topic = f"$dps/registrations/res/{response.status}/?$rid={rid}{f'&retry-after={retry}' if retry else ''}"
        packet_id = None
        if self._answers_at:
            self._next_id = self._next_id % 0xFFFF + 1
            packet_id = self._next_id
        return codec.publish(topic, json.dumps(response.body, separators=(",", ":")).encode(), packet_id)
