"""TLS that asks every device for its certificate and lets any chain through the handshake.

The real service answers an untrusted chain with a status and a reason; a server that breaks off the handshake instead
gives a device nothing but a reset. The standard library's `ssl` can only break off, so OpenSSL is driven through pyOpenSSL.
The handshake still proves that the device holds the key of its certificate (TLS 1.2: CertificateVerify, RFC 5246 7.4.8;
TLS 1.3: RFC 8446 4.4.3).
"""

import ssl
from collections.abc import Callable
from typing import Any, TypeVar

from cryptography import x509
from OpenSSL import SSL

from ..x509.chain import MAX_CHAIN_BYTES, chain_size
from .tls import ServerIdentity

__all__ = ["DeviceTls", "device_context", "presented_chain"]

_Result = TypeVar("_Result")
_CHUNK_BYTES = 64 * 1024


def device_context(
    identity: ServerIdentity, failed: Callable[[str], None], *, allow_tls_1_3: bool = False
) -> ssl.SSLContext:
    """What asyncio takes for an `ssl.SSLContext`, on OpenSSL's own.

    Args:
        failed: told why, when a handshake fails.
        allow_tls_1_3: Azure's documentation of DPS knows TLS 1.2 alone (tls-support.md).
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_max_proto_version(SSL.TLS1_3_VERSION if allow_tls_1_3 else SSL.TLS1_2_VERSION)
    context.use_certificate(identity.certificate)
    context.use_privatekey(identity.key)
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)  # an idle connection needs none
    # A resumed session carries no chain. Without an id context OpenSSL would reset a client that tries to resume one.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_id(b"local-dps")
    return _Context.around(context, failed)


def presented_chain(tls: object) -> tuple[x509.Certificate, ...]:
    """The certificates that the client of a connection sent, its own first; () if it sent none.

    Args:
        tls: the transport's `ssl_object`.
    """
    return tls.chain() if isinstance(tls, DeviceTls) else ()


class _Context(ssl.SSLContext):
    """asyncio asks that a context be an SSLContext, and calls nothing of it but `wrap_bio`."""

    _openssl: SSL.Context
    _failed: Callable[[str], None]

    @classmethod
    def around(cls, context: SSL.Context, failed: Callable[[str], None]) -> "_Context":
        made = cls(ssl.PROTOCOL_TLS_SERVER)
        made._openssl, made._failed = context, failed
        return made

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *_: Any, **__: Any) -> Any:
        return DeviceTls(self._openssl, incoming, outgoing, self._failed)


class DeviceTls:
    """The server's side of one connection: what asyncio needs of an `ssl.SSLObject`, and the client's chain."""

    def __init__(
        self, context: SSL.Context, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, failed: Callable[[str], None]
    ) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._failed = failed
        self._connection = SSL.Connection(context, None)
        self._connection.set_accept_state()
        self.context = None

    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificates that the client sent, its own first."""
        try:
            leaf = self._connection.get_peer_certificate(as_cryptography=True)
            # A server's OpenSSL keeps the client's own certificate apart from the rest, pyOpenSSL puts it in front again.
            rest = self._connection.get_peer_cert_chain(as_cryptography=True) or []
            chain = (leaf, *(each for each in rest if each != leaf)) if leaf else ()
            if chain_size(chain) <= MAX_CHAIN_BYTES:  # a larger one is refused unread
                for each in chain:
                    each.subject, each.issuer  # noqa: B018 - the parser is lazy
        except (
            ValueError,
            x509.InvalidVersion,
            SSL.Error,
        ):  # OpenSSL took what the library that judges chains can't read
            return ()
        return chain

    def do_handshake(self) -> None:
        try:
            self._drive(self._connection.do_handshake)
        except SSL.ZeroReturnError as error:
            raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "The client said goodbye before it was let in.") from error
        except ssl.SSLWantReadError:
            raise
        except ssl.SSLError as error:
            self._failed(str(error.args[-1]))
            raise

    def read(self, size: int = _CHUNK_BYTES, buffer: Any = None) -> Any:
        try:
            data = self._drive(lambda: self._connection.recv(size))
        except SSL.ZeroReturnError:
            data = b""
        if buffer is None:
            return data
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        return self._drive(lambda: self._connection.send(bytes(data)))

    def unwrap(self) -> None:
        if not self._drive(self._connection.shutdown):
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "The client has not said goodbye yet.")

    def getpeercert(self, binary_form: bool = False) -> None:
        """Nothing: whoever wants to know asks for the whole chain."""

    def cipher(self) -> tuple[str | None, str, None]:
        return self._connection.get_cipher_name(), self._connection.get_protocol_version_name(), None

    def compression(self) -> None:
        """None: TLS compression is off."""

    def _drive(self, action: Callable[[], _Result]) -> _Result:
        """Feed what has come, act, and take out what shall go; errors as the standard library raises them."""
        while self._incoming.pending:
            self._connection.bio_write(self._incoming.read(_CHUNK_BYTES))
        try:
            return action()
        except SSL.WantReadError as error:
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "More bytes are needed.") from error
        except SSL.ZeroReturnError:
            raise
        except SSL.SysCallError as error:
            raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "The client went away.") from error
        except SSL.Error as error:
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, str(error)) from error
        finally:
            self._take_out()

    def _take_out(self) -> None:
        while True:
            try:
                self._outgoing.write(self._connection.bio_read(_CHUNK_BYTES))
            except SSL.WantReadError:
                return
